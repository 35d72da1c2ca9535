"""Crops that are rotated, flipped and scaled at random, as Cellpose does.

The numbers are those of ``transforms.random_rotate_and_resize`` of Cellpose 4 up to
rounding. That function draws from NumPy's global generator and interpolates with all
threads of torch; this one is for a thread beside others.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Placement:
    """How a crop lies in its image.

    Attributes
    ----------
    scale
        Pixels of the crop per pixel of the image.
    angle
        Degrees.
    shift
        (X, Y) of the crop's centre in the turned image, pixels of the crop.
    flipped
        Whether the image is mirrored before, left to right.
    """

    scale: float
    angle: float
    shift: tuple[float, float]
    flipped: bool


def random_placement(
    shape: tuple[int, ...],
    side: int,
    scale: float,
    scale_range: float,
    rng: np.random.Generator,
) -> Placement:
    """Return where a crop of a ``side`` lies in an image of ``shape`` (Y, X)."""
    scale *= (1 - scale_range / 2) + scale_range * rng.random()
    angle = 360 * rng.random() - 180
    room = [max(0.0, length * scale - side) for length in shape]
    y, x = (length * (rng.random() - 0.5) for length in room)
    return Placement(
        scale=scale, angle=angle, shift=(x, y), flipped=bool(rng.random() > 0.5)
    )


def cut(planes: FloatArray, side: int, placement: Placement) -> FloatArray:
    """Return (N, side, side) of ``planes`` (N, Y, X); 0 outside of the image."""
    height, width = planes.shape[-2:]
    turn = np.radians(placement.angle)
    cos, sin = np.cos(turn) / placement.scale, np.sin(turn) / placement.scale
    rotation = np.array([[cos, sin], [-sin, cos]])
    # From the centre of the crop to that of the image.
    middle = np.array([(side - 1) / 2, (side - 1) / 2]) + placement.shift
    offset = np.array([(width - 1) / 2, (height - 1) / 2]) - rotation @ middle
    matrix = np.column_stack([rotation, offset])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    found = np.empty((len(planes), side, side), np.float32)
    for plane, crop in zip(planes, found, strict=True):
        seen = np.ascontiguousarray(plane[:, ::-1]) if placement.flipped else plane
        cv2.warpAffine(seen, matrix, (side, side), dst=crop, flags=flags)
    return found


def cut_targets(targets: FloatArray, side: int, placement: Placement) -> FloatArray:
    """Return (3, side, side) of (cell, dY, dX); the flows turn with the image."""
    found = cut(targets, side, placement)
    if placement.flipped:
        found[2] *= -1
    turn = np.radians(placement.angle)
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    y, x = found[1].copy(), found[2].copy()
    found[1] = x * sin + y * cos
    found[2] = x * cos - y * sin
    return found
