"""Flows of masks: what a perfect network would output for them.

Heat diffuses from the centre of a cell, and the flows follow the gradient of the
temperature (Stringer et al., Nature Methods 18, 2021). The numbers are those of
Cellpose's ``dynamics.masks_to_flows_gpu``. On a CPU, that function takes minutes for a
large image and cannot be cancelled; one cell at a time takes seconds.

There, all cells diffuse for as long as the largest one of the image needs, so the
flows of a cell depend on what else is in the image (Cellpose's issue 1486).
``per_cell`` gives each cell the flows that it has alone, which networks trained here
learn.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.compiling.compiled import compiled
from cellpose_studio.engine.masks.fill import bounding_boxes
from cellpose_studio.engine.threads import run_parts

FloatArray = npt.NDArray[np.float32]
Heat = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_AT_ONCE = 200_000_000
"""Pixels times steps between two checks: a few tenths of a second."""


def flows_of_masks(
    labels: npt.NDArray[np.integer], check: Callable[[], None], per_cell: bool = False
) -> FloatArray:
    """Return the flows (2, Y, X) of ``labels`` (Y, X): unit vectors, 0 in background.

    ``check`` is called several times a second; its exceptions propagate.
    """
    flows = np.zeros((2, *labels.shape), np.float32)
    _uphill(_heat(labels, check, per_cell=per_cell), labels != 0, flows)
    return flows


def flow_errors(
    labels: npt.NDArray[np.integer],
    dP: FloatArray,
    check: Callable[[], None],
    steps: int | None = None,
    per_cell: bool = False,
) -> npt.NDArray[np.float64]:
    """Return the flow error of cell n at n - 1, as Cellpose's ``flow_error``.

    This is the mean squared distance between the flows of its mask and ``dP``
    (2, Y, X), five times the unit vectors that the network gave. ``labels`` (Y, X)
    are 1..N. ``steps`` are those of the diffusion, from `steps_of`, if there are more
    cells than these; ``per_cell`` does without them.
    """
    labels = np.ascontiguousarray(labels)
    y, x = (np.ascontiguousarray(component) for component in dP)
    sums, pixels = np.zeros((2, int(labels.max(initial=0)) + 1))
    heat = _heat(labels, check, steps, per_cell)
    _add_distances(heat, labels, y, x, sums, pixels)
    return sums[1:] / pixels[1:]


def steps_of(sides: npt.NDArray[np.int64]) -> int:
    """Return for how many steps heat diffuses in cells with boxes of (N, 2) sides."""
    # In Cellpose, all cells diffuse for as long as the largest one needs, and the
    # temperatures of small cells depend on it.
    return int(2 * (sides.sum(1).max(initial=0) + 2))


def _heat(
    labels: npt.NDArray[np.integer],
    check: Callable[[], None],
    steps: int | None = None,
    per_cell: bool = False,
) -> Heat:
    """Return the temperature of each pixel, padded by one pixel."""
    labels = np.ascontiguousarray(labels)
    boxes = bounding_boxes(labels)
    sides = (boxes[..., 1] - boxes[..., 0]).clip(0)
    for_all = np.full(len(sides), steps or steps_of(sides))
    steps_each = 2 * (sides.sum(1) + 2) if per_cell else for_all
    heat = np.zeros(np.add(labels.shape, 2))
    work = sides.prod(1) * steps_each
    for cell in 1 + np.flatnonzero(work > _AT_ONCE):
        rows, columns = (slice(low, high) for low, high in boxes[cell - 1].tolist())
        inside = labels[rows, columns] == cell
        warmth = _warmth(inside, int(steps_each[cell - 1]), check)[1:-1, 1:-1]
        heat[1:-1, 1:-1][rows, columns][inside] = warmth[inside]
    small = 1 + np.flatnonzero((work > 0) & (work <= _AT_ONCE))
    # Each part takes about as long as the largest cell may.
    ends = np.flatnonzero(np.diff(work[small - 1].cumsum() // _AT_ONCE)) + 1
    run_parts(
        lambda cells: _warm(labels, cells, boxes, steps_each, heat),
        [part for part in np.split(small, ends) if len(part)],
        check,
    )
    return heat


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
def _warm(
    labels: npt.NDArray[np.integer],
    cells: npt.NDArray[np.int64],
    boxes: npt.NDArray[np.int64],
    steps: npt.NDArray[np.int64],
    heat: Heat,
) -> None:
    """Write the temperatures of the pixels of ``cells`` into ``heat``."""
    for cell in cells:
        top, bottom = boxes[cell - 1, 0]
        left, right = boxes[cell - 1, 1]
        within = np.zeros((bottom - top + 2, right - left + 2))
        y_sum, x_sum, pixels = 0, 0, 0
        for y in range(top, bottom):
            for x in range(left, right):
                if labels[y, x] == cell:
                    within[y - top + 1, x - left + 1] = 1
                    y_sum += y - top
                    x_sum += x - left
                    pixels += 1
        mean_y, mean_x = np.round(y_sum / pixels), np.round(x_sum / pixels)
        nearest, centre_y, centre_x = np.inf, 0, 0
        for y in range(bottom - top):
            for x in range(right - left):
                distance = (y - mean_y) ** 2 + (x - mean_x) ** 2
                if within[y + 1, x + 1] and distance < nearest:
                    nearest, centre_y, centre_x = distance, y, x
        warmth = _spread(
            np.zeros_like(within), within, centre_y + 1, centre_x + 1, steps[cell - 1]
        )
        # Boxes of neighbours overlap, but it is cold outside of a cell's own pixels.
        for y in range(1, bottom - top + 1):
            for x in range(1, right - left + 1):
                if within[y, x]:
                    heat[y + top, x + left] = warmth[y, x]


@compiled
def _spread(warmth: Heat, within: Heat, y: int, x: int, steps: int) -> Heat:
    """Repeatedly warm the centre by 1 and average over 3 x 3 pixels of the cell."""
    # The terms are added in torch's order: in the middle of a symmetric cell, where the
    # gradient vanishes, the rounding alone determines the direction.
    # All rows are one loop, with the margin between them, which stays cold: single rows
    # are too short for the processor's vectors.
    here, inside = warmth.reshape(-1), within.reshape(-1)
    after = np.zeros_like(here)
    width = warmth.shape[1]
    # Unsigned indices spare a check for negative ones.
    row, one = np.uintp(width), np.uintp(1)
    for _ in range(steps):
        here[y * width + x] += 1
        for n in range(width + 1, len(here) - width - 1):
            at = np.uintp(n)
            up, down = at - row, at + row
            cross = here[at] + here[up] + here[down] + here[at - one] + here[at + one]
            both = cross + here[up - one] + here[up + one]
            both = both + here[down - one] + here[down + one]
            after[at] = both / 9 * inside[at]
        # Two arrays take turns, which saves an allocation at every step.
        here, after = after, here
    return here.reshape(warmth.shape)


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


@compiled
def _add_distances(
    heat: Heat,
    labels: npt.NDArray[np.integer],
    flow_y: FloatArray,
    flow_x: FloatArray,
    sums: npt.NDArray[np.float64],
    pixels: npt.NDArray[np.float64],
) -> None:
    """Add up the squared distances between the flows of each cell and those given."""
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            cell = labels[y, x]
            if cell:
                dy = heat[y + 2, x + 1] - heat[y, x + 1]
                dx = heat[y + 1, x + 2] - heat[y + 1, x]
                length = 1e-60 + np.sqrt(dy * dy + dx * dx)
                off_y = np.float32(dy / length) - flow_y[y, x] / np.float32(5)
                off_x = np.float32(dx / length) - flow_x[y, x] / np.float32(5)
                sums[cell] += off_y * off_y + off_x * off_x
                pixels[cell] += 1
