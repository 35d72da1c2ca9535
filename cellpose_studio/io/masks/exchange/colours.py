"""Colours of cells in files that store one for each."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def bright_colours(count: int) -> npt.NDArray[np.uint8]:
    """Return ``count`` bright colours (n, 3) of which neighbours differ."""
    # Multiples of the golden ratio spread over the circle of hues, however many there
    # are.
    golden = 0.618034
    hue = np.arange(count)[:, None] * golden + np.array([0, 1 / 3, 2 / 3])
    colours: npt.NDArray[np.uint8] = (140 + 110 * np.cos(2 * np.pi * hue)).astype("u1")
    return colours
