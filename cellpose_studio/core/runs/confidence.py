"""Confidence of a network in the cells that it found."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

FLOW_CHECK = 0.4
"""Flow error above which a cell does not fit its flows; Cellpose's own threshold."""

_MOST_ERROR = 0.25
_LEAST_PROBABILITY = 0.75
"""Beyond these a cell is uncertain; docs/benchmarks.md says how often it is wrong."""


@dataclass(frozen=True)
class CellConfidence:
    """Confidence of the network in one cell.

    Attributes
    ----------
    pixels
        Size of the cell.
    flow_error
        Mean squared distance between the network's flows and those of the mask,
        unit vectors; 0 is a perfect fit. NaN in volumes, where it is not computed.
    probability
        Mean probability, 0 to 1, that its pixels belong to cells.
    """

    pixels: int
    flow_error: float
    probability: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Confidence:
    """Confidence of the network in all cells of a label image.

    Attributes
    ----------
    ids
        (N,) ids of the cells, ascending.
    pixels, flow_errors, probabilities
        (N,), as in `CellConfidence`.
    candidates
        Number of cells that the flows led to, without small ones.
    misfits
        Number of candidates that do not fit their flows, by `FLOW_CHECK`.
    doubtful
        Number of candidates that were left out since the network was sure of hardly
        any cell around.
    """

    ids: npt.NDArray[np.uint32]
    pixels: npt.NDArray[np.int64]
    flow_errors: npt.NDArray[np.float64]
    probabilities: npt.NDArray[np.float64]
    candidates: int
    misfits: int
    doubtful: int = 0

    @property
    def uncertain(self) -> npt.NDArray[np.bool_]:
        """(N,) whether a cell is to be reviewed first."""
        misfit = self.flow_errors > _MOST_ERROR
        return misfit | (self.probabilities < _LEAST_PROBABILITY)

    @property
    def unsure(self) -> int:
        """Number of candidates that do not fit their flows, or are uncertain."""
        # Misfits among the cells that were kept are counted already.
        kept_misfits = self.flow_errors > FLOW_CHECK
        return self.misfits + int((self.uncertain & ~kept_misfits).sum())

    @property
    def left_out(self) -> int:
        """Number of misfits that are not among the cells."""
        return max(0, self.misfits - int((self.flow_errors > FLOW_CHECK).sum()))

    def among(self, ids: npt.NDArray[np.integer]) -> Confidence:
        """Return the confidence in those cells that are among ``ids``."""
        there = np.isin(self.ids, ids)
        return replace(
            self,
            ids=self.ids[there],
            pixels=self.pixels[there],
            flow_errors=self.flow_errors[there],
            probabilities=self.probabilities[there],
        )

    def renamed(self, names: dict[int, int]) -> Confidence:
        """Return the confidence in cells under other ids; ``names`` maps to these."""
        kept = self.among(np.array(sorted(names), np.uint32))
        ids = np.array([names[cell] for cell in kept.ids.tolist()], np.uint32)
        order = np.argsort(ids)
        return replace(
            kept,
            ids=ids[order],
            pixels=kept.pixels[order],
            flow_errors=kept.flow_errors[order],
            probabilities=kept.probabilities[order],
        )

    def with_others(self, others: Confidence) -> Confidence:
        """Return the confidence in these cells and those others, which differ.

        The candidates and misfits are those of this one.
        """
        ids = np.concatenate([self.ids, others.ids])
        order = np.argsort(ids)
        return replace(
            self,
            ids=ids[order],
            pixels=np.concatenate([self.pixels, others.pixels])[order],
            flow_errors=np.concatenate([self.flow_errors, others.flow_errors])[order],
            probabilities=np.concatenate([self.probabilities, others.probabilities])[
                order
            ],
        )

    @property
    def scores(self) -> npt.NDArray[np.float64]:
        """(N,) from 0 to 1; cells below 0.5 count as uncertain."""
        # The flow errors of volumes are unknown, so the probability decides alone.
        fit = 1 - np.nan_to_num(self.flow_errors) / (2 * _MOST_ERROR)
        # Twice the limits are the scale, so that a cell at a limit scores one half.
        uncertainty = (1 - self.probabilities) / (2 * (1 - _LEAST_PROBABILITY))
        return np.clip(np.minimum(fit, 1 - uncertainty), 0, 1)

    def of(self, cell: int) -> CellConfidence | None:
        """Return the confidence in ``cell``; None if there is no such cell."""
        at = int(np.searchsorted(self.ids, cell))
        if at == len(self.ids) or self.ids[at] != cell:
            return None
        return CellConfidence(
            int(self.pixels[at]),
            float(self.flow_errors[at]),
            float(self.probabilities[at]),
        )

    def medians(self) -> tuple[float, float]:
        """Return the median flow error and probability; NaN if unknown."""
        if not len(self.ids):
            return float("nan"), float("nan")
        return float(np.median(self.flow_errors)), float(np.median(self.probabilities))
