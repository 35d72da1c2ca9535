"""Positions in an image as text for people, who count planes from 1."""

from __future__ import annotations

from collections.abc import Sequence


def position_text(sizes: Sequence[tuple[str, int]], position: Sequence[float]) -> str:
    """Return the time point, the plane and the pixel of a position; "" outside.

    Time points and planes are counted from 1, as on the sliders and in ImageJ. Pixels
    are counted from 0, as in ImageJ.

    Parameters
    ----------
    sizes
        Name and length of each axis, for example ("Z", 12), ("Y", 64), ("X", 64).
    position
        In pixels along these axes, where 0 is the centre of the first pixel.
    """
    at = [round(p) for p in position]
    axes = list(zip(sizes, at, strict=True))
    if not all(0 <= n < size for (_, size), n in axes):
        return ""
    planes = [f"{name} {n + 1} of {size}" for (name, size), n in axes[:-2]]
    pixel = [f"{name.lower()} {n}" for (name, _), n in reversed(axes[-2:])]
    return "  ".join([*pixel, *reversed(planes)])
