"""Cells of a label image, their outlines and their polygons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.masks.chunks import EmptyLabels, in_memory, pieces

Labels = npt.NDArray[np.integer]
Points = npt.NDArray[np.integer]


_BAND = 1 << 18
"""Pixels that are looked at before other threads may go on."""


def unique_ids(labels: Labels) -> npt.NDArray[np.integer]:
    """Return all values of labels, ascending; the window can go on meanwhile."""
    import fastremap

    flat = labels.reshape(-1)
    # fastremap holds the GIL.
    bands = pieces(flat.size, _BAND)
    every = [flat[:0], *(fastremap.unique(flat[band]) for band in bands)]
    return np.unique(np.concatenate(every))


def compact_labels(
    labels: Labels, empty: EmptyLabels = in_memory
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """Return the labels renumbered 1..N in the order of their ids, and the old ids.

    ``ids[new]`` is the old id, and ``ids[0]`` is 0. ``labels`` is not modified; it is
    returned itself if its ids are 1..N already. ``empty`` makes the array of others.
    """
    present = unique_ids(labels)
    ids = np.concatenate([[0], present[present != 0]]).astype(np.uint32)
    # Cellpose numbers cells from 1 without gaps, so most masks need no copy.
    if int(ids[-1]) == len(ids) - 1:
        return labels.astype(np.uint32, copy=False), ids
    names = dict(zip(ids[1:].tolist(), range(1, len(ids)), strict=True))
    # Compiled code takes half a second to import, which reading files does not need.
    from cellpose_studio.core.masks.map_ids import map_ids

    return map_ids(labels.astype(np.uint32, copy=False), names, empty), ids


def pixels_where(labels: Labels, where: npt.NDArray[np.bool_]) -> dict[int, int]:
    """Return how many pixels each cell has ``where`` it is True, of the same shape."""
    flat, inside = np.ascontiguousarray(labels).reshape(-1), where.reshape(-1)
    found: Counter[int] = Counter()
    for piece in pieces(flat.size):
        if inside[piece].any():
            ids, counts = np.unique(flat[piece][inside[piece]], return_counts=True)
            found.update(dict(zip(ids.tolist(), counts.tolist(), strict=True)))
    del found[0]
    return found


def cell_ids(labels: Labels) -> list[int]:
    """Return the ids of all cells, ascending."""
    return [cell for cell in unique_ids(labels).tolist() if cell]


def cell_count(labels: Labels) -> int:
    """Return the number of different ids, background not counted."""
    return len(cell_ids(labels))


def place_of(
    mask: npt.NDArray[np.bool_], box: Sequence[slice]
) -> tuple[list[float], float]:
    """Return where to look for a cell, and the longest side of its box in a plane.

    That is the centroid in the plane of its largest cross-section, in pixels along
    each axis. ``mask`` has the pixels of the cell in ``box``; there is at least one.
    """
    counts = mask.sum(axis=(-2, -1))
    plane = np.unravel_index(np.argmax(counts), counts.shape or (1,))
    plane = plane[: mask.ndim - 2]
    middle = np.argwhere(mask[plane]).mean(axis=0)
    centre = np.array([*plane, *middle], float) + [part.start for part in box]
    size = max(part.stop - part.start for part in box[-2:])
    return centre.tolist(), float(size)


def outlines(labels: Labels) -> npt.NDArray[np.bool_]:
    """Return the outline pixels of cells, plane by plane.

    One of their four neighbours is background, another cell or outside the image.
    Cellpose's ``masks_to_outlines`` gives the same for cells without holes; here, the
    rim of a hole belongs to the outline.
    """
    inside = labels != 0
    edge = np.zeros(labels.shape, bool)
    for axis in (-2, -1):
        line = np.moveaxis(labels, axis, -1)
        at = np.moveaxis(edge, axis, -1)
        differs = line[..., 1:] != line[..., :-1]
        at[..., 1:] |= differs
        at[..., :-1] |= differs
        at[..., [0, -1]] = True
    return edge & inside


def contours(labels: Labels) -> dict[int, Points]:
    """Return for each cell of a plane the (x, y) of the pixels along its border.

    They follow the border in one direction. Of a cell with several components, the one
    with the longest border is returned; holes are ignored. The line runs through the
    centres of pixels, so it encloses less than the cell: see `polygons`.
    """
    import cv2

    found = {}
    for cell, (top, left), mask in _cells(labels):
        borders, _ = cv2.findContours(
            mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
        )
        longest = max(borders, key=len).reshape(-1, 2)
        found[cell] = longest.astype(np.int64) + np.array([left, top])
    return found


def polygons(labels: Labels) -> dict[int, list[Points]]:
    """Return for each cell of a plane the closed lines along its pixels' edges.

    Corners are (x, y) of pixel corners: pixel (0, 0) reaches from (0, 0) to (1, 1).
    The outline of a component runs clockwise on the screen, that of a hole
    counter-clockwise, so that the signed areas add up to exactly the number of pixels.
    Pixels that touch at a corner are connected.
    """
    # Loading the compiled loops takes time, which only callers of this function pay.
    from cellpose_studio.core.masks.edge_lines import edge_lines

    found = edge_lines(labels.astype(np.uint32, copy=False)).by_cell()
    return {cell: [*lines] for cell, lines in found}


def _cells(
    labels: Labels,
) -> Iterator[tuple[int, tuple[int, int], npt.NDArray[np.bool_]]]:
    """Yield each cell's id, the top and left of its bounding box, and its mask there.

    Working inside the boxes only keeps thousands of cells below a second.
    """
    from scipy.ndimage import find_objects

    compact, ids = compact_labels(labels)
    for number, box in enumerate(find_objects(compact.astype(np.int32)), start=1):
        yield int(ids[number]), (box[0].start, box[1].start), compact[box] == number
