"""Runs block by block, for images that are larger than the memory."""
