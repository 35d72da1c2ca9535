"""Axes and roundness of cells from the sums of their coordinates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.measure.frame.cell_pass import (
    PIXELS,
    SUM_X,
    SUM_XX,
    SUM_Y,
    SUM_YX,
    SUM_YY,
    SUM_Z,
    SUM_ZX,
    SUM_ZY,
    SUM_ZZ,
)

Steps = tuple[float, float, float]
Sums = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

_FIRST = (SUM_Z, SUM_Y, SUM_X)
_SECOND = {
    (0, 0): SUM_ZZ,
    (1, 1): SUM_YY,
    (2, 2): SUM_XX,
    (0, 1): SUM_ZY,
    (0, 2): SUM_ZX,
    (1, 2): SUM_YX,
}

_ROUND_OFF = 1e-12
"""Share of the longest axis squared below which another one is 0."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Moments of N cells.

    Attributes
    ----------
    centre
        (N, 3) mean index along Z, Y and X.
    axes
        (N, 2) lengths of the axes of the ellipse, or (N, 3) of the ellipsoid.
    angle
        (N,) of the long axis in a plane, degrees; 0 in a stack.
    roundness
        (N,).
    """

    centre: Values
    axes: Values
    angle: Values
    roundness: Values


def moments_of(sums: Sums, steps: Steps, deep: bool) -> Moments:
    """Return the moments of cells; lengths are in the unit of the steps."""
    pixels = sums[:, PIXELS]
    first = sums[:, _FIRST]
    centre = first / pixels[:, None]
    # Whole numbers stay exact around a whole centre, however far out a cell lies.
    whole = np.rint(centre).astype(np.int64)
    rest = first - whole * pixels[:, None]
    spread = np.zeros((len(sums), 3, 3))
    for (a, b), column in _SECOND.items():
        exact = (
            sums[:, column]
            - whole[:, a] * first[:, b]
            - whole[:, b] * first[:, a]
            + whole[:, a] * whole[:, b] * pixels
        )
        value = (exact - rest[:, a] * (rest[:, b] / pixels)) / pixels
        spread[:, a, b] = spread[:, b, a] = value * steps[a] * steps[b]
    if not deep:
        spread = spread[:, 1:, 1:]
    roots = np.linalg.eigvalsh(spread)[:, ::-1]
    roots = np.where(roots > roots[:, :1] * _ROUND_OFF, roots, 0.0)
    # The second moment of an ellipse is a quarter of its squared half axis; that of an
    # ellipsoid a fifth.
    axes = 2 * np.sqrt((5 if deep else 4) * roots)
    return Moments(
        centre=centre,
        axes=axes,
        angle=np.zeros(len(sums)) if deep else _angles(spread),
        roundness=_roundness(pixels * np.prod(steps), spread),
    )


def _angles(spread: Values) -> Values:
    yy, xx, yx = spread[:, 0, 0], spread[:, 1, 1], spread[:, 0, 1]
    # Y points down on the screen.
    angle = np.degrees(np.arctan2(-2 * yx, xx - yy)) / 2
    return np.where(angle <= -90, 90.0, angle) + 0.0


def _roundness(size: Values, spread: Values) -> Values:
    """Return the spread of a disc or a ball of the same size over that of the cells."""
    axes = spread.shape[-1]
    if axes == 2:
        even = size / (2 * math.pi)
    else:
        even = 3 / 5 * (3 * size / (4 * math.pi)) ** (2 / 3)
    found = np.trace(spread, axis1=1, axis2=2)
    ratio = np.divide(even, found, out=np.ones(len(size)), where=found > 0)
    return np.minimum(ratio, 1.0)
