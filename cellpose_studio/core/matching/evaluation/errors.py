"""Cells that were missed, made up, merged or split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.masks.cell_places import places_of
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.matching.compare import (
    ADDED,
    REMOVED,
    UNCHANGED,
    draw_states,
)
from cellpose_studio.core.matching.evaluation.overlaps import Labels, Overlaps

ErrorKind = Literal["missed", "extra", "merged", "split"]

_OF_FOUND: tuple[ErrorKind, ...] = ("extra", "merged")

ERROR_TEXTS: dict[ErrorKind, str] = {
    "missed": "a true cell that was not found",
    "extra": "a found cell that is no true one",
    "merged": "one found cell in place of several true ones",
    "split": "several found cells in place of a true one",
}

MERGED, SPLIT = 6, 7
"""Pixels of `error_picture` beside those of `core.matching.compare`."""

ERROR_STATES: dict[ErrorKind, int] = {
    "missed": REMOVED,
    "extra": ADDED,
    "merged": MERGED,
    "split": SPLIT,
}
"""Pixels of `error_picture`; those of cells that were found are `UNCHANGED`."""


@dataclass(frozen=True, kw_only=True)
class CellError:
    """A cell that is wrong.

    Attributes
    ----------
    true, found
        Ids of the cells; several true ones if they were merged, several found ones if
        one was split.
    iou
        The highest overlap of these cells with one of the other masks.
    pixels
        Of the cell: of the true one, but of the found one if it is extra or merged.
    frame
        Time point, from 0.
    centre
        Where it is in its frame, in pixels along each axis of the masks; the plane is
        that of its largest cross-section.
    size
        Longest side of the box around it, px.
    """

    kind: ErrorKind
    true: tuple[int, ...]
    found: tuple[int, ...]
    iou: float
    pixels: int
    frame: int = 0
    centre: tuple[float, ...] = ()
    size: float = 0.0

    @property
    def is_found(self) -> bool:
        """Whether it is a found cell that is wrong; else it is a true one."""
        return self.kind in _OF_FOUND


def errors_of(
    cells: Overlaps, true: Labels, found: Labels, threshold: float, frame: int = 0
) -> list[CellError]:
    """Return the cells that are wrong, those with most pixels first.

    Cells are the same from an IoU of ``threshold`` on. A found cell is *merged* if more
    than half of the pixels of each of at least two true cells lie in it; a true one is
    *split* if more than half of the pixels of each of at least two found cells lie in
    it. All others without a partner are *missed* or *extra*.
    """
    matched = cells.matched(threshold)
    single_true = np.ones(len(cells.true_ids), bool)
    single_found = np.ones(len(cells.found_ids), bool)
    single_true[cells.rows[matched]] = single_found[cells.columns[matched]] = False
    best_true, best_found = np.zeros(len(single_true)), np.zeros(len(single_found))
    np.maximum.at(best_true, cells.rows, cells.iou)
    np.maximum.at(best_found, cells.columns, cells.iou)
    in_found = 2 * cells.shared > cells.true_pixels[cells.rows]
    in_true = 2 * cells.shared > cells.found_pixels[cells.columns]
    wrong: list[tuple[ErrorKind, list[int], list[int], float, int]] = []
    for column, rows in _several(cells.columns[in_found], cells.rows[in_found]):
        single_true[rows] = single_found[column] = False
        pixels = int(cells.found_pixels[column])
        wrong.append(("merged", rows, [column], float(best_found[column]), pixels))
    for row, columns in _several(cells.rows[in_true], cells.columns[in_true]):
        single_found[columns] = single_true[row] = False
        pixels = int(cells.true_pixels[row])
        wrong.append(("split", [row], columns, float(best_true[row]), pixels))
    for row in np.flatnonzero(single_true).tolist():
        pixels = int(cells.true_pixels[row])
        wrong.append(("missed", [row], [], float(best_true[row]), pixels))
    for column in np.flatnonzero(single_found).tolist():
        pixels = int(cells.found_pixels[column])
        wrong.append(("extra", [], [column], float(best_found[column]), pixels))
    wrong.sort(key=lambda one: -one[-1])
    ids_true, ids_found = cells.true_ids, cells.found_ids
    places = (
        _places(
            true, [ids_true[r[0]] for kind, r, *_ in wrong if kind not in _OF_FOUND]
        ),
        _places(
            found, [ids_found[c[0]] for kind, _, c, *_ in wrong if kind in _OF_FOUND]
        ),
    )
    result = []
    for kind, rows, columns, iou, pixels in wrong:
        centre, size = next(places[kind in _OF_FOUND])
        result.append(
            CellError(
                kind=kind,
                true=tuple(ids_true[rows].tolist()),
                found=tuple(ids_found[columns].tolist()),
                iou=iou,
                pixels=pixels,
                frame=frame,
                centre=centre,
                size=size,
            )
        )
    return result


def error_picture(
    cells: Overlaps, true: Labels, found: Labels, errors: list[CellError]
) -> npt.NDArray[np.uint8]:
    """Return a picture of a frame, each cell drawn by what is wrong with it.

    Found cells lie on top of true ones. Cells that do not count are not drawn.
    """
    of_true = dict.fromkeys(cells.true_ids.tolist(), UNCHANGED)
    of_found = dict.fromkeys(cells.found_ids.tolist(), UNCHANGED)
    for error in errors:
        state = ERROR_STATES[error.kind]
        of_true |= dict.fromkeys(error.true, state)
        of_found |= dict.fromkeys(error.found, state)
    below, above = (a.astype(np.uint32, copy=False) for a in (true, found))
    return draw_states(below, above, of_true, of_found)


def _several(
    indices: npt.NDArray[np.intp], others: npt.NDArray[np.intp]
) -> Iterator[tuple[int, list[int]]]:
    """Yield what occurs more than once, with all that is paired with it."""
    order = np.argsort(indices, kind="stable")
    found, first, counts = np.unique(
        indices[order], return_index=True, return_counts=True
    )
    for n in np.flatnonzero(counts > 1).tolist():
        paired = order[first[n] : first[n] + counts[n]]
        yield int(found[n]), others[paired].tolist()


def _places(
    labels: Labels, cells: list[int]
) -> Iterator[tuple[tuple[float, ...], float]]:
    """Yield the centre and the longest side of cells of a frame."""
    if not cells:
        return
    whole = labels.astype(np.uint32, copy=False)
    centres, sizes = places_of(whole, CellTable.of(whole), cells)
    for centre, size in zip(centres.tolist(), sizes.tolist(), strict=True):
        yield tuple(centre), float(size)
