"""Kinds of layers: masks and large images."""
