"""Counts of cells that were found, missed and made up, and the scores they give."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.matching.evaluation.overlaps import Overlaps

IOU_THRESHOLDS = tuple(round(0.5 + 0.05 * n, 2) for n in range(10))
"""0.5, 0.55 … 0.95, as in the COCO challenge."""

Counts = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class BoundaryCounts:
    """Pixels near the outlines of found and of true cells, and of both."""

    both: int = 0
    found: int = 0
    true: int = 0

    @property
    def precision(self) -> float:
        """Part of the pixels near found outlines that is near true ones."""
        return _part(self.both, self.found)

    @property
    def recall(self) -> float:
        """Part of the pixels near true outlines that is near found ones."""
        return _part(self.both, self.true)

    @property
    def f_score(self) -> float:
        """Harmonic mean of both; NaN without any cell."""
        return _part(2 * self.both, self.found + self.true)

    def __add__(self, other: BoundaryCounts) -> BoundaryCounts:
        """Return the counts of both."""
        return BoundaryCounts(
            self.both + other.both, self.found + other.found, self.true + other.true
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Scores:
    """Counts of a comparison, those of several images or frames added up.

    Scores that would divide by 0 are NaN: those of images without cells.

    Attributes
    ----------
    thresholds
        (T,) the IoU from which on two cells are the same.
    hits, misses, extras
        (T,) true cells that were found, those that were not, and found cells that are
        no true one: TP, FN and FP.
    overlap
        (T,) sum of the IoU of all hits.
    shared, union
        Pixels of the aggregated Jaccard index: that paired cells share, and of all.
    boundary
        None if it was not asked for.
    """

    thresholds: tuple[float, ...]
    hits: Counts
    misses: Counts
    extras: Counts
    overlap: Values
    shared: int
    union: int
    boundary: BoundaryCounts | None = None

    @property
    def true_cells(self) -> int:
        """How many true cells count."""
        return int(self.hits[0] + self.misses[0])

    @property
    def found_cells(self) -> int:
        """How many found cells count."""
        return int(self.hits[0] + self.extras[0])

    @property
    def ap(self) -> Values:
        """Average precision as Cellpose defines it, TP / (TP + FP + FN)."""
        return _parts(self.hits, self.hits + self.misses + self.extras)

    @property
    def precision(self) -> Values:
        """TP / (TP + FP)."""
        return _parts(self.hits, self.hits + self.extras)

    @property
    def recall(self) -> Values:
        """TP / (TP + FN)."""
        return _parts(self.hits, self.hits + self.misses)

    @property
    def f1(self) -> Values:
        """2 TP / (2 TP + FP + FN), also called recognition quality, RQ."""
        return _parts(2 * self.hits, 2 * self.hits + self.misses + self.extras)

    @property
    def sq(self) -> Values:
        """Segmentation quality: the mean IoU of the hits."""
        return _parts(self.overlap, self.hits)

    @property
    def pq(self) -> Values:
        """Panoptic quality, SQ times RQ; 0 without hits."""
        cells = 2 * self.hits + self.misses + self.extras
        return _parts(2 * self.overlap, cells)

    @property
    def aji(self) -> float:
        """Aggregated Jaccard index, as Cellpose computes it."""
        return _part(self.shared, self.union)

    def at(self, threshold: float) -> int:
        """Return the index of the threshold nearest to one."""
        return int(np.abs(np.subtract(self.thresholds, threshold)).argmin())

    def __add__(self, other: Scores) -> Scores:
        """Return the counts of both, which have the same thresholds."""
        assert self.thresholds == other.thresholds
        boundary = None
        if self.boundary is not None and other.boundary is not None:
            boundary = self.boundary + other.boundary
        return Scores(
            thresholds=self.thresholds,
            hits=self.hits + other.hits,
            misses=self.misses + other.misses,
            extras=self.extras + other.extras,
            overlap=self.overlap + other.overlap,
            shared=self.shared + other.shared,
            union=self.union + other.union,
            boundary=boundary,
        )


def scores_of(
    cells: Overlaps,
    thresholds: Sequence[float] = IOU_THRESHOLDS,
    boundary: BoundaryCounts | None = None,
) -> Scores:
    """Return the counts of cells that were compared."""
    iou = cells.iou
    hits = np.zeros(len(thresholds), np.int64)
    overlap = np.zeros(len(thresholds))
    for n, threshold in enumerate(thresholds):
        pairs = cells.matched(threshold)
        hits[n], overlap[n] = len(pairs), iou[pairs].sum()
    pixels = cells.true_pixels.sum() + cells.found_pixels.sum() - cells.shared.sum()
    return Scores(
        thresholds=tuple(thresholds),
        hits=hits,
        misses=len(cells.true_ids) - hits,
        extras=len(cells.found_ids) - hits,
        overlap=overlap,
        shared=int(cells.shared[cells.best_pairs()].sum()),
        union=int(pixels),
        boundary=boundary,
    )


def total(scores: Iterable[Scores]) -> Scores:
    """Return the counts of all together; at least one is needed."""
    return reduce(Scores.__add__, scores)


def _part(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def _parts(part: npt.NDArray[np.number], whole: Counts) -> Values:
    known = whole > 0
    return np.where(known, part / np.where(known, whole, 1), np.nan)
