"""Masks in and out: label images, Cellpose's files, ImageJ's regions."""

from cellpose_studio.io.masks.reader import read_masks

__all__ = ["read_masks"]
