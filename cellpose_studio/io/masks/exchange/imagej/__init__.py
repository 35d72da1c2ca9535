"""Regions of ImageJ."""
