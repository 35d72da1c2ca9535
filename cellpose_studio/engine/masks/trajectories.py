"""Compiled loops that carry pixels along the flows, pixel by pixel.

The Euler integration of Cellpose's ``dynamics.steps_interp`` (Stringer et al., Nature
Methods 18, 2021), with the same numbers to the last bit: torch's ``grid_sample`` with
``align_corners`` False, in its order of additions. In floating point, a pixel that
converges comes to rest or goes round in a circle of few positions. Where it would be
after all the steps is known as soon as it is where it has been before, so it needs a
third of the steps on average.

Several pixels, one on each lane, move by one step together: the processor computes them
at the same time, since none has to wait for another.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.compiling.compiled import compiled
from cellpose_studio.core.compiling.machine_code import multiply_add

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]
Levels = npt.NDArray[np.int16]
Indices = npt.NDArray[np.int64]

LEVELS = 64
"""Levels of cell probability per logit, in which ranges of thresholds are kept."""

_CLIP = 250.0
"""Logits beyond which levels would not fit into 16 bits."""

_LANES = 32

AT_REST = 1.5
"""Pixels that one at rest may be off: it goes round its place in steps of up to one."""

NO_LIMIT = 2**15 - 1
"""A level that no threshold reaches."""


@compiled
def fill_field(
    component: FloatArray,
    probability: FloatArray,
    threshold: np.float32,
    scale: np.float32,
    field: FloatArray,
    axis: int,
) -> None:
    """Write one component of the flows of (Z, Y, X) into ``field``.

    Parameters
    ----------
    component
        Five times the unit vector along one axis.
    probability, threshold
        The flow is zero where the probability is no higher than the threshold.
    scale
        Of unit vectors.
    field
        (Z + 2, Y + 2, X + 2, A), or (1, Y + 2, X + 2, A) for a plane. The margin, which
        is not written to, spares the loops a check at the border.
    """
    planes, height, width = component.shape
    margin = (field.shape[0] - planes) // 2
    for z in range(planes):
        for y in range(height):
            for x in range(width):
                flow = component[z, y, x] / np.float32(5)
                # A network that overflows gives NaN, which would lead anywhere.
                if probability[z, y, x] > threshold and np.isfinite(flow):
                    field[z + margin, y + 1, x + 1, axis] = flow * scale
                else:
                    field[z + margin, y + 1, x + 1, axis] = 0


@compiled
def fill_limits(probability: FloatArray, threshold: np.float32, limits: Levels) -> None:
    """Write how far ``threshold`` may move without changing the side of a pixel.

    ``limits`` has the shape of `fill_field`'s field; its margin has to be `NO_LIMIT`.
    The first of its last axis is the level below which the threshold has to stay, the
    second one the negative of the level that it must not be below.
    """
    planes, height, width = probability.shape
    margin = (limits.shape[0] - planes) // 2
    for z in range(planes):
        for y in range(height):
            for x in range(width):
                chance = probability[z, y, x]
                level = int(np.floor(min(max(chance, -_CLIP), _CLIP) * LEVELS))
                inside = chance > threshold
                limit = limits[z + margin, y + 1, x + 1]
                limit[0] = level if inside else NO_LIMIT
                limit[1] = NO_LIMIT if inside else -level - 1


@compiled
def pool_limits(limits: Levels) -> None:
    """Give each pixel the least limits of all that a place behind it is between.

    These are the pixels at and after it along each axis, of which `carry` reads the
    flows together. ``limits`` are those of `fill_limits`; those of the margin behind
    the last pixels mean nothing afterwards.
    """
    depth, height, width, _ = limits.shape
    for z in range(depth):
        for y in range(height):
            row = limits[z, y]
            for x in range(width - 1):
                for n in range(2):
                    row[x, n] = min(row[x, n], row[x + 1, n])
            if y:
                above = limits[z, y - 1]
                for x in range(width):
                    for n in range(2):
                        above[x, n] = min(above[x, n], row[x, n])
        if z:
            for y in range(height):
                for x in range(width):
                    for n in range(2):
                        least = min(limits[z - 1, y, x, n], limits[z, y, x, n])
                        limits[z - 1, y, x, n] = least


@compiled
def find_unknown(
    probability: FloatArray, threshold: np.float32, low: Levels, high: Levels
) -> Indices:
    """Return the indices of pixels above ``threshold`` whose range does not hold it."""
    level = threshold * np.float32(LEVELS)
    count = 0
    for n in range(len(probability)):
        if probability[n] > threshold and not low[n] <= level < high[n]:
            count += 1
    found = np.empty(count, np.int64)
    count = 0
    for n in range(len(probability)):
        if probability[n] > threshold and not low[n] <= level < high[n]:
            found[count] = n
            count += 1
    return found


@compiled
def carry(
    shape: tuple[int, int, int],
    window: tuple[int, int, int],
    origin: tuple[int, int, int],
    axes: int,
    field: FloatArray,
    limits: Levels,
    pixels: Indices,
    steps: int,
    ends: IntArray,
    low: Levels,
    high: Levels,
    rested: IntArray,
) -> None:
    """Carry ``pixels`` along the flows, and write where they end.

    Parameters
    ----------
    shape
        (Z, Y, X) of the volume, or (1, Y, X) of a plane.
    window, origin
        Shape and first pixel of the part of it that the arrays hold. Pixels stop at its
        border, where the limits of the margin can reveal them.
    axes
        3, or 2 for a plane.
    field, limits
        From `fill_field` and `pool_limits`, flattened; X first.
    pixels
        Indices into the flattened window.
    steps
        At least 1.
    ends
        Gets the index, in the window, of the pixel that each of ``pixels`` reaches.
    low, high
        Get the range of levels, ``low`` to below ``high``, within which a threshold
        changes none of the flows that the pixel has met.
    rested
        Gets after how many steps each of ``pixels``, in their order, moves by less than
        `AT_REST`, or goes round in a circle: at most a quarter too many. ``steps`` for
        one that moves until the end.
    """
    # Parts of this loop are no functions of their own: numba does not inline those with
    # so many arrays, and each step would call several.
    one, half = np.float32(1), np.float32(0.5)
    row, layer = np.int32(window[2] + 2), np.int32((window[1] + 2) * (window[2] + 2))
    # Where the field would have the first pixel of the volume.
    base = np.int32(origin[1]) * row + np.int32(origin[2])
    if axes == 3:
        base += np.int32(origin[0]) * layer
    # As in Cellpose, pixels stop at the border instead of leaving the image; those that
    # come to that of a window stop between its last pixel and the margin.
    least, most = np.full(3, -one), np.full(3, one)
    for axis in range(3):
        side, first = shape[2 - axis], origin[2 - axis]
        last_in = first + window[2 - axis]
        if first > 0:
            least[axis] = np.float32((first - 0.4) * 2 / side - 1)
        if last_in < side:
            most[axis] = np.float32((last_in + 0.4) * 2 / side - 1)
    place = np.zeros((axes, _LANES), np.float32)
    before, move = np.zeros_like(place), np.zeros_like(place)
    weight = np.zeros((6, _LANES), np.float32)
    corner = np.zeros(_LANES, np.int32)
    met = np.zeros((2, _LANES), np.int16)
    # Steps left, steps since ``before``, and after how many it is set again.
    left, since, due = np.zeros((3, _LANES), np.int32)
    news = np.zeros(_LANES, np.int32)
    still = np.zeros(_LANES, np.int32)
    # Which of ``pixels`` each lane has.
    who = np.full(_LANES, -1, np.int64)
    taken, busy, is_start = 0, 0, True
    while busy or is_start:
        if not is_start and axes == 2:
            half_x, half_y = np.float32(shape[2]) * half, np.float32(shape[1]) * half
            for j in range(_LANES):
                x = multiply_add(place[0, j] + one, half_x, -half)
                y = multiply_add(place[1, j] + one, half_y, -half)
                left_x, upper_y = np.floor(x), np.floor(y)
                after_x, after_y = x - left_x, y - upper_y
                weight[0, j] = (one - after_x) * (one - after_y)
                weight[1, j] = after_x * (one - after_y)
                weight[2, j] = (one - after_x) * after_y
                weight[3, j] = after_x * after_y
                # The margin is one pixel wide.
                at = np.int32(upper_y + one) * row + np.int32(left_x + one)
                corner[j] = at - base
            for j in range(_LANES):
                a = np.uintp(corner[j]) * np.uintp(2)
                b = a + np.uintp(row) * np.uintp(2)
                for axis in range(2):
                    # Unsigned indices spare a check for negative ones.
                    c, d = a + np.uintp(axis), b + np.uintp(axis)
                    flow = field[c] * weight[0, j]
                    flow = multiply_add(field[c + np.uintp(2)], weight[1, j], flow)
                    flow = multiply_add(field[d], weight[2, j], flow)
                    flow = multiply_add(field[d + np.uintp(2)], weight[3, j], flow)
                    move[axis, j] = flow
                met[0, j] = min(met[0, j], limits[a])
                met[1, j] = min(met[1, j], limits[a + np.uintp(1)])
        elif not is_start:
            corner[:] = -base
            for axis in range(3):
                length = np.float32(shape[2 - axis])
                stride = np.int32(1) if axis == 0 else row if axis == 1 else layer
                for j in range(_LANES):
                    at = ((place[axis, j] + one) * length - one) * half
                    near = np.floor(at)
                    weight[2 * axis, j] = near + one - at
                    weight[2 * axis + 1, j] = at - near
                    corner[j] += np.int32(near + one) * stride
            for j in range(_LANES):
                move[:, j] = 0
                for n in range(8):
                    right, down, deep = n & 1, n >> 1 & 1, n >> 2
                    cell = corner[j] + right + down * row + deep * layer
                    a = np.uintp(cell) * np.uintp(3)
                    share = weight[right, j] * weight[2 + down, j] * weight[4 + deep, j]
                    move[0, j] += field[a] * share
                    move[1, j] += field[a + np.uintp(1)] * share
                    move[2, j] += field[a + np.uintp(2)] * share
                b = np.uintp(corner[j]) * np.uintp(2)
                met[0, j] = min(met[0, j], limits[b])
                met[1, j] = min(met[1, j], limits[b + np.uintp(1)])
        news[:] = 1
        for axis in range(axes):
            # Read before the loop, which the compiler could not vectorise otherwise.
            lowest, highest = least[axis], most[axis]
            for j in range(_LANES):
                after = place[axis, j] + move[axis, j]
                place[axis, j] = min(max(after, lowest), highest)
                news[j] &= np.int32(place[axis, j] == before[axis, j])
        has_news = np.int32(is_start)
        for j in range(_LANES):
            rest, gone = left[j] - np.int32(1), since[j] + np.int32(1)
            left[j], since[j] = rest, gone
            news[j] |= np.int32(rest == 0) | np.int32(gone == due[j])
            has_news |= news[j]
        if has_news == 0:
            continue
        for j in range(_LANES):
            if not is_start:
                if who[j] < 0 or news[j] == 0:
                    continue
                is_back = place[0, j] == before[0, j]
                for axis in range(1, axes):
                    is_back &= place[axis, j] == before[axis, j]
                if is_back:
                    # From here on the pixel repeats the steps since then. Whole rounds
                    # of them lead nowhere.
                    left[j] %= since[j]
                    due[j] = 0
                elif since[j] == due[j] or (left[j] == 0 and due[j]):
                    for axis in range(axes):
                        way = abs(place[axis, j] - before[axis, j]) * half
                        if way * np.float32(shape[2 - axis] - 1) >= AT_REST:
                            still[j] = np.int32(steps) - left[j]
                        before[axis, j] = place[axis, j]
                    since[j] = 0
                    # The later it is, the longer are the rounds that are looked for.
                    due[j] = 4 + (steps - left[j]) // 4
                if left[j]:
                    continue
                end = 0
                for n in range(axes):
                    axis = axes - 1 - n
                    side = window[2 - axis]
                    # Cellpose truncates the positions rather than rounding them.
                    last_pixel = np.float32(shape[2 - axis] - 1)
                    reached = int((place[axis, j] + one) * half * last_pixel)
                    reached -= origin[2 - axis]
                    end = end * side + min(max(reached, 0), side - 1)
                done = pixels[who[j]]
                ends[done] = end
                high[done], low[done] = met[0, j], -met[1, j]
                rested[who[j]] = still[j]
                who[j] = -1
                busy -= 1
            if taken == len(pixels):
                continue
            who[j], pixel = taken, pixels[taken]
            for axis in range(axes):
                side = window[2 - axis]
                start = np.float32(pixel % side + origin[2 - axis])
                start /= np.float32(max(shape[2 - axis], 2) - 1)
                place[axis, j] = before[axis, j] = start * np.float32(2) - one
                pixel //= side
            left[j], since[j], due[j], still[j] = steps, 0, 4, 0
            met[0, j] = met[1, j] = NO_LIMIT
            taken += 1
            busy += 1
        is_start = False
