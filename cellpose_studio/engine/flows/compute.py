"""The first half of a run: from the network input to flows.

Scaling, the three views of a volume and their sums follow Cellpose's
``CellposeModel._run_net`` and ``core.run_3D``.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.errors import ParametersUnfit
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.flows.tiles import TileCounter, run_planes, tiling
from cellpose_studio.engine.networks.network import Network

FloatArray = npt.NDArray[np.float32]

VIEWS = (
    ((0, 1, 2, 3), (0, 1, 2), (1, 2)),
    ((1, 0, 2, 3), (1, 0, 2), (0, 2)),
    ((2, 0, 1, 3), (1, 2, 0), (0, 1)),
)
"""For each view of a volume: how (Z, Y, X, C) is transposed, how its planes are
transposed back, and along which axes (0 is Z) the two flows of its planes point.
"""


def count_tiles(
    stack: tuple[int, int, int],
    network: Network,
    parameters: SegmentationParameters,
    scale: float,
) -> int:
    """Return the number of tiles of a stack of shape (Z, Y, X)."""
    z, y, x = stack
    if not parameters.do_3D:
        return z * tiling((y, x), scale, network, parameters).count
    z, y, x = volume_shape(stack, parameters, scale)
    # The volume is scaled as a whole, so its planes are cut at a scale of 1.
    views = ((z, (y, x)), (y, (z, x)), (x, (z, y)))
    return sum(n * tiling(s, 1.0, network, parameters).count for n, s in views)


def flows_of_planes(
    network: Network,
    stack: FloatArray,
    parameters: SegmentationParameters,
    diameter: float,
    counter: TileCounter,
) -> Flows:
    """Return the flows of every plane of ``stack`` (Z, Y, X, C), independently."""
    from cellpose_studio.engine.cellpose_api import resize_image

    scale = network.spec.diam_mean / diameter
    outputs = run_planes(network, stack, scale, parameters, counter)
    if parameters.resample and scale != 1.0:
        outputs = resize_image(outputs, *stack.shape[1:3])
    return _flows(outputs, parameters, scale, diameter)


def flows_of_volume(
    network: Network,
    stack: FloatArray,
    parameters: SegmentationParameters,
    diameter: float,
    counter: TileCounter,
) -> Flows:
    """Return the flows of the volume ``stack`` (Z, Y, X, C), seen from three sides."""
    from cellpose_studio.engine.cellpose_api import resize_image_3d

    scale = network.spec.diam_mean / diameter
    seen = volume_shape(stack.shape[:3], parameters, scale)
    volume = resize_image_3d(stack, seen) if seen != stack.shape[:3] else stack
    # Like Cellpose, this adds up the views without dividing by their number, so the
    # thresholds of volumes mean the same as there.
    outputs = np.zeros((*seen, 4), np.float32)
    for turn, back, axes in VIEWS:
        view = run_planes(network, volume.transpose(turn), 1.0, parameters, counter)
        outputs[..., 3] += view[..., 2].transpose(back)
        for n, axis in enumerate(axes):
            outputs[..., axis] += view[..., n].transpose(back)
    if parameters.resample and seen != stack.shape[:3]:
        outputs = resize_image_3d(outputs, stack.shape[:3])
    return _smoothed(_flows(outputs, parameters, scale, diameter), parameters)


def concatenate_flows(parts: list[Flows]) -> Flows:
    """Return the flows of several time points as flows of the whole image."""
    first = parts[0]
    if len(parts) == 1:
        return first
    return Flows(
        dP=np.concatenate([part.dP for part in parts], axis=1),
        cellprob=np.concatenate([part.cellprob for part in parts]),
        scale=first.scale,
        diameter=first.diameter,
        frames=len(parts),
    )


def volume_shape(
    stack: tuple[int, int, int], parameters: SegmentationParameters, scale: float
) -> tuple[int, int, int]:
    """Return the size (Z, Y, X) at which the network sees a volume."""
    z, y, x = stack
    anisotropy = parameters.anisotropy or 1.0
    # Cellpose rounds sizes down, and another size would give another grid of pixels.
    shape = int(z * anisotropy * scale), int(y * scale), int(x * scale)
    if min(shape) < 1:
        raise ParametersUnfit(
            "The diameter is too large for this stack.", "Choose a smaller diameter."
        )
    return shape


def _flows(
    outputs: FloatArray,
    parameters: SegmentationParameters,
    scale: float,
    diameter: float,
) -> Flows:
    """Wrap (Z, Y, X, A + 1) outputs; at network size, the scale is 1."""
    return Flows(
        dP=np.ascontiguousarray(np.moveaxis(outputs[..., :-1], -1, 0)),
        cellprob=np.ascontiguousarray(outputs[..., -1]),
        scale=scale if parameters.resample else 1.0,
        diameter=diameter,
    )


def _smoothed(flows: Flows, parameters: SegmentationParameters) -> Flows:
    from scipy.ndimage import gaussian_filter

    if not parameters.flow3D_smooth:
        return flows
    # The first axis counts the components of the flows, which must not be mixed.
    sigma = [0, *[parameters.flow3D_smooth] * 3]
    return replace(flows, dP=gaussian_filter(flows.dP, sigma))
