"""Cells that were missed, made up, merged or split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.labels import place_of
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
    for column in _several(cells.columns[in_found]):
        rows = cells.rows[in_found & (cells.columns == column)].tolist()
        single_true[rows] = single_found[column] = False
        pixels = int(cells.found_pixels[column])
        wrong.append(("merged", rows, [column], float(best_found[column]), pixels))
    for row in _several(cells.rows[in_true]):
        columns = cells.columns[in_true & (cells.rows == row)].tolist()
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
    places = _Places(true), _Places(found)
    result = []
    for kind, rows, columns, iou, pixels in wrong:
        of_true = tuple(cells.true_ids[rows].tolist())
        of_found = tuple(cells.found_ids[columns].tolist())
        is_found = kind in _OF_FOUND
        where = places[is_found].of((of_found if is_found else of_true)[0])
        result.append(
            CellError(
                kind=kind,
                true=of_true,
                found=of_found,
                iou=iou,
                pixels=pixels,
                frame=frame,
                centre=where[0],
                size=where[1],
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


def _several(indices: npt.NDArray[np.intp]) -> list[int]:
    """Return what occurs more than once."""
    found, counts = np.unique(indices, return_counts=True)
    again: list[int] = found[counts > 1].tolist()
    return again


class _Places:
    """Where the cells of a frame are; looked up when the first is asked for."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._table: CellTable | None = None

    def of(self, cell: int) -> tuple[tuple[float, ...], float]:
        """Return the centre and the longest side of a cell."""
        if self._table is None:
            self._table = CellTable.of(self._labels.astype(np.uint32, copy=False))
        box = self._table.box(cell)
        centre, size = place_of(self._labels[box] == cell, box)
        return tuple(centre), size
