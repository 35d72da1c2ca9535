"""Polygons with holes as single lines, for formats that know no holes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.masks.labels import Points
from cellpose_studio.core.masks.parts import Part


def line_with_slits(part: Part) -> npt.NDArray[np.integer]:
    """Return one closed line (N, 2) around a part of a cell.

    From each hole a slit without width leads to the left, to the next line there.
    """
    line: Points = part.shell
    # Whatever lies to the left of a hole then is part of the line already.
    for hole in sorted(part.holes, key=lambda ring: ring[:, 0].min()):
        line = _joined(line, hole)
    return line


def _joined(line: Points, hole: Points) -> Points:
    start = int(np.argmin(hole[:, 0]))
    x, y = hole[start].tolist()
    following = np.roll(line, -1, axis=0)
    # The nearest point to the left is on a vertical edge, or it is a corner.
    low = np.minimum(line[:, 1], following[:, 1])
    high = np.maximum(line[:, 1], following[:, 1])
    reaches = (low <= y) & (y <= high) & (line[:, 0] <= x)
    upright = reaches & (line[:, 0] == following[:, 0])
    edge = int(np.argmax(np.where(upright, line[:, 0], -1)))
    meeting = [[line[edge, 0], y]]
    around = np.roll(hole, -start, axis=0)
    return np.concatenate(
        [line[: edge + 1], meeting, around, around[:1], meeting, line[edge + 1 :]]
    ).astype(line.dtype)
