"""What can be measured of nuclei and cells together: one record each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.measure.compartments.matching import NucleiInCells
from cellpose_studio.core.measure.definition import Definition
from cellpose_studio.core.measure.raw import Values


@dataclass(frozen=True, kw_only=True)
class NucleiDefinition(Definition):
    """What is known of the nuclei of a cell.

    Attributes
    ----------
    values
        Returns (N,) for the cells of what was matched.
    """

    values: Callable[[NucleiInCells], npt.NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class RatioDefinition(Definition):
    """A ratio of intensities, for each channel.

    Attributes
    ----------
    measurement
        Name of the intensity in both compartments.
    """

    measurement: str

    def values(self, nucleus: Values, cytoplasm: Values) -> Values:
        """Return (N,) ratios; NaN where the cytoplasm is not above 0."""
        nothing = np.full(len(nucleus), np.nan)
        return np.divide(nucleus, cytoplasm, out=nothing, where=cytoplasm > 0)


NUCLEI: tuple[NucleiDefinition, ...] = (
    NucleiDefinition(
        name="nuclei",
        title="Nuclei",
        group="compartments",
        quantity="count",
        text="Number of nuclei in the cell.",
        values=lambda found: found.counts.astype(np.float64),
    ),
    NucleiDefinition(
        name="nucleus_ids",
        title="Ids of nuclei",
        group="compartments",
        quantity="text",
        text="Ids of the nuclei in the cell, in their own masks; empty for none.",
        values=lambda found: found.texts,
    ),
)

RATIOS: tuple[RatioDefinition, ...] = (
    RatioDefinition(
        name="nucleus_cytoplasm_ratio",
        title="Nucleus/cytoplasm",
        group="compartments",
        quantity="number",
        text="Mean of the nucleus over the mean of the cytoplasm. Unknown where one is "
        "missing, or the mean of the cytoplasm is not above 0.",
        measurement="mean",
    ),
    RatioDefinition(
        name="nucleus_cytoplasm_ratio_corrected",
        title="Nucleus/cytoplasm, corrected",
        group="compartments",
        quantity="number",
        text="The same ratio of the means minus the background of the cell.",
        measurement="mean_corrected",
    ),
)
