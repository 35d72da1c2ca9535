"""Kinds of layers: masks, a comparison, large images."""
