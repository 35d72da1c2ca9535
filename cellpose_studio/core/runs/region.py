"""The part of an image that a run is limited to."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

Labels = npt.NDArray[np.uint32]
Mask = npt.NDArray[np.bool_]
Box = tuple[slice, ...]

_REACH = 12
"""The cell at a point has a pixel within this part of the region's shorter side: a
quarter of the diameter of a cell, around which the region has room for one more."""

Coordinate = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
Point = tuple[Coordinate, Coordinate]


class Region(BaseModel):
    """A rectangle or a polygon in the planes of an image, in pixels.

    A run in a region takes the cells of which at least half of the pixels lie in it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    points: tuple[Point, ...] = Field(
        min_length=2,
        description="x and y. Two are opposite corners of a rectangle, between pixels: "
        "0, 0 is the corner of the first one. More are the corners of a polygon, on "
        "pixels: 0, 0 is the centre of the first one, and the line is part of it.",
    )
    frame: int | None = Field(None, ge=1, description="time point, from 1; None: all")
    plane: int | None = Field(None, ge=1, description="from 1; None: all of a stack")
    contrast: Literal["image", "region"] = Field(
        "image", description="whose percentiles scale the intensities"
    )
    cell_at: Point | None = Field(
        None, description="x and y; only the cell there is taken"
    )
    cell_plane: int | None = Field(
        None, ge=1, description="plane of that point, where several are run together"
    )
    cell: int | None = Field(
        None, ge=1, description="id of the cell whose place the one found takes"
    )
    cellprob: float | None = Field(
        None,
        ge=-6,
        le=6,
        description="cell probability at which the cell was found, where that is "
        "below the threshold",
    )

    @model_validator(mode="after")
    def _has_an_area(self) -> Region:
        x, y = zip(*self.points, strict=True)
        if max(x) == min(x) or max(y) == min(y):
            raise ValueError("a region needs a width and a height")
        return self

    @property
    def is_rectangle(self) -> bool:
        """Whether it is one; else it is a polygon."""
        return len(self.points) == 2

    def rows_and_columns(self, shape: tuple[int, int]) -> tuple[slice, slice]:
        """Return its bounding box in a plane of ``shape``; empty if it is outside."""
        x, y = zip(*self.points, strict=True)
        # The pixels under the line belong to a polygon.
        more = 0 if self.is_rectangle else 1
        ends = [(round(min(at)), round(max(at)) + more) for at in (y, x)]
        rows, columns = (
            slice(min(max(low, 0), size), min(max(high, 0), size))
            for (low, high), size in zip(ends, shape, strict=True)
        )
        return rows, columns

    def mask(self, shape: tuple[int, int]) -> Mask:
        """Return which pixels of its bounding box in a plane are in it."""
        rows, columns = self.rows_and_columns(shape)
        size = rows.stop - rows.start, columns.stop - columns.start
        if self.is_rectangle or 0 in size:
            return np.ones(size, bool)
        import cv2

        mask = np.zeros(size, np.uint8)
        at = np.round(np.array(self.points)) - (columns.start, rows.start)
        cv2.fillPoly(mask, [at.astype(np.int32)], (1,))
        return mask.astype(bool)

    def box(self, shape: tuple[int, ...], frames: int) -> Box:
        """Return its bounding box in masks of ``shape``: YX, ZYX, TYX or TZYX.

        ``frames`` is the number of time points.
        """
        numbers = [self.frame] if frames > 1 else []
        if len(shape) - 2 > len(numbers):
            numbers.append(self.plane)
        lead = [slice(None) if n is None else slice(n - 1, n) for n in numbers]
        return (*lead, *self.rows_and_columns((shape[-2], shape[-1])))

    def pixels_in(self, labels: Labels, frames: int) -> dict[int, int]:
        """Return how many pixels each cell has in it, by id."""
        shape = labels.shape[-2], labels.shape[-1]
        inside = labels[self.box(labels.shape, frames)][..., self.mask(shape)]
        ids, counts = np.unique(inside[inside > 0], return_counts=True)
        return dict(zip(ids.tolist(), counts.tolist(), strict=True))

    def __str__(self) -> str:
        """Return where it is, for the user."""
        if self.is_rectangle:
            (x0, x1), (y0, y1) = (sorted(at) for at in zip(*self.points, strict=True))
            text = f"rectangle x {x0:g} to {x1:g}, y {y0:g} to {y1:g} px"
        else:
            corners = "; ".join(f"{x:g}, {y:g}" for x, y in self.points)
            text = f"polygon with the corners (x, y) {corners} px"
        if self.frame is not None:
            text += f", time point {self.frame}"
        if self.plane is not None:
            text += f", plane {self.plane}"
        if self.contrast == "region":
            text += ", with its own contrast"
        if self.cell_at is not None:
            x, y = self.cell_at
            at = f"{x:g}, {y:g}"
            text += f", only the cell at (x, y) {at}"
        if self.cellprob is not None:
            text += f", found at a cell probability of {self.cellprob:g}"
        return text


def cells_in(labels: Labels, region: Region, frames: int) -> Labels:
    """Return only the cells that a run in ``region`` takes, numbered 1..N.

    ``labels`` are those of a run, of the shape of the masks; ``frames`` is the number
    of time points.
    """
    sizes = np.bincount(labels.ravel())
    if region.cell_at is not None:
        chosen = _at_point(labels, region, frames)
    else:
        inside = region.pixels_in(labels, frames)
        chosen = [cell for cell, n in inside.items() if 2 * n >= sizes[cell]]
    names = np.zeros(len(sizes), np.uint32)
    names[sorted(chosen)] = np.arange(1, len(chosen) + 1)
    return names[labels]


def _at_point(labels: Labels, region: Region, frames: int) -> list[int]:
    """Return the cell at the point of a region, or close to it; [] for none."""
    assert region.cell_at is not None
    x, y = region.cell_at
    width, height = np.ptp(region.points, axis=0)
    box = list(region.box(labels.shape, frames))
    # Only the plane of the point tells which cell of a stack is meant.
    if region.cell_plane is not None and len(box) > 2 + (frames > 1):
        box[-3] = slice(region.cell_plane - 1, region.cell_plane)
    rows, columns = box[-2:]
    part = labels[tuple(box)]
    where = np.nonzero(part)
    if not len(where[0]):
        return []
    away = np.hypot(where[-2] + rows.start - y, where[-1] + columns.start - x)
    nearest = int(np.argmin(away))
    reaches = away[nearest] <= min(width, height) / _REACH
    return [int(part[where][nearest])] if reaches else []
