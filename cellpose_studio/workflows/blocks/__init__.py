"""Runs in blocks, for images that are larger than the memory."""
