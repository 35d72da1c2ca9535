"""How deep inside a cell a pixel lies."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.compiling.compiled import compiled
from cellpose_studio.core.edits.changes import Mask

Squares = npt.NDArray[np.float64]
Flag = npt.NDArray[np.bool_]


def depth(
    mask: Mask,
    spacing: Sequence[float] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Squares:
    """Return the Euclidean distance of each pixel to the nearest one outside a mask.

    The mask ends at the sides of the array. Axis by axis, the distance is the lower
    envelope of parabolas (Felzenszwalb and Huttenlocher, Theory of Computing 8, 2012).

    SciPy's ``distance_transform_edt`` gives the same, but cannot be stopped, and takes
    seconds for a large cell in a volume.

    Parameters
    ----------
    mask
        Of any number of axes.
    spacing
        Size of a pixel along each axis; 1 if None.
    """
    checkpoint = checkpoint or Checkpoint()
    squares = np.where(mask, np.inf, 0.0)
    for axis, step in enumerate(spacing or (1.0,) * mask.ndim):
        checkpoint.check()
        before, after = mask.shape[:axis], mask.shape[axis + 1 :]
        # With the axis in the middle, one loop serves any of them.
        lines = squares.reshape(prod(before), mask.shape[axis], prod(after))
        _envelopes(lines, float(step) ** 2, checkpoint.stop_flag)
    checkpoint.check()
    return np.sqrt(squares, out=squares)


@compiled
def _envelopes(lines: Squares, weight: float, stop: Flag) -> None:
    """Replace each line along the middle axis by its lower envelope, until ``stop``."""
    before, length, after = lines.shape
    # Beyond either end of a line there is a pixel outside the mask.
    height = np.zeros(length + 2)
    site = np.zeros(length + 2, np.int64)
    begin = np.zeros(length + 3)
    for b in range(before):
        for a in range(after):
            if stop[0]:
                return
            for k in range(length):
                height[k + 1] = lines[b, k, a]
            last = 0
            site[0], begin[0], begin[1] = 0, -np.inf, np.inf
            for k in range(1, length + 2):
                if height[k] == np.inf:
                    continue
                meet = _meet(height, site[last], k, weight)
                while meet <= begin[last]:
                    last -= 1
                    meet = _meet(height, site[last], k, weight)
                last += 1
                site[last], begin[last], begin[last + 1] = k, meet, np.inf
            last = 0
            for k in range(1, length + 1):
                while begin[last + 1] < k:
                    last += 1
                way = k - site[last]
                lines[b, k - 1, a] = weight * way * way + height[site[last]]


@compiled
def _meet(height: Squares, left: int, right: int, weight: float) -> float:
    """Return where the parabola of a site begins to be below that of one before it."""
    rise = (height[right] - height[left]) / weight
    return (rise + right * right - left * left) / (2.0 * (right - left))
