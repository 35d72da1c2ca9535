"""Measure the diameter of the cells on the image itself.

The second step of the size models of Cellpose 1-3 (Stringer et al., Nature Methods
18, 2021), used from the start: the network runs at one diameter, and the median
diameter of what it finds is the diameter for the next round. Networks trained on a
range of scales find enough cells at a wrong one for this to settle.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.parameters import SegmentationParameters
from cellpose_studio.engine.dynamics import MaskMaker
from cellpose_studio.engine.flows import flows_of_planes
from cellpose_studio.engine.network import Network
from cellpose_studio.engine.tiles import TileCounter

ROUNDS = 3
_SETTLED = 1.15
"""Ratio of two rounds from which a further one would change little."""
_FEWEST_CELLS = 3
_SMALLEST = 5.0
"""As in Cellpose, px: smaller specks would blow the image up for the next round."""
_MOST_PIXELS = 1024
"""Side of the part of a large image that is looked at, px."""


def measured_diameter(
    network: Network,
    plane: npt.NDArray[np.float32],
    parameters: SegmentationParameters,
    checkpoint: Checkpoint,
) -> float:
    """Return the median diameter of the cells on ``plane`` (Y, X, C), px.

    The diameter that the model was trained at, where too few cells are found.
    """
    part = _middle(plane)[None]
    found = trained = network.spec.diam_labels
    quiet = TileCounter(_Quiet(checkpoint), 0)
    for n in range(ROUNDS):
        checkpoint.reached(n, ROUNDS, "measuring the diameter")
        flows = flows_of_planes(network, part, parameters, found, quiet)
        labels = MaskMaker(flows, part.shape[1:3], network.device).masks(
            parameters, _Quiet(checkpoint)
        )
        previous, found = found, max(median_diameter(labels) or trained, _SMALLEST)
        if max(found, previous) / min(found, previous) < _SETTLED:
            break
    return found


def median_diameter(labels: npt.NDArray[np.integer]) -> float | None:
    """Return the median of the diameters of circles as large as the cells, px.

    None for fewer than three cells.
    """
    areas = np.bincount(labels.ravel())[1:]
    areas = areas[areas > 0]
    if len(areas) < _FEWEST_CELLS:
        return None
    return float(np.median(2 * np.sqrt(areas / np.pi)))


def _middle(plane: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    y, x = (max(0, (n - _MOST_PIXELS) // 2) for n in plane.shape[:2])
    return plane[y : y + _MOST_PIXELS, x : x + _MOST_PIXELS]


class _Quiet(Checkpoint):
    """Stops with another checkpoint, but reports nothing."""

    def __init__(self, outer: Checkpoint) -> None:
        super().__init__()
        self._outer = outer

    def check(self) -> None:
        self._outer.check()
