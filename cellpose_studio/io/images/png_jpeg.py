"""Reader of PNG and JPEG images."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from cellpose_studio.core.errors import ImageUnreadable
from cellpose_studio.io.images.decode_cache import DECODED
from cellpose_studio.io.images.stored_image import (
    Array,
    Stored,
    damaged,
    refuse_large_part,
)

PNG_START = b"\x89PNG\r\n\x1a\n"
JPEG_START = b"\xff\xd8\xff"

_PNG_HEADER = struct.Struct(">IIBB")  # width, height, bits, kind of pixels
_PNG_SAMPLES = {0: 1, 2: 3, 3: 4, 4: 2, 6: 4}
_JPEG_HEADER = struct.Struct(">HHB")  # height, width, samples
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

_JPEG_SCAN, _JPEG_END = b"\xff\xda", b"\xff\xd9"


def open_picture(path: Path) -> list[Stored]:
    """Return the image in a PNG or JPEG file.

    It is decoded as a whole, and again after it was evicted from the cache. A PNG of
    16 bits keeps its depth; one with a palette becomes a colour image.
    """
    pixels = PicturePixels(path)
    # Shape and type are known only after decoding. The cache keeps the pixels for the
    # first read.
    whole = pixels.whole()
    if whole.ndim == 2:
        return [Stored(axes="YX", shape=whole.shape, dtype=whole.dtype, pixels=pixels)]
    # Two samples are grey and transparency, and the fourth one is transparency as well.
    colour = whole.shape[2] > 2
    samples = 3 if colour else 1
    return [
        Stored(
            axes="YXS",
            shape=whole.shape,
            dtype=whole.dtype,
            pixels=pixels,
            samples=samples,
            colour=colour,
        )
    ]


class PicturePixels:
    """Pixels of an image in the cache of decoded images."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # The path would be a wrong key: if the file is replaced and opened again, the
        # pixels of the old one may still be in the cache.
        self._key = object()

    def whole(self) -> Array:
        """Return the image, YX or YXS."""
        return DECODED.get(self._key, lambda: _decoded(self._path))

    def read(self, index: tuple[slice, ...]) -> Array:
        """Return a copy of a part of the image."""
        # The cached array is shared, so the caller gets pixels of its own.
        return self.whole()[index].copy()


def declared_size(content: bytes) -> int:
    """Return how many bytes the pixels take by the header of a PNG or JPEG file."""
    if content.startswith(PNG_START):
        width, height, bits, kind = _PNG_HEADER.unpack_from(content, len(PNG_START) + 8)
        return width * height * _PNG_SAMPLES.get(kind, 4) * (2 if bits > 8 else 1)
    at = 2
    # A JPEG is a sequence of marked segments; one of those begins the frame.
    while at + 9 < len(content) and content[at] == 0xFF:
        if content[at + 1] in _JPEG_FRAMES:
            height, width, samples = _JPEG_HEADER.unpack_from(content, at + 5)
            return height * width * samples
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return 0


def _decoded(path: Path) -> Array:
    import imagecodecs

    content = path.read_bytes()
    refuse_large_part(path, declared_size(content))
    if content.startswith(PNG_START):
        return np.asarray(imagecodecs.png_decode(content))
    # The decoder silently fills the missing part of a truncated file with grey.
    if content.rfind(_JPEG_END) < content.rfind(_JPEG_SCAN):
        raise damaged(path)
    pixels = np.asarray(imagecodecs.jpeg_decode(content))
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        raise ImageUnreadable(
            f"{path.name} is an image in the colour space of printers (CMYK).",
            "Save it as RGB.",
        )
    return pixels
