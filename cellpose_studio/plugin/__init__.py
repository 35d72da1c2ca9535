"""Cellpose Studio inside plain napari: what ``napari.yaml`` offers."""
