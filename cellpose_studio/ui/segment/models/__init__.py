"""Choosing, downloading and adding models."""
