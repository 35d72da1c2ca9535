"""The numbers that a PNG file holds, before they are made into colours."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

_SIGNATURE = 8
"""Bytes before the first chunk."""

_HEADER, _DATA, _END = b"IHDR", b"IDAT", b"IEND"

_GREY, _PALETTE, _GREY_ALPHA = 0, 3, 4
"""Colour types of PNG; those of pixels with one number each, but for alpha."""


def png_numbers(content: bytes) -> npt.NDArray[Any] | None:
    """Return the grey values, or the indices of the palette, (Y, X).

    A decoder would replace indices by the colours of a palette, spread the values of
    1, 2 and 4 bits over 8, and add a channel for a value that is transparent. Returns
    None for a colour picture.

    Raises
    ------
    ValueError, imagecodecs.PngError
        If the file is damaged.
    """
    import imagecodecs

    header = next((data for name, data in _chunks(content) if name == _HEADER), b"")
    # The length of the header is fixed in PNG.
    if len(header) != 13:
        raise ValueError("no header")
    bits, colour_type = header[8], header[9]
    if colour_type not in (_GREY, _PALETTE, _GREY_ALPHA):
        return None
    # Declared as grey values, the indices of a palette pass the decoder unchanged.
    if colour_type == _PALETTE:
        header = header[:9] + bytes([_GREY]) + header[10:]
    kept = [(_HEADER, header)]
    # All other chunks are left out. Those of the palette and of transparency would
    # change the numbers.
    kept += [(n, data) for n, data in _chunks(content) if n in (_DATA, _END)]
    grey = content[:_SIGNATURE] + b"".join(_packed(*chunk) for chunk in kept)
    pixels: npt.NDArray[Any] = np.asarray(imagecodecs.png_decode(grey))
    if colour_type == _GREY_ALPHA:
        pixels = pixels[..., 0]
    # 255 is a multiple of 1, 3 and 15, so the division is exact.
    return pixels // (255 // (2**bits - 1)) if bits < 8 else pixels


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and data of each chunk."""
    at = _SIGNATURE
    while at + 8 <= len(content):
        end = at + 8 + int.from_bytes(content[at : at + 4], "big")
        yield content[at + 4 : at + 8], content[at + 8 : end]
        at = end + 4


def _packed(name: bytes, data: bytes) -> bytes:
    # The decoder refuses a changed header with its old checksum.
    checksum = zlib.crc32(name + data).to_bytes(4, "big")
    return len(data).to_bytes(4, "big") + name + data + checksum
