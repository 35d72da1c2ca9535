"""Automatic diameter: measures the cells on the image itself.

As in Cellpose 1-3 (Stringer et al., Nature Methods 18, 2021), the size model of the
network estimates a diameter, the network runs at it, and the median diameter of the
cells it finds is the result. Here the network runs again at that diameter until it
converges: networks trained on a range of scales find enough cells at a wrong one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint, QuietCheckpoint
from cellpose_studio.core.runs.hints import looks_wrong
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.flows.compute import flows_of_planes
from cellpose_studio.engine.flows.tiles import TileCounter, style_of_tiles
from cellpose_studio.engine.masks.dynamics import FlowMaskMaker
from cellpose_studio.engine.networks.network import Network
from cellpose_studio.engine.networks.size_model import part_for_style

ROUNDS = 3
_SETTLED = 1.15
"""Ratio of two rounds below which the diameter has converged."""
_FAR_OFF = 1.5
"""Ratio to the diameter that the model was trained at, beyond which that is tried."""
_USUAL = {
    "postprocessing": "cellpose",
    **{
        name: SegmentationParameters.model_fields[name].default
        for name in ("cellprob_threshold", "flow_threshold", "min_size")
    },
}
"""Parameters of the masks that are measured."""
_FEWEST_CELLS = 3
_SMALLEST = 5.0
"""As in Cellpose, px: smaller specks would enlarge the image in the next round."""
_MOST_PIXELS = 1024
"""Side of the part of a large image that is measured, in pixels of the network."""
_LEAST_PIXELS = 256
"""Side of the smallest part, in pixels of the image."""


def measure_diameter(
    network: Network,
    plane: npt.NDArray[np.float32],
    parameters: SegmentationParameters,
    checkpoint: Checkpoint,
) -> float:
    """Return the median diameter of the cells on ``plane`` (Y, X, C), px.

    If too few cells are found at the usual thresholds, those of ``parameters`` are
    tried. If too few are found then, it is the estimate of the size model; without a
    size model, the diameter that the model was trained at. From there, it is measured
    again where most of the cells are uncertain in a round; the result is that with more
    cells that are certain, and a larger share of them.
    """
    guess = estimate_diameter(network, plane)
    first = _measured(network, plane, guess, parameters, checkpoint)
    usual = network.spec.diam_labels
    is_far = max(first.found, usual) / min(first.found, usual) > _FAR_OFF
    if first.is_doubtful and is_far:
        second = _measured(network, plane, usual, parameters, checkpoint)
        if second.certain > first.certain and second.share > first.share:
            return second.found
    return first.found


@dataclass(frozen=True, kw_only=True)
class _Measured:
    """The diameter that a guess leads to.

    Attributes
    ----------
    found
        Median diameter, px.
    is_doubtful
        Whether most of the cells were uncertain in any round.
    certain, share
        Cells that are certain in the last round, and their share of those found.
    """

    found: float
    is_doubtful: bool
    certain: int
    share: float


def _measured(
    network: Network,
    plane: npt.NDArray[np.float32],
    guess: float,
    parameters: SegmentationParameters,
    checkpoint: Checkpoint,
) -> _Measured:
    """Run the network until the diameter of the cells is that which it runs at."""
    # A diameter does not depend on how cells are finished afterwards, nor, as in
    # Cellpose, on the thresholds: those that were tuned on flows suit another run.
    usual = parameters.model_copy(update=_USUAL)
    asked = parameters.model_copy(update={"postprocessing": "cellpose"})
    quiet = QuietCheckpoint(checkpoint)
    tiles = TileCounter(quiet, 0)
    found, is_doubtful = guess, False
    for n in range(ROUNDS):
        checkpoint.reached(n, ROUNDS, "measuring the diameter")
        # The scale changes in every round, and with it the part within the limit.
        part = _middle(plane, network.spec.diam_mean / found)[None]
        flows = flows_of_planes(network, part, parameters, found, tiles)
        maker = FlowMaskMaker(flows, part.shape[1:3], network.device)
        used, labels = usual, maker.masks(usual, quiet)
        median = median_diameter(labels)
        if median is None and asked != usual:
            used, labels = asked, maker.masks(asked, quiet)
            median = median_diameter(labels)
        confidence = maker.confidence(labels, used, quiet)
        is_doubtful |= looks_wrong(confidence)
        previous, found = found, max(median or guess, _SMALLEST)
        if max(found, previous) / min(found, previous) < _SETTLED:
            break
    certain = confidence.candidates - confidence.unsure
    return _Measured(
        found=found,
        is_doubtful=is_doubtful,
        certain=certain,
        share=certain / max(confidence.candidates, 1),
    )


def estimate_diameter(network: Network, plane: npt.NDArray[np.float32]) -> float:
    """Return the diameter estimated from the style of ``plane`` (Y, X, C), px.

    Without a size model, it is the diameter that the model was trained at.
    """
    if network.sizes is None:
        return network.spec.diam_labels
    if network.sizes.whole_image:
        style = style_of_tiles(network, _middle(plane, 1.0))
    else:
        style = network.style(part_for_style(plane))
    return max(network.sizes.diameter(style), _SMALLEST)


def median_diameter(labels: npt.NDArray[np.integer]) -> float | None:
    """Return the median diameter of circles with the areas of the cells, px.

    None for fewer than three cells.
    """
    areas = np.bincount(labels.ravel())[1:]
    areas = areas[areas > 0]
    if len(areas) < _FEWEST_CELLS:
        return None
    return float(np.median(2 * np.sqrt(areas / np.pi)))


def _middle(plane: npt.NDArray[np.float32], scale: float) -> npt.NDArray[np.float32]:
    """Return the middle of ``plane``, limited in size after scaling."""
    side = int(np.clip(_MOST_PIXELS / scale, _LEAST_PIXELS, _MOST_PIXELS))
    y, x = (max(0, (n - side) // 2) for n in plane.shape[:2])
    return plane[y : y + side, x : x + side]
