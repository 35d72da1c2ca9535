"""Reads masks: label images, regions, and Cellpose's own result files."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.errors import (
    ImageUnreadable,
    MasksUnreadable,
    NotEnoughMemory,
)
from cellpose_studio.io.images.png_jpeg import declared_size
from cellpose_studio.io.images.stored_image import (
    refuse_beyond_memory,
    refuse_large_part,
)
from cellpose_studio.io.images.tiff.check import refuse_large_tiles
from cellpose_studio.io.images.tiff.imagej import calibration_offset, is_plain_stack
from cellpose_studio.io.masks.exchange.extent import ImageExtent
from cellpose_studio.io.masks.exchange.ome.zarr_reader import read_zarr_labels
from cellpose_studio.io.masks.exchange.region_files import SUFFIXES as REGIONS
from cellpose_studio.io.masks.exchange.region_files import read_regions
from cellpose_studio.io.masks.exchange.tracks.challenge_reader import (
    is_tracks_path,
    read_tracks,
)
from cellpose_studio.io.masks.imported import ImportedMasks, label_image
from cellpose_studio.io.masks.label_arrays.hdf5 import hdf5_numbers
from cellpose_studio.io.masks.label_arrays.npz import npz_numbers
from cellpose_studio.io.masks.label_arrays.png import png_numbers
from cellpose_studio.io.masks.seg_npy import read_seg
from cellpose_studio.paths import is_folder, special_kind

if TYPE_CHECKING:
    from tifffile import TiffPageSeries

ZARR = ".zarr"

SUFFIXES = (".tif", ".tiff", ".png", ".npy", ".npz", ".h5", ZARR, *REGIONS)
"""Files, and folders of OME-Zarr, that may hold masks, in lower case."""

_GREYS = (0, 1)
"""Photometric interpretations of TIFF 6.0 for grey values."""

_WITH_ALPHA = 2
"""Samples of a pixel that is a number and its transparency."""


def read_masks(path: Path, extent: ImageExtent | None = None) -> ImportedMasks:
    """Read a label image (TIFF, PNG, OME-Zarr, npz, HDF5), regions, or a ``_seg.npy``.

    ``extent`` is that of the image, which most files of regions do not say.

    Raises
    ------
    MasksUnreadable
        If the file is missing, damaged, or not a label image.
    """
    if kind := special_kind(path):
        raise MasksUnreadable(f"{path.name} is {kind}, not a file of masks.")
    if is_tracks_path(path):
        return read_tracks(path)
    suffix = ZARR if is_folder(path) else path.suffix.lower()
    if suffix in REGIONS:
        return read_regions(path, extent)
    if suffix not in SUFFIXES:
        if not (suffix or path.exists()):
            raise MasksUnreadable(f"{path.name} does not exist.")
        raise MasksUnreadable(
            f"Masks cannot be read from files like {path.name}.",
            "Choose a TIFF, PNG or OME-Zarr, a _seg.npy file of Cellpose, a _segm.npz "
            "of Cell-ACDC, an .h5 of ilastik, or regions of ImageJ (.zip), QuPath "
            "(.geojson) or COCO (.json), or a folder of the Cell Tracking Challenge.",
        )
    if suffix == ".npy":
        return read_seg(path)
    values, axes = _pixels(path, suffix)
    masks = label_image(values, path)
    known = len(axes) == masks.labels.ndim and set(axes) <= set("TZYX")
    return replace(masks, axes=axes if known else "")


def _pixels(path: Path, suffix: str) -> tuple[npt.NDArray[Any], str]:
    """Return the values, and the letters of their axes."""
    try:
        if suffix == ZARR:
            return read_zarr_labels(path)
        if suffix == ".npz":
            return npz_numbers(path), ""
        if suffix == ".h5":
            return hdf5_numbers(path)
        return (_png(path), "YX") if suffix == ".png" else _tiff(path)
    except (MasksUnreadable, NotEnoughMemory):
        raise
    except ImageUnreadable as error:
        raise MasksUnreadable(error.message, error.hint, error.command_hint) from error
    except OSError as error:
        raise MasksUnreadable(
            f"{path.name} cannot be opened: {error.strerror or error}."
        ) from error
    # Damaged files can make the decoders raise any exception.
    except Exception as error:
        raise MasksUnreadable(f"{path.name} is damaged, or not an image.") from error


def _png(path: Path) -> npt.NDArray[Any]:
    content = path.read_bytes()
    refuse_large_part(path, declared_size(content))
    numbers = png_numbers(content)
    if numbers is None:
        raise _colour(path)
    return numbers


def _tiff(path: Path) -> tuple[npt.NDArray[Any], str]:
    import tifffile

    with tifffile.TiffFile(path) as tiff:
        images = [one for one in tiff.series if not one.keyframe.is_reduced]
        parts = [_series(one, path) for one in images or tiff.series]
        offset = calibration_offset(tiff.imagej_metadata or {})
    if len({part.shape for part, _ in parts}) > 1:
        raise MasksUnreadable(
            f"{path.name} holds {len(parts)} images of different sizes.",
            "Save the one that holds the masks as a file of its own.",
        )
    # Programs that write page by page describe each plane as an image of its own.
    values, axes = parts[0]
    if len(parts) > 1:
        values, axes = np.stack([part for part, _ in parts]), "?" + axes
    # Unsigned values would wrap around below 0.
    return (values.astype(np.int64) + offset if offset else values), axes


def _series(series: TiffPageSeries, path: Path) -> tuple[npt.NDArray[Any], str]:
    """Read one image of a file, without axes of length 1, and the letters of others."""
    axes, shape, samples = series.axes, series.shape, 0
    if "S" in axes and not _planes_stored_as_colours(axes, series.dtype):
        samples = shape[axes.index("S")]
        if series.keyframe.photometric not in _GREYS or samples > _WITH_ALPHA:
            raise _colour(path)
    if "C" in axes and shape[axes.index("C")] > 1:
        raise MasksUnreadable(
            f"{path.name} has {shape[axes.index('C')]} channels; a label image has "
            "one.",
            "Save the channel that holds the masks as a file of its own.",
        )
    refuse_large_tiles([page for page in series if page is not None], path)
    pixel = np.dtype(series.dtype or np.uint8).itemsize
    refuse_beyond_memory(path, math.prod(series.shape) * pixel)
    pixels = series.asarray()
    if samples:
        pixels = pixels.take(0, axis=axes.index("S"))
        axes = axes.replace("S", "")
    shape = pixels.shape
    order = sorted(range(len(axes)), key=lambda n: "TZCSYX".find(axes[n]))
    # Inner axes of length 1 (a channel between planes and rows) go as well.
    kept = [n for n in order if shape[n] > 1 or axes[n] in "YX"]
    values = pixels.transpose(order).reshape([shape[n] for n in kept])
    letters = "".join(axes[n] for n in kept)
    if series.kind == "imagej":
        # A sequence of any kind is slices to ImageJ, unless it was said to be more.
        plain = is_plain_stack(series.keyframe.parent.imagej_metadata or {})
        letters = letters.replace("Z", "?") if plain and "T" not in letters else letters
    return values, letters


def _planes_stored_as_colours(axes: str, dtype: np.dtype[Any] | None) -> bool:
    """Return whether the colours are actually planes of labels.

    Cellpose writes a stack of 3 or 4 planes without axes, which TIFF writers store as
    a colour image with separate colour planes. Its labels have 16 or 32 bits.
    """
    return axes[0] == "S" and dtype is not None and dtype.itemsize > 1


def _colour(path: Path) -> MasksUnreadable:
    return MasksUnreadable(
        f"{path.name} is a colour image, not a label image.",
        "A label image has numbers: 0 for background, 1, 2, 3 … for cells.",
    )
