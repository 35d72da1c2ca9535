"""Phrases that several panels use."""

from __future__ import annotations


def image_count(number: int) -> str:
    """Return a number of images as a text: "1 image", "12 images"."""
    return "1 image" if number == 1 else f"{number:,} images"


def cell_count(number: int) -> str:
    """Return a number of cells as a text: "1 cell", "1,200 cells"."""
    return "1 cell" if number == 1 else f"{number:,} cells"
