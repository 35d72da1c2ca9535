"""Axes that an image cannot have: each of their places is an image of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from cellpose_studio.io.images.stored_image import Array, Stored, StoredPixels

_AXES = "TCZYXS"

_MOST = 10_000
"""More images than this are no images, but a damaged file."""


def apart(
    stored: Stored, words: Mapping[str, str], names: Mapping[str, Sequence[str]]
) -> list[Stored]:
    """Return one image for each place on the axes that an image cannot have.

    Parameters
    ----------
    words
        What a place on such an axis is called: "Position". Otherwise the axis is named.
    names
        Names of the places on an axis, where the file has them; may be empty strings.

    Raises
    ------
    ValueError
        If there are absurdly many.
    """
    others = [n for n, axis in enumerate(stored.axes) if axis not in _AXES]
    lengths = [stored.shape[n] for n in others]
    images: list[Stored] = []
    for place in product(*map(range, lengths)):
        if len(images) == _MOST:
            raise ValueError(f"more than {_MOST} images")
        at = dict(zip(others, place, strict=True))
        told = [
            _name(stored.axes[n], index, words, names)
            for n, index in at.items()
            if stored.shape[n] > 1
        ]
        images.append(
            replace(
                stored,
                axes="".join(a for a in stored.axes if a in _AXES),
                shape=tuple(k for n, k in enumerate(stored.shape) if n not in at),
                pixels=_Place(stored.pixels, at, len(stored.axes)),
                scene=" ".join(filter(None, [stored.scene, *told])),
            )
        )
    return images


def _name(
    axis: str, index: int, words: Mapping[str, str], names: Mapping[str, Sequence[str]]
) -> str:
    given = list(names.get(axis, ()))[index : index + 1]
    if given and given[0].strip():
        return given[0].strip()
    return f"{words.get(axis, axis)} {index + 1}"


@dataclass(frozen=True)
class _Place:
    """An array at one place on some of its axes, which it does not have any more."""

    pixels: StoredPixels
    at: Mapping[int, int]
    ndim: int

    def read(self, index: tuple[slice, ...]) -> Array:
        left = iter(index)
        whole = tuple(
            slice(self.at[n], self.at[n] + 1) if n in self.at else next(left)
            for n in range(self.ndim)
        )
        return self.pixels.read(whole).squeeze(tuple(self.at))
