"""Reading images."""

from cellpose_studio.io.images.reader import open_images

__all__ = ["open_images"]
