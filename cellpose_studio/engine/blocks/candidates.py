"""Cells of all blocks before those that do not fit, or leave doubt, are left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.blocks.table import CellsOfBlocks
from cellpose_studio.engine.masks.cleaning import doubtful

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, kw_only=True)
class Candidates:
    """Cells of a plane or volume, as pixels gather to them.

    Attributes
    ----------
    cells
        In the order of their first pixels; cell n is number n + 1.
    numbers
        For each block the number of each of its own labels, from 0 on; 0 is none.
    errors
        (N,) flow errors; NaN in volumes, and before they are computed.
    certainties
        (N,) how sure the network is of them; NaN before that is computed.
    volumetric
        Whether they are those of a volume, all of which fit, as in Cellpose.
    """

    cells: CellsOfBlocks
    numbers: list[npt.NDArray[np.uint32]]
    errors: npt.NDArray[np.float64]
    certainties: npt.NDArray[np.float64]
    volumetric: bool

    def fit_flows(self, parameters: SegmentationParameters) -> Mask:
        """Return which cells fit their flows."""
        if parameters.flow_threshold > 0 and not self.volumetric:
            return np.asarray(self.errors <= parameters.flow_threshold)
        return np.ones(len(self.cells), np.bool_)

    def doubtful(self, parameters: SegmentationParameters) -> Mask:
        """Return which cells are left out since the network is sure of hardly any."""
        if not parameters.doubts:
            return np.zeros(len(self.cells), np.bool_)
        fit = self.fit_flows(parameters)
        counted = fit & (self.cells.pixels >= parameters.min_size)
        return counted & doubtful(self.certainties, counted)
