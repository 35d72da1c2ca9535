"""napari's viewer: what it says, how it looks, and when it draws what."""
