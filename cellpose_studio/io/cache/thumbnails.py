"""Thumbnails as PNG, and their cache on disk."""

from __future__ import annotations

import hashlib
import json
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np

from cellpose_studio.core.display.small_picture import SIZE, Thumbnail
from cellpose_studio.core.errors import CannotSave
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.io.atomic import replacing
from cellpose_studio.io.images.png_jpeg import PNG_START

LARGEST = 1024
"""Side of the largest thumbnail that is decoded, px."""

# The first chunk of a PNG is its header, which begins with these two big-endian
# numbers. Before them are 8 bytes of signature, and 8 of length and name.
_SIDES = struct.Struct(">II")
_SIDES_AT = 16
"""Offset of width and height in a PNG file."""

_GENERATION = 3
"""To be incremented when images are drawn differently."""


def png(picture: Thumbnail) -> bytes:
    """Return a picture (Y, X, RGB) as the content of a PNG file."""
    import imagecodecs

    return bytes(imagecodecs.png_encode(picture))


def from_png(content: bytes) -> Thumbnail:
    """Return the thumbnail (Y, X, RGB) in a PNG file.

    Raises
    ------
    ValueError
        If it is damaged, too large for a thumbnail, or not an RGB image.
    """
    import imagecodecs

    if not content.startswith(PNG_START) or len(content) < _SIDES_AT + _SIDES.size:
        raise ValueError("no PNG")
    # The size is checked before memory is allocated for it.
    if max(_SIDES.unpack_from(content, _SIDES_AT)) > LARGEST:
        raise ValueError("no thumbnail")
    try:
        picture = np.asarray(imagecodecs.png_decode(content))
    except Exception as error:  # the decoder has types of its own
        raise ValueError("damaged") from error
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise ValueError("not in colours")
    return picture


class ThumbnailCache:
    """Disk cache of the thumbnails of images; unreadable ones are made again.

    Parameters
    ----------
    folder
        Created when it is first needed. Several processes may share it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, image: ImageSource, size: int = SIZE) -> Thumbnail:
        """Return the thumbnail of an image, from the cache or made now.

        Raises
        ------
        StudioError
            If it is not cached and the image cannot be read.
        """
        # It loads compilers, for which a file manager should not wait.
        from cellpose_studio.core.display.thumbnail import image_thumbnail

        picture = self.get(image, size)
        if picture is None:
            picture = image_thumbnail(image, size)
            self.put(image, picture, size)
        return picture

    def get(self, image: ImageSource, size: int = SIZE) -> Thumbnail | None:
        """Return the thumbnail of an image; None if it is not cached, or damaged."""
        try:
            return from_png(self._path(image, size).read_bytes())
        except (OSError, ValueError):
            return None

    def put(self, image: ImageSource, picture: Thumbnail, size: int = SIZE) -> None:
        """Store the thumbnail of an image, if the disk has room."""
        with suppress(CannotSave, OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            with replacing(self._path(image, size)) as part:
                part.write_bytes(png(picture))

    def _path(self, image: ImageSource, size: int) -> Path:
        # The same file with other axes is another image, so they are part of the key.
        content = [
            _GENERATION,
            image.fingerprint,
            image.scene,
            image.file_axes,
            image.shape,
            size,
        ]
        name = hashlib.sha256(json.dumps(content).encode()).hexdigest()
        return self._folder / f"{name}.png"
