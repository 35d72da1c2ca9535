"""Flows of masks: what a perfect network would output for them.

Heat diffuses from the centre of a cell, and the flows follow the gradient of the
temperature (Stringer et al., Nature Methods 18, 2021). The numbers are those of
Cellpose's ``dynamics.masks_to_flows_gpu``. On a CPU, that function takes minutes for a
large image and cannot be cancelled; one cell at a time takes seconds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.ndimage import find_objects

from cellpose_studio.core.compiled import compiled

FloatArray = npt.NDArray[np.float32]
Heat = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_AT_ONCE = 200_000_000
"""Pixels times steps between two checks: a few tenths of a second."""


def flows_of_masks(
    labels: npt.NDArray[np.integer], check: Callable[[], None]
) -> FloatArray:
    """Return the flows (2, Y, X) of ``labels`` (Y, X): unit vectors, 0 in background.

    ``check`` is called several times a second; its exceptions propagate.
    """
    boxes = find_objects(labels)
    sides = [b[0].stop - b[0].start + b[1].stop - b[1].start for b in boxes if b]
    # In Cellpose, all cells diffuse for as long as the largest one needs, and the
    # temperatures of small cells depend on it.
    steps = 2 * (max(sides, default=0) + 2)
    heat = np.zeros(np.add(labels.shape, 2))
    for cell, box in enumerate(boxes, start=1):
        if box:
            rows, columns = (slice(side.start, side.stop + 2) for side in box)
            inside = labels[box] == cell
            # Boxes of neighbours overlap, so each cell adds to what is there. It is
            # cold outside of its own pixels.
            heat[rows, columns] += _warmth(inside, steps, check)
    flows = np.zeros((2, *labels.shape), np.float32)
    _uphill(heat, labels != 0, flows)
    return flows


def flow_errors(
    labels: npt.NDArray[np.integer], dP: FloatArray, check: Callable[[], None]
) -> npt.NDArray[np.float64]:
    """Return the flow error of cell n at n - 1, as Cellpose's ``flow_error``.

    This is the mean squared distance between the flows of its mask and ``dP``
    (2, Y, X), five times the unit vectors that the network gave. ``labels`` (Y, X)
    are 1..N.
    """
    distance = ((flows_of_masks(labels, check) - dP / 5) ** 2).sum(axis=0)
    cells = labels.ravel()
    sums = np.bincount(cells, weights=distance.ravel())
    return sums[1:] / np.bincount(cells)[1:]


def _warmth(inside: Mask, steps: int, check: Callable[[], None]) -> Heat:
    """Return the temperature of each pixel after ``steps``, padded by one pixel."""
    within = np.pad(inside.astype(np.float64), 1)
    warmth = np.zeros_like(within)
    y, x = _centre(inside)
    at_once = max(1, _AT_ONCE // inside.size)
    for done in range(0, steps, at_once):
        check()
        warmth = _spread(warmth, within, y + 1, x + 1, min(at_once, steps - done))
    return warmth


def _centre(inside: Mask) -> tuple[int, int]:
    """Return the pixel of a cell that is closest to its centre of mass, rounded."""
    ys, xs = np.nonzero(inside)
    y, x = np.round(ys.mean()), np.round(xs.mean())
    # The centre of mass of a bent cell may lie outside of it, where heat cannot start.
    nearest = np.argmin((ys - y) ** 2 + (xs - x) ** 2)
    return int(ys[nearest]), int(xs[nearest])


@compiled
def _spread(warmth: Heat, within: Heat, y: int, x: int, steps: int) -> Heat:
    """Repeatedly warm the centre by 1 and average over 3 x 3 pixels of the cell."""
    # The terms are added in torch's order: in the middle of a symmetric cell, where the
    # gradient vanishes, the rounding alone determines the direction.
    height, width = warmth.shape
    after = np.zeros_like(warmth)
    for _ in range(steps):
        warmth[y, x] += 1
        for i in range(1, height - 1):
            up, here, down = warmth[i - 1], warmth[i], warmth[i + 1]
            for j in range(1, width - 1):
                cross = here[j] + up[j] + down[j] + here[j - 1] + here[j + 1]
                both = cross + up[j - 1] + up[j + 1] + down[j - 1] + down[j + 1]
                after[i, j] = both / 9 * within[i, j]
        # Two arrays take turns, which saves an allocation at every step.
        warmth, after = after, warmth
    return warmth


@compiled
def _uphill(heat: Heat, inside: Mask, flows: FloatArray) -> None:
    """Write the direction of the gradient of ``heat``, which is padded by 1 pixel."""
    for y in range(inside.shape[0]):
        for x in range(inside.shape[1]):
            if inside[y, x]:
                dy = heat[y + 2, x + 1] - heat[y, x + 1]
                dx = heat[y + 1, x + 2] - heat[y + 1, x]
                # Cellpose's own summand keeps the flow at the centre, whose gradient
                # may be 0, from becoming NaN.
                length = 1e-60 + np.sqrt(dy * dy + dx * dx)
                flows[0, y, x] = dy / length
                flows[1, y, x] = dx / length
