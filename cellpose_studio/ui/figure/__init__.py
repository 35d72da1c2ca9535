"""Figures of images with their outlines, words and scale bar."""
