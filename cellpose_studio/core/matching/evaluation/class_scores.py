"""Scores of the cells of each class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cellpose_studio.core.matching.evaluation.overlaps import Overlaps

NO_CLASS = ""
"""Class of cells that are in none."""


@dataclass(frozen=True, kw_only=True)
class ClassScores:
    """Counts of the cells of one class; those of several images can be added up.

    Attributes
    ----------
    true_cells
        True cells of the class.
    matched
        Those that were found, whatever the class of the found cell.
    overlap
        Sum of the IoU of these.
    same
        Those whose found cell is of the same class; None where found cells have none.
    found_cells
        Found cells of the class; None where found cells have no classes.
    """

    true_cells: int
    matched: int
    overlap: float
    same: int | None = None
    found_cells: int | None = None

    @property
    def recall(self) -> float:
        """Part of the true cells of the class that was found."""
        return self.matched / self.true_cells if self.true_cells else float("nan")

    @property
    def mean_iou(self) -> float:
        """Mean IoU of those that were found."""
        return self.overlap / self.matched if self.matched else float("nan")

    @property
    def ap(self) -> float:
        """TP / (TP + FP + FN) of cells found in the right class; NaN if unknown."""
        if self.same is None or self.found_cells is None:
            return float("nan")
        cells = self.true_cells + self.found_cells - self.same
        return self.same / cells if cells else float("nan")

    def __add__(self, other: ClassScores) -> ClassScores:
        """Return the counts of both; what is unknown of one is unknown of both."""
        return ClassScores(
            true_cells=self.true_cells + other.true_cells,
            matched=self.matched + other.matched,
            overlap=self.overlap + other.overlap,
            same=_sum(self.same, other.same),
            found_cells=_sum(self.found_cells, other.found_cells),
        )


def class_scores(
    cells: Overlaps,
    of_true: Mapping[int, str],
    of_found: Mapping[int, str] | None,
    threshold: float,
) -> dict[str, ClassScores]:
    """Return the counts by class, in the order of their names; `NO_CLASS` last.

    Parameters
    ----------
    of_true, of_found
        Class by id; cells that are in no class are missing. Found masks whose cells
        were never classed have None, which counts only if they have cells.
    """
    # Where nothing was found, nothing is unknown of it.
    if of_found is None and not len(cells.found_ids):
        of_found = {}
    pairs = cells.matched(threshold)
    iou = cells.iou[pairs]
    true = _names(cells.true_ids.tolist(), of_true)
    found = None if of_found is None else _names(cells.found_ids.tolist(), of_found)
    result = {}
    for name in _ordered(
        {*true.tolist(), *(found.tolist() if found is not None else ())}
    ):
        mine = true[cells.rows[pairs]] == name
        same = None
        if found is not None:
            same = int((found[cells.columns[pairs]][mine] == name).sum())
        result[name] = ClassScores(
            true_cells=int((true == name).sum()),
            matched=int(mine.sum()),
            overlap=float(iou[mine].sum()),
            same=same,
            found_cells=None if found is None else int((found == name).sum()),
        )
    return result


def add_classes(several: Sequence[Mapping[str, ClassScores]]) -> dict[str, ClassScores]:
    """Return the counts of several images together."""
    result: dict[str, ClassScores] = {}
    for one in several:
        for name, scores in one.items():
            result[name] = result[name] + scores if name in result else scores
    return {name: result[name] for name in _ordered(set(result))}


def _ordered(names: set[str]) -> list[str]:
    return sorted(names, key=lambda name: (name == NO_CLASS, name))


def _names(ids: list[int], classes: Mapping[int, str]) -> np.ndarray:
    return np.array([classes.get(cell, NO_CLASS) for cell in ids], object)


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other
