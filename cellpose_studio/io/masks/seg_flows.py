"""The ``flows`` entry of a ``_seg.npy`` file, in all layouts of Cellpose."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.runs.flows import FloatArray, Flows

Shape = tuple[int, ...]

TRAINED_DIAMETER = 30.0
"""Diameter that Cellpose scales cells to, px."""


def flows_from(stored: object, shape: Shape, diameter: float | None) -> Flows | None:
    """Return the flows, at the size of masks of ``shape`` (YX or ZYX).

    Layouts differ between the GUI (field and probability at 2 and 3) and the command
    line (both in one array at 4), and between 2D and stacks; they are recognised by
    the positions of the float arrays. Flows at the scale of the network are resized.
    None if there is no usable float data: older GUIs stored only images of the flows.
    """
    if len(shape) not in (2, 3):
        return None
    # Files that `flows_to` wrote have both layouts, with the same values in them.
    found = _gui_layout(stored, len(shape)) or _api_layout(stored, len(shape))
    if found is None:
        return None
    field, probability = (np.array(part, np.float32) for part in found)
    if len(shape) == 2:
        field, probability = field[:, None], probability[None]
    if not _fits(field, probability, shape):
        return None
    size = diameter or TRAINED_DIAMETER
    return Flows(
        dP=_resized(field, shape),
        cellprob=_resized(probability, shape),
        scale=TRAINED_DIAMETER / size,
        diameter=size,
    )


def flows_to(flows: Flows | None, shape: Shape) -> list[Any]:
    """Return the entry that Cellpose 4's GUI can show and re-threshold.

    Flows at the scale of the network are resized to masks of ``shape`` (YX or ZYX),
    because the GUI cannot load two sizes. In 2D a fifth array follows, which scripts
    for the files of the command line read. In a stack the GUI expects an image of dZ
    at this position.
    """
    if flows is None:
        return [[], [], [], [], [[]]]  # The GUI itself stores this before a run.
    field, probability = _resized(flows.dP, shape), _resized(flows.cellprob, shape)
    entry: list[Any] = [_direction(field[-2:]), _grey(probability), field, probability]
    if len(shape) == 2:
        # The GUI stores the field of a plane with a leading axis of length 1.
        entry[2] = field[:, 0][None]
        return [*entry, np.concatenate([field[:, 0], probability])]
    # Cellpose scales its image of dZ with the same numbers.
    depth = field[0] / 10 * 127 + 127 if flows.volumetric else 0 * probability
    return [*entry, np.clip(depth, 0, 255).astype(np.uint8)]


def _direction(field: FloatArray) -> npt.NDArray[np.uint8]:
    """Return an image (…, 3) of a field (2, …): direction as hue, length as value.

    The colours are those of Cellpose's ``dx_to_circ``; red points up.
    """
    length = np.hypot(field[0], field[1])
    light = _grey(length).astype(np.float32) / 2
    down, right = field / np.maximum(length, 1e-6)
    picture = np.empty((*length.shape, 3), np.uint8)
    for colour, turn in enumerate((0, 2 * np.pi / 3, 4 * np.pi / 3)):
        # The cosine of the angle to the direction that has this colour in full.
        towards = right * math.sin(turn) - down * math.cos(turn)
        picture[..., colour] = light * (1 + towards)
    return picture


def _grey(values: FloatArray) -> npt.NDArray[np.uint8]:
    """Return an image from black at the 1st to white at the 99th percentile."""
    # Cellpose uses the same percentiles for its image of the probability.
    low, high = np.percentile(values, (1, 99))
    scaled = (values - low) / max(float(high - low), 1e-6)
    return (np.clip(scaled, 0, 1) * 255).astype(np.uint8)


Found = tuple[npt.NDArray[Any], npt.NDArray[Any]]


def _gui_layout(stored: object, axes: int) -> Found | None:
    if not isinstance(stored, list | tuple) or len(stored) < 4:
        return None
    field = _float_array(stored[2], axes + 1)
    probability = _float_array(stored[3], axes)
    return None if field is None or probability is None else (field, probability)


def _api_layout(stored: object, axes: int) -> Found | None:
    if not isinstance(stored, list | tuple) or len(stored) < 5:
        return None
    both = _float_array(stored[4], axes + 1)
    # The array needs at least dY, dX and the probability.
    return None if both is None or len(both) < 3 else (both[:-1], both[-1])


def _float_array(value: object, axes: int) -> npt.NDArray[Any] | None:
    """Return ``value`` without leading axes of length 1, if ``axes`` are left."""
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f" or not value.size:
        return None
    array: npt.NDArray[Any] = value
    while array.ndim > axes and array.shape[0] == 1:
        array = array[0]
    return array if array.ndim == axes else None


def _fits(field: FloatArray, probability: FloatArray, shape: Shape) -> bool:
    volume = len(shape) == 3 and len(field) == 3
    planes = shape[0] if len(shape) == 3 else 1
    return (
        field.shape[1:] == probability.shape
        and (volume or (len(field) == 2 and len(probability) == planes))
        and bool(np.isfinite(field).all() and np.isfinite(probability).all())
    )


def _resized(values: FloatArray, shape: Shape) -> FloatArray:
    """Return ``values`` (…, N, Y, X) with its last axes stretched to ``shape``."""
    old = values.shape[-len(shape) :]
    if old == shape:
        return values
    from scipy.ndimage import zoom

    factors = [new / n for new, n in zip(shape, old, strict=True)]
    kept = [1.0] * (values.ndim - len(shape))
    # Pixels are treated as areas, so that the outer edges keep their position.
    return zoom(values, [*kept, *factors], order=1, mode="nearest", grid_mode=True)
