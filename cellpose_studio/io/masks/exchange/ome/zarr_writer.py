"""Masks as labels of an OME-Zarr, with the image that they belong to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from cellpose_studio.io.masks.exchange.colours import bright_colours
from cellpose_studio.io.masks.export_format import MasksToExport

if TYPE_CHECKING:  # zarr is slow to import
    import zarr

Array = npt.NDArray[Any]
Version = Literal["0.4", "0.5"]
Json = dict[str, Any]
Place = tuple[int, ...]
Read = Callable[[Place, slice], Array]
"""Reads rows (y, x) of a plane."""

Reduce = Callable[[Array, Place], Array]
"""Makes a coarser block with a step along each axis."""

NAME = "cells"
"""Name of the labels in their group."""

_LARGE = 512
"""Rows and columns beyond which there is a smaller copy as well."""

_CHUNK = 1024

_AT_ONCE = 1 << 25
"""Pixels of rows of a plane that are in memory."""

_SMALL = 2
"""Bytes of whole numbers of which the sum of a block fits into 32 bits."""

_KINDS = {"T": "time", "C": "channel"}

_RGB = ("FF0000", "00FF00", "0000FF")
_COLOURS = ("FFFFFF", "00FF00", "FF00FF", "00FFFF", "FFFF00", "FF0000")
"""Of channels for which the file of the image says none."""


def write_ome_zarr_05(folder: Path, masks: MasksToExport) -> None:
    """Write the image and its masks as OME-Zarr 0.5, which is Zarr 3."""
    _write(folder, masks, "0.5")


def write_ome_zarr_04(folder: Path, masks: MasksToExport) -> None:
    """Write the image and its masks as OME-Zarr 0.4, which is Zarr 2."""
    _write(folder, masks, "0.4")


def _write(folder: Path, masks: MasksToExport, version: Version) -> None:
    """Write an image group with ``labels/cells``, which keep the ids of the cells.

    Labels without their image are no valid OME-Zarr. Both have the same levels: each
    halves rows and columns, and planes as soon as they are no thicker than pixels are
    wide; labels take the first pixel of each block, images the mean.
    """
    import zarr

    image = masks.image
    root = zarr.open_group(folder, mode="w", zarr_format=3 if version == "0.5" else 2)
    axes = "".join(a for a in "TCZYX" if a in masks.axes or a == "C")
    shape = tuple(n for n, a in zip(image.shape, "TCZYX", strict=True) if a in axes)
    factors = _factors(masks)
    pixels = _levels(root, shape, axes, image.dtype, factors, version)
    _fill(pixels, _pixels_of(masks), axes, factors, _mean)
    _describe(
        root,
        version,
        multiscales=[_multiscale(image.path.stem, masks, axes, factors, version)],
        omero={"channels": _channels(masks, pixels[-1], axes)},
    )
    group = root.create_group("labels")
    _describe(group, version, labels=[NAME])
    inner = group.create_group(NAME)
    dtype = np.dtype(np.uint32)
    labels = masks.labels.astype(dtype, copy=False)
    arrays = _levels(inner, labels.shape, masks.axes, dtype, factors, version)

    def read(place: Place, rows: slice) -> Array:
        where: Any = (*place, rows)
        return labels[where]

    _fill(arrays, read, masks.axes, factors, _first)
    _describe(
        inner,
        version,
        multiscales=[_multiscale(NAME, masks, masks.axes, factors, version)],
        **{"image-label": _image_label(masks, version)},
    )


def _describe(group: zarr.Group, version: Version, **metadata: Any) -> None:
    """Write the metadata of a group, which version 0.5 nests one level deeper."""
    if version == "0.5":
        metadata = {"ome": {"version": version, **metadata}}
    group.attrs.update(metadata)


def _factors(masks: MasksToExport) -> list[tuple[int, int]]:
    """Return by what planes, and rows and columns, shrink from level to level."""
    _, _, planes, height, width = masks.image.shape
    thickness = masks.image.anisotropy or 1.0
    factors = []
    while max(height, width) > _LARGE:
        # A stack of few or thick planes would lose most of what it shows.
        z = 2 if thickness < 2 and planes >= min(height, width) / 2 else 1
        factors.append((z, 2))
        planes, height, width = (
            -(-n // f) for n, f in ((planes, z), (height, 2), (width, 2))
        )
        thickness *= z / 2
    return factors


def _of_axes(axes: str, factor: tuple[int, int]) -> tuple[int, ...]:
    z, plane = factor
    return tuple({"Z": z, "Y": plane, "X": plane}.get(axis, 1) for axis in axes)


def _levels(
    group: zarr.Group,
    shape: tuple[int, ...],
    axes: str,
    dtype: np.dtype[Any],
    factors: list[tuple[int, int]],
    version: Version,
) -> list[zarr.Array[Any]]:
    """Create the arrays of all levels."""
    from numcodecs import Blosc
    from zarr.codecs import BloscCodec

    more: Json = (
        {
            # Readers expect folders within folders, which Zarr 2 has not by itself.
            "chunk_key_encoding": {"name": "v2", "separator": "/"},
            "compressors": Blosc("zstd", clevel=1, shuffle=Blosc.SHUFFLE),
        }
        if version == "0.4"
        else {
            "dimension_names": [*axes.lower()],
            "compressors": BloscCodec(cname="zstd", clevel=1, shuffle="shuffle"),
        }
    )
    arrays = []
    for level in range(len(factors) + 1):
        if level:
            steps = _of_axes(axes, factors[level - 1])
            shape = tuple(-(-n // step) for n, step in zip(shape, steps, strict=True))
        chunks = (*(1 for _ in shape[:-2]), *(min(n, _CHUNK) for n in shape[-2:]))
        arrays.append(
            group.create_array(
                str(level),
                shape=shape,
                chunks=chunks,
                dtype=dtype,
                **more,
            )
        )
    return arrays


def _pixels_of(masks: MasksToExport) -> Read:
    """Return what reads rows of a plane of the image."""
    image = masks.image
    axes = [n for n, axis in enumerate("TCZ") if axis in masks.axes or axis == "C"]

    def read(place: Place, rows: slice) -> Array:
        at = [slice(0, 1)] * 3
        for axis, number in zip(axes, place, strict=True):
            at[axis] = slice(number, number + 1)
        found = image.reader.read((*at, rows, slice(0, image.shape[-1])))
        return found[0, 0, 0]

    return read


def _fill(
    levels: Sequence[zarr.Array[Any]],
    read: Read,
    axes: str,
    factors: Sequence[tuple[int, int]],
    reduce: Reduce,
) -> None:
    """Fill all levels from rows of the first one: a plane may be larger than memory.

    Levels come from rows that are in memory as long as planes are not joined, and rows
    fill whole chunks; those after that are read from the level before.
    """
    flat = next((n for n, (z, _) in enumerate(factors) if z > 1), len(factors))
    *lead, height, width = levels[0].shape
    near = 0
    while (_CHUNK << near) < height and (_CHUNK << near + 1) * width <= _AT_ONCE:
        near += 1
    if (rows := _CHUNK << near) >= height:
        near = flat
    near = min(near, flat)
    for place, top in product(np.ndindex(*lead), range(0, height, rows)):
        band = read(place, slice(top, min(top + rows, height)))
        levels[0][(*place, slice(top, top + len(band)))] = band
        start = top
        for level in levels[1 : near + 1]:
            band, start = reduce(band, (2, 2)), start // 2
            level[(*place, slice(start, start + len(band)))] = band
    for n in range(near, len(factors)):
        _halve(levels[n], levels[n + 1], _of_axes(axes, factors[n]), reduce)


def _halve(
    fine: zarr.Array[Any],
    coarse: zarr.Array[Any],
    steps: tuple[int, ...],
    reduce: Reduce,
) -> None:
    """Fill a level from the one before, some rows of a plane at a time."""
    *lead, height, _ = coarse.shape
    for place, top in product(np.ndindex(*lead), range(0, height, _CHUNK)):
        rows = slice(top, min(top + _CHUNK, height))
        spans = [slice(n * s, (n + 1) * s) for n, s in zip(place, steps, strict=False)]
        block = np.asarray(fine[(*spans, slice(2 * rows.start, 2 * rows.stop))])
        coarse[(*place, rows)] = reduce(block, steps)[(0,) * len(place)]


def _first(block: Array, steps: tuple[int, ...]) -> Array:
    return block[tuple(slice(None, None, step) for step in steps)]


def _mean(block: Array, steps: tuple[int, ...]) -> Array:
    """Return the mean of each block; at the border, what there is of it counts.

    Each step is 1 or 2. Means of whole numbers are rounded, halves up.
    """
    total, halvings = block, 0
    small = block.dtype.kind in "iu" and block.dtype.itemsize <= _SMALL
    wide = np.int32 if small else np.float64 if block.dtype.itemsize > 2 else np.float32
    for axis, step in enumerate(steps):
        if step == 1:
            continue
        if total.shape[axis] % 2:
            last = total.take([-1], axis)
            total = np.concatenate([total, last], axis)
        first, second = (
            total[(slice(None),) * axis + (slice(n, None, 2),)] for n in (0, 1)
        )
        total = np.add(first, second, dtype=wide)
        halvings += 1
    # Sums of whole numbers are shifted, which is many times as fast as to divide them.
    if small:
        return (total + (1 << halvings >> 1) >> halvings).astype(block.dtype)
    mean: Array = total / 2**halvings
    whole = block.dtype.kind in "iu"
    return (np.floor(mean + 0.5) if whole else mean).astype(block.dtype)


def _multiscale(
    name: str,
    masks: MasksToExport,
    axes: str,
    factors: list[tuple[int, int]],
    version: Version,
) -> Json:
    z, y, x = masks.image.pixel_size_um
    known = bool(x and y)
    size = {"Z": z or (y or 1.0) * (masks.image.step_ratio or 1.0), "Y": y, "X": x}
    interval = masks.image.interval_s
    size["T"] = interval
    base = [size.get(axis) or 1.0 for axis in axes]
    length = "micrometer" if known else ""
    units = {**dict.fromkeys("ZYX", length), "T": "second" if interval else ""}
    total = [1] * len(axes)
    datasets = []
    for level in range(len(factors) + 1):
        if level:
            steps = _of_axes(axes, factors[level - 1])
            total = [n * step for n, step in zip(total, steps, strict=True)]
        both = [*zip(base, total, strict=True)]
        # The centre of the first pixel lies in the middle of those that it stands for.
        first = [one * (n - 1) / 2 for one, n in both]
        datasets.append(
            {
                "path": str(level),
                "coordinateTransformations": [
                    {"type": "scale", "scale": [one * n for one, n in both]},
                    {"type": "translation", "translation": first},
                ],
            }
        )
    return {
        **({"version": version} if version == "0.4" else {}),
        "name": name,
        "axes": [
            {
                "name": axis.lower(),
                "type": _KINDS.get(axis, "space"),
                **({"unit": units[axis]} if units.get(axis) else {}),
            }
            for axis in axes
        ],
        "datasets": datasets,
    }


def _image_label(masks: MasksToExport, version: Version) -> Json:
    colours = bright_colours(masks.count).tolist()
    cells = zip(masks.ids[1:].tolist(), colours, strict=True)
    return {
        **({"version": version} if version == "0.4" else {}),
        "colors": [
            {"label-value": 0, "rgba": [0, 0, 0, 0]},
            *({"label-value": cell, "rgba": [*rgb, 255]} for cell, rgb in cells),
        ],
        **_properties(masks),
        "source": {"image": "../../"},
    }


def _properties(masks: MasksToExport) -> Json:
    """Return the classes of cells, in a project that has classes."""
    if not masks.class_names:
        return {}
    return {
        "properties": [
            {"label-value": cell, "class": masks.classes.get(cell, ("", ""))[0]}
            # Readers want the same labels as have colours, the background among them.
            for cell in masks.ids.tolist()
        ]
    }


def _channels(masks: MasksToExport, small: zarr.Array[Any], axes: str) -> list[Json]:
    """Return names, colours and contrast, the last from the smallest level."""
    image = masks.image
    colours = _RGB if image.rgb else _COLOURS
    channels = []
    for n, name in enumerate(image.channel_names):
        pixels = np.asarray(small[(slice(None),) * axes.index("C") + (n,)])
        # JSON has no NaN and no infinity, and a channel may hold nothing else.
        seen = pixels[np.isfinite(pixels)]
        low, high = (float(seen.min()), float(seen.max())) if seen.size else (0.0, 1.0)
        channels.append(
            {
                "label": name,
                "color": colours[n % len(colours)],
                "active": True,
                "window": {"min": low, "max": high, "start": low, "end": high},
            }
        )
    return channels
