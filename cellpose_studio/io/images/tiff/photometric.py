"""Pixels of TIFF files that are shown in another way than by their numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.io.images.stored_image import Array, Stored, StoredPixels

_WHITE_IS_ZERO, _PALETTE = 0, 3
"""Photometric interpretations of TIFF 6.0."""

_MOST_TURNS = 0.1
"""Of the steps along a ramp of colours, those where a colour turns back."""

_FEWEST_COLOURS = 64
"""Fewer are no lookup table, unless they are all grey."""

_JITTER = 2
"""Steps of a colour, of 255, that are none: ramps are rounded."""


def as_shown(
    stored: Stored, photometric: int, colours: npt.NDArray[Any] | None, bits: int
) -> Stored:
    """Return ``stored`` with the grey values or colours that a viewer shows.

    The numbers of a palette of colours are replaced by them. Those of a ramp, which
    is how ImageJ saves an image with a lookup table, are intensities and stay. Where
    0 is white, in either way, brightness is turned round.

    Parameters
    ----------
    colours
        Red, green and blue (3, N) of each number, where there is a palette.
    bits
        Of a number.
    """
    white_first = photometric == _WHITE_IS_ZERO
    if photometric == _PALETTE and colours is not None and "S" not in stored.axes:
        table = _as_bytes(colours)
        if not _is_ramp(table):
            return replace(
                stored,
                axes=stored.axes + "S",
                likely=stored.likely and stored.likely + "S",
                shape=(*stored.shape, 3),
                dtype=table.dtype,
                pixels=_Coloured(stored.pixels, table),
                samples=3,
                colour=True,
            )
        grey = bool((table == table[:, :1]).all())
        white_first = grey and int(table[0, 0]) > int(table[-1, 0])
    if not white_first:
        return stored
    return replace(stored, pixels=_Inverted(stored.pixels, bits))


@dataclass(frozen=True)
class _Coloured:
    """Replaces numbers by the colours of a table (N, 3), as last axis."""

    numbers: StoredPixels
    table: npt.NDArray[np.uint8]

    def read(self, index: tuple[slice, ...]) -> Array:
        # TIFF requires a colour for every possible number, so an index out of range
        # means a damaged file.
        return self.table[self.numbers.read(index[:-1])][..., index[-1]]


@dataclass(frozen=True)
class _Inverted:
    """Makes the brightest of all possible values 0."""

    pixels: StoredPixels
    bits: int

    def read(self, index: tuple[slice, ...]) -> Array:
        values = self.pixels.read(index)
        if values.dtype.kind == "b":
            return ~values
        if values.dtype.kind == "u":
            # The number of bits counts, not the type: of 12 bits in uint16, 4095 is the
            # brightest.
            return values.dtype.type(2**self.bits - 1) - values
        # Without a brightest value, only the order counts; ~ cannot run over.
        return ~values if values.dtype.kind == "i" else -values


def _as_bytes(colours: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Return a colour map (3, N) as (N, 3); some programs fill 8 of its 16 bits."""
    table = np.asarray(colours).T
    return (table if table.max(initial=0) < 256 else table >> 8).astype(np.uint8)


def _is_ramp(table: npt.NDArray[np.uint8]) -> bool:
    """Return whether colours (N, 3) lead from one to the next, as of a lookup table.

    Those that were chosen for a picture, or to tell labels apart, jump about.
    """
    grey = (table == table[:, :1]).all()
    if not grey and len(np.unique(table, axis=0)) < _FEWEST_COLOURS:
        return False
    # Differences of unsigned bytes would wrap around.
    for colour in table.T.astype(int):
        steps = np.diff(colour)
        ways = np.sign(steps[np.abs(steps) > _JITTER])
        turns = np.count_nonzero(ways[1:] != ways[:-1])
        if turns > _MOST_TURNS * len(ways):
            return False
    return True
