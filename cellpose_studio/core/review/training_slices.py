"""Slices of stacks and time series in three directions, with square pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.review.training_marks import PlaneAxes, Slices

Labels = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class Slice:
    """One slice of an image.

    Attributes
    ----------
    axes
        YX, ZY or ZX: its rows and columns.
    frame
        Time point, from 0.
    at
        Place along the third axis, from 0: Z of YX, X of ZY, Y of ZX.
    """

    axes: PlaneAxes
    frame: int
    at: int

    @property
    def region(self) -> tuple[slice, slice, slice, slice]:
        """The slice in an array with the axes TZYX."""
        whole = slice(None)
        one = slice(self.at, self.at + 1)
        frame = slice(self.frame, self.frame + 1)
        of_axes = {
            "YX": (frame, one, whole, whole),
            "ZY": (frame, whole, whole, one),
            "ZX": (frame, whole, one, whole),
        }
        return of_axes[self.axes]

    def text(self, frames: int, planes: int) -> str:
        """Return which slice it is of an image, counted from 1; "" of a single one."""
        parts = [f"time point {self.frame + 1}"] if frames > 1 else []
        if self.axes != "YX":
            third = {"ZY": "x", "ZX": "y"}[self.axes]
            parts.append(f"{self.axes} at {third} {self.at + 1}")
        elif planes > 1:
            parts.append(f"plane {self.at + 1}")
        return ", ".join(parts)


def slices_of(
    labels: Labels, slices: Slices, frames: int, planes: int
) -> Iterator[Slice]:
    """Yield the slices of masks that a user wants.

    Parameters
    ----------
    labels
        Masks of `ImageSource.label_shape`.
    frames, planes
        Lengths of the axes T and Z of the image.
    """
    stacked = labels.reshape(frames, planes, *labels.shape[-2:])
    for axes in slices.axes:
        # Single planes have no other directions.
        if axes != "YX" and planes == 1:
            continue
        third = {"YX": 1, "ZY": 3, "ZX": 2}[axes]
        rest = tuple(n for n in (1, 2, 3) if n != third)
        has_cells = stacked.any(axis=rest)
        if slices.annotated:
            wanted = [(int(t), int(at)) for t, at in np.argwhere(has_cells)]
        else:
            wanted = [*np.ndindex(frames, stacked.shape[third])]
        for frame, at in wanted[:: slices.every]:
            yield Slice(axes, frame, at)


def with_square_pixels(
    plane: npt.NDArray[np.generic], axes: PlaneAxes, anisotropy: float, labels: bool
) -> npt.NDArray[np.generic]:
    """Return a slice with its rows stretched so that its pixels are square.

    Parameters
    ----------
    plane
        (Y, X) float32 pixels, interpolated, or uint32 labels, which are not.
    anisotropy
        Distance of planes over the size of a pixel.
    """
    if axes == "YX" or anisotropy == 1:
        return plane
    rows = plane.shape[0]
    new = max(round(rows * anisotropy), 1)
    # The centre of each new row in those before.
    at = (np.arange(new) + 0.5) * rows / new - 0.5
    if labels:
        return plane[np.clip(np.round(at).astype(int), 0, rows - 1)]
    at = np.clip(at, 0, rows - 1)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, rows - 1)
    part = (at - low)[:, None].astype(np.float32)
    # No product with 0: a pixel that is no number would spread.
    mixed = plane[low] * (1 - part) + plane[high] * part
    return np.where(part == 0, plane[low], mixed).astype(np.float32)
