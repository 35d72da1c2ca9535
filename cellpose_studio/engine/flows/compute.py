"""The first half of a run: from the network input to flows.

Scaling, the three views of a volume and their sums follow Cellpose's
``CellposeModel._run_net`` and ``core.run_3D``.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.errors import ParametersUnfit
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.runs.volumes import flow_smoothing, smoothed
from cellpose_studio.engine.flows.tiles import (
    OUTSIDE,
    TileCounter,
    Window,
    run_planes,
    tiling,
)
from cellpose_studio.engine.networks.network import Network

FloatArray = npt.NDArray[np.float32]
Part = tuple[slice, slice]

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
    part: Part | None = None,
) -> int:
    """Return the number of tiles of a stack of shape (Z, Y, X).

    With ``part``, of those that its rows and columns need.
    """
    z, y, x = stack
    if not parameters.do_3D:
        cut = tiling((y, x), scale, network, parameters)
        window = seen_window(part, (z, *cut.size), scale) if part else None
        return z * len(cut.in_window(window))
    shape = volume_shape(stack, parameters, scale)
    # The volume is scaled as a whole, so its planes are cut at a scale of 1.
    count = 0
    for turn, _, _ in VIEWS:
        planes, *size = (shape[axis] for axis in turn[:3])
        cut = tiling((size[0], size[1]), 1.0, network, parameters)
        window = _seen_from(turn, part, shape, scale)
        if window is not None:
            planes = window.planes.stop - window.planes.start
        count += planes * len(cut.in_window(window))
    return count


def flows_of_planes(
    network: Network,
    stack: FloatArray,
    parameters: SegmentationParameters,
    diameter: float,
    counter: TileCounter,
    part: Part | None = None,
) -> Flows:
    """Return the flows of every plane of ``stack`` (Z, Y, X, C), independently.

    With ``part``, only its rows and columns have flows, the same as without it.
    """
    from cellpose_studio.engine.cellpose_api import resize_image

    scale = network.spec.diam_mean / diameter
    window = None
    if part is not None:
        size = tiling(stack.shape[1:3], scale, network, parameters).size
        window = seen_window(part, (len(stack), *size), scale)
    outputs = run_planes(network, stack, scale, parameters, counter, window)
    if parameters.resample and scale != 1.0:
        outputs = resize_image(outputs, *stack.shape[1:3])
    return _flows(outputs, parameters, scale, diameter, network)


def flows_of_volume(
    network: Network,
    stack: FloatArray,
    parameters: SegmentationParameters,
    diameter: float,
    counter: TileCounter,
    part: Part | None = None,
) -> Flows:
    """Return the flows of the volume ``stack`` (Z, Y, X, C), seen from three sides.

    With ``part``, only its rows and columns have flows, in all planes.
    """
    from cellpose_studio.engine.cellpose_api import resize_image_3d

    scale = network.spec.diam_mean / diameter
    seen = volume_shape(stack.shape[:3], parameters, scale)
    volume = resize_image_3d(stack, seen) if seen != stack.shape[:3] else stack
    # Like Cellpose, this adds up the views without dividing by their number, so the
    # thresholds of volumes mean the same as there.
    outputs = np.zeros((*seen, 4), np.float32)
    for number, (turn, back, axes) in enumerate(VIEWS):
        turned, window = volume.transpose(turn), _seen_from(turn, part, seen, scale)
        view = run_planes(network, turned, 1.0, parameters, counter, window)
        outputs[..., 3] += view[..., 2].transpose(back)
        if number == 0:
            above = outputs[..., 3].copy()
        for n, axis in enumerate(axes):
            outputs[..., axis] += view[..., n].transpose(back)
    agreement = _agreement(above, outputs[..., 3] - above)
    if parameters.resample and seen != stack.shape[:3]:
        outputs = resize_image_3d(outputs, stack.shape[:3])
    flows = _flows(outputs, parameters, scale, diameter, network)
    dP = smoothed(flows.dP, flow_smoothing(parameters, scale))
    return replace(flows, dP=dP, agreement=agreement)


def concatenate_flows(parts: list[Flows]) -> Flows:
    """Return the flows of several time points as flows of the whole image."""
    first = parts[0]
    if len(parts) == 1:
        return first
    return replace(
        first,
        dP=np.concatenate([part.dP for part in parts], axis=1),
        cellprob=np.concatenate([part.cellprob for part in parts]),
        frames=len(parts),
        agreement=min(
            (p.agreement for p in parts if p.agreement is not None), default=None
        ),
    )


def among_all(flows: Flows, frames: int, planes: int, at: int) -> Flows:
    """Return flows of some planes as those of an image; the others have none.

    Parameters
    ----------
    frames, planes
        Those of the image; ``planes`` of each time point.
    at
        Place of the first plane among all, the time first.
    """
    count, size = frames * planes, flows.cellprob.shape[1:]
    if count == len(flows.cellprob):
        return replace(flows, frames=frames)
    field = np.zeros((len(flows.dP), count, *size), np.float32)
    cellprob = np.full((count, *size), OUTSIDE, np.float32)
    there = slice(at, at + len(flows.cellprob))
    field[:, there], cellprob[there] = flows.dP, flows.cellprob
    return replace(flows, dP=field, cellprob=cellprob, frames=frames)


def seen_window(part: Part, shape: tuple[int, int, int], scale: float) -> Window:
    """Return a part of all planes of a stack of ``shape``, at the network's scale."""
    planes, *size = shape
    return Window(slice(0, planes), *map(_scaled, part, size, (scale, scale)))


def _seen_from(
    turn: tuple[int, ...], part: Part | None, shape: tuple[int, int, int], scale: float
) -> Window | None:
    """Return a part of a volume of ``shape``, whose axes are turned for a view."""
    if part is None:
        return None
    whole = seen_window(part, shape, scale)
    sides = whole.planes, whole.rows, whole.columns
    return Window(*(sides[axis] for axis in turn[:3]))


def _scaled(side: slice, size: int, scale: float) -> slice:
    """Return rows or columns of the image as those that the network sees."""
    # What is between two of them takes part in the interpolation of both.
    low, high = math.floor(side.start * scale) - 1, math.ceil(side.stop * scale) + 1
    return slice(max(low, 0), min(high, size))


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
    network: Network,
) -> Flows:
    """Wrap (Z, Y, X, A + 1) outputs; at network size, the scale is 1."""
    return Flows(
        dP=np.ascontiguousarray(np.moveaxis(outputs[..., :-1], -1, 0)),
        cellprob=np.ascontiguousarray(outputs[..., -1]),
        scale=scale if parameters.resample else 1.0,
        diameter=diameter,
        per_cell=network.spec.per_cell_targets,
    )


def _agreement(above: FloatArray, beside: FloatArray) -> float | None:
    """Return the IoU of pixels above 0 in two arrays; None if there are none."""
    one, other = above > 0, beside > 0
    both, either = np.count_nonzero(one & other), np.count_nonzero(one | other)
    return both / either if either else None
