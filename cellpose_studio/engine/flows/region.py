"""Runs that are limited to a region of the image."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import ParametersUnfit, StudioError
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.runs.segmentation import MaskMaker
from cellpose_studio.engine.flows.compute import Part
from cellpose_studio.engine.networks.network import Network

LOWEST = -4.0
"""Cell probability down to which a single cell is looked for: 2 %."""

_STEP = 1.0


class NoCellThere(StudioError):
    """A run that was to find one cell has found none."""


def refuse_outside(parameters: SegmentationParameters, image: ImageSource) -> None:
    """Raise `ParametersUnfit` unless the image has the region of the parameters."""
    region = parameters.region
    assert region is not None
    frames, planes, size = image.frames, image.planes, image.shape[3:]
    sides = region.rows_and_columns(size)
    name = image.name
    if any(side.start >= side.stop for side in sides):
        raise ParametersUnfit(
            f"The region lies outside of {name}, which has {size[1]} x {size[0]} px.",
            "Choose another region.",
        )
    if (region.frame or 1) > frames or (region.plane or 1) > planes:
        raise ParametersUnfit(
            f"{name} has {frames} time points of {planes} planes, so the region is "
            "not in it.",
            "Choose another region.",
        )
    together = parameters.do_3D or parameters.stitch_threshold > 0
    if region.plane is not None and together and planes > 1:
        raise ParametersUnfit(
            "Cells of several planes cannot be found in one plane.",
            "Choose all planes of the region, or run plane by plane.",
        )


def needed_part(
    image: ImageSource,
    network: Network,
    parameters: SegmentationParameters,
    diameter: float,
) -> tuple[range, range, Part | None]:
    """Return the time points and planes of a run, and the rows and columns of them.

    Rows and columns are those of the region, and half a tile of the network on each
    side, so that cells which lie half outside of it are whole. None for all.
    """
    region = parameters.region
    frames, planes = range(image.frames), range(image.planes)
    if region is None:
        return frames, planes, None
    if region.frame is not None:
        frames = frames[region.frame - 1 : region.frame]
    if region.plane is not None:
        planes = planes[region.plane - 1 : region.plane]
    more = math.ceil(network.tile / 2 * diameter / network.spec.diam_mean)
    rows, columns = (
        slice(max(side.start - more, 0), min(side.stop + more, size))
        for side, size in zip(
            region.rows_and_columns(image.shape[3:]), image.shape[3:], strict=True
        )
    )
    return frames, planes, (rows, columns)


def look_closer(
    maker: MaskMaker,
    labels: npt.NDArray[np.uint32],
    parameters: SegmentationParameters,
    checkpoint: Checkpoint,
) -> tuple[SegmentationParameters, npt.NDArray[np.uint32]]:
    """Lower the threshold of the cell probability until there is a cell in the masks.

    Returns
    -------
    Parameters and masks; the region of the parameters says which threshold was used.

    Raises
    ------
    NoCellThere
        If there is none at `LOWEST`.
    """
    region, threshold = parameters.region, parameters.cellprob_used
    assert region is not None
    while not labels.any() and threshold > LOWEST:
        threshold = max(threshold - _STEP, LOWEST)
        found = region.model_copy(update={"cellprob": threshold})
        parameters = parameters.model_copy(update={"region": found})
        labels = maker.masks(parameters, checkpoint)
    if not labels.any():
        raise NoCellThere(
            f"No cell was found there, down to a cell probability of {threshold:g}.",
            "Draw it, or try another diameter or model.",
        )
    return parameters, labels
