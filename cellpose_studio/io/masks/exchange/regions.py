"""Regions of files, and the masks that they are drawn as."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.errors import MasksUnreadable
from cellpose_studio.core.wording import counted
from cellpose_studio.io.images.stored_image import refuse_beyond_memory
from cellpose_studio.io.masks.exchange.extent import ImageExtent
from cellpose_studio.io.masks.imported import ImportedMasks

Ring = npt.NDArray[np.float64]
"""(N, 2) of (x, y) of a closed line; pixel (0, 0) reaches from (0, 0) to (1, 1)."""

_HIGHEST = 2**32 - 1

_CORNERS = 360
"""Of the line around an ellipse."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Region:
    """Pixels of one cell in one plane.

    Attributes
    ----------
    cell
        Id that the file gives it; None if it gives none.
    t, z
        Time point and plane from 0 on; None for all of them.
    areas
        Closed lines, of which each group encloses the pixels that lie within an odd
        number of its lines.
    runs
        Instead of lines: lengths of background and cell in turn, down the columns.
    """

    cell: int | None = None
    t: int | None = 0
    z: int | None = 0
    areas: Sequence[Sequence[Ring]] = ()
    runs: npt.NDArray[np.int64] | None = None


def ellipse(low: npt.NDArray[np.float64], high: npt.NDArray[np.float64]) -> Ring:
    """Return the line around the ellipse in the box from (x, y) ``low`` to ``high``."""
    angle = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    line: Ring = (low + high) / 2 + circle * (high - low) / 2
    return line


@dataclass
class FoundRegions:
    """The regions of a file.

    Attributes
    ----------
    regions
        In the order of the file.
    left_out
        How many others there are, by what they are: "point", "line".
    """

    regions: list[Region] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def draw_regions(found: FoundRegions, extent: ImageExtent, path: Path) -> ImportedMasks:
    """Return regions as masks of an image; later ones are drawn over earlier ones.

    Cells keep the ids of the file if it gives one to each region, and no two of a plane
    the same; otherwise they are numbered from 1 in the order of the file.

    Raises
    ------
    MasksUnreadable
        If there is no region, or none lies within the image.
    NotEnoughMemory
        If the masks of the image would exceed it.
    """
    from cellpose_studio.core.masks.fill import fill_rings, fill_runs

    regions = found.regions
    if not regions:
        raise MasksUnreadable(f"{path.name} contains no regions with an area.")
    size = math.prod(extent.label_shape) * 4
    refuse_beyond_memory(path, size)
    labels = np.zeros((extent.frames, extent.planes, extent.height, extent.width), "u4")
    overlapping = outside = 0
    for cell, region in zip(_ids(regions), regions, strict=True):
        inside = taken = 0
        for t in _range(region.t, extent.frames):
            for z in _range(region.z, extent.planes):
                for rings in region.areas:
                    starts = np.cumsum([0, *map(len, rings)])
                    points = np.concatenate(rings)
                    counts = fill_rings(labels[t, z], cell, points, starts)
                    inside, taken = inside + counts[0], taken + counts[1]
                if region.runs is not None:
                    counts = fill_runs(labels[t, z], cell, region.runs)
                    inside, taken = inside + counts[0], taken + counts[1]
        overlapping += taken > 0
        outside += inside == 0
    if outside == len(regions):
        raise MasksUnreadable(
            f"No region of {path.name} contains a pixel of the image.",
            "Check that they belong together.",
        )
    masks = ImportedMasks(
        labels=labels.reshape(extent.label_shape),
        flows=None,
        path=path,
        axes=extent.label_axes,
    )
    remarks = _remarks(path, found.left_out, overlapping, outside)
    return replace(masks, remarks=tuple(remarks))


def _ids(regions: Sequence[Region]) -> Sequence[int]:
    """Return the id of each region."""
    given = [region.cell or 0 for region in regions]
    places = {(region.cell, region.t, region.z) for region in regions}
    if min(given) > 0 and max(given) <= _HIGHEST and len(places) == len(regions):
        return given
    return range(1, len(regions) + 1)


def _range(index: int | None, length: int) -> range:
    """Return the indices that a position stands for; none if it is beyond the axis."""
    if index is None:
        return range(length)
    return range(index, index + 1) if 0 <= index < length else range(0)


def _remarks(
    path: Path, left_out: Counter[str], overlapping: int, outside: int
) -> Iterator[str]:
    if left_out:
        names = ", ".join(counted(n, name) for name, n in sorted(left_out.items()))
        yield f"{path.name}: {names} left out, because only areas can be cells."
    if overlapping:
        regions = counted(overlapping, "region")
        yield (
            f"{path.name}: {regions} drawn over others; pixels that belong to several "
            "regions went to the last of them."
        )
    if outside:
        regions = counted(outside, "region")
        yield f"{path.name}: {regions} outside of the image left out."
