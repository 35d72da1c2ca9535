"""One channel of an image, restored by a network.

The result is that of ``DenoiseModel.eval`` of Cellpose 3.1.1.3 (Stringer &
Pachitariu, Nature Methods 22, 592-599, 2025).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.runs.restoration import (
    NUCLEI_SCALE,
    RestorationParameters,
    enlargement,
)
from cellpose_studio.engine.flows.prepare import network_input
from cellpose_studio.engine.flows.tiles import TileCounter, run_planes, tiling
from cellpose_studio.engine.networks.network import Network

FloatArray = npt.NDArray[np.float32]

_CELLS = 30.0
"""Diameter that networks for cells scale cells to, px."""


def restore(
    network: Network,
    stack: npt.NDArray[np.generic],
    parameters: RestorationParameters,
    counter: TileCounter,
    beside_cells: bool = False,
) -> FloatArray:
    """Return one channel of a stack, restored: (Z, Y, X), 0 and 1 at its percentiles.

    It has the size that `restored_size` tells.

    Parameters
    ----------
    network
        One that restores images.
    stack
        (Z, Y, X), any type; not changed. Pixels that are no number are taken as dark.
    beside_cells
        Whether it shows nuclei, of an image whose diameter is that of whole cells.

    Raises
    ------
    Cancelled
        At the next block of the network after a stop.
    DeviceFull
        If not even one tile fits into the memory of the device.
    ParametersUnfit
        If the diameter is too large for the image.
    """
    from cellpose_studio.engine.cellpose_api import resize_image

    planes, *size = stack.shape
    wanted = restored_size(network.spec, parameters, (size[0], size[1]))
    if wanted != (*size,):
        floats = stack.astype(np.float32)
        stack = np.asarray(resize_image(floats, *wanted, no_channels=True))
    normalization = parameters.normalization
    seen = network_input((1,), stack[None], normalization, normalization.norm3D)
    # Cellpose scales what it has enlarged once more.
    scale = _scale(network.spec, parameters, beside_cells)
    outputs = run_planes(network, seen, scale, _tiles(parameters), counter)
    if scale != 1.0:
        outputs = np.asarray(resize_image(outputs, *wanted))
    return outputs.reshape(planes, *wanted)


def restored_size(
    model: ModelSpec, parameters: RestorationParameters, size: tuple[int, int]
) -> tuple[int, int]:
    """Return the size (Y, X) of a restored image: larger after upsampling."""
    ratio = enlargement(model.path.name, model.diam_mean, parameters.diameter)
    return int(size[0] * ratio), int(size[1] * ratio)


def count_restoring_tiles(
    network: Network,
    shape: tuple[int, int, int],
    parameters: RestorationParameters,
    beside_cells: bool = False,
) -> int:
    """Return the number of tiles of one channel of a stack of ``shape`` (Z, Y, X)."""
    planes, *size = shape
    wanted = restored_size(network.spec, parameters, (size[0], size[1]))
    scale = _scale(network.spec, parameters, beside_cells)
    return planes * tiling(wanted, scale, network, _tiles(parameters)).count


def _scale(
    model: ModelSpec, parameters: RestorationParameters, beside_cells: bool
) -> float:
    """Return the pixels of the network per pixel of the (enlarged) image."""
    diameter = parameters.diameter
    # Cellpose takes the width that its networks for cells know, for nuclei as well.
    width = max(model.diam_mean, _CELLS) if beside_cells else model.diam_mean
    scale = width / diameter if diameter else 1.0
    return scale * NUCLEI_SCALE if beside_cells else scale


def _tiles(parameters: RestorationParameters) -> SegmentationParameters:
    return SegmentationParameters(
        tile_overlap=parameters.tile_overlap, batch_size=parameters.batch_size
    )
