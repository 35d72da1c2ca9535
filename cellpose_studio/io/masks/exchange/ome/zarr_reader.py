"""Reads the labels of an OME-Zarr."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.errors import MasksUnreadable
from cellpose_studio.io.images.ome_zarr import open_ome_zarr
from cellpose_studio.io.images.stored_image import refuse_beyond_memory
from cellpose_studio.io.images.zarr_pixels import attributes, inner_folder

LABELS = "labels"


def label_folders(folder: Path) -> list[Path]:
    """Return the label images of an OME-Zarr image; none if it has none, or damaged."""
    group = folder / LABELS
    try:
        found = attributes(group)
        names = found.get("ome", found).get(LABELS) or []
        return [inner_folder(group, str(name)) for name in names]
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return []


def read_zarr_labels(folder: Path) -> tuple[npt.NDArray[np.generic], str]:
    """Return the values of a label image, and the letters of its axes, of TZYX.

    ``folder`` is the label image, or an image with exactly one.

    Raises
    ------
    MasksUnreadable
        If an image has none or several.
    ImageUnreadable, OSError
        If it is damaged.
    """
    inner = label_folders(folder)
    if len(inner) > 1:
        names = ", ".join(path.name for path in inner)
        raise MasksUnreadable(
            f"{folder.name} has several labels: {names}.",
            f"Choose one of the folders in {folder.name}/{LABELS}.",
        )
    if not inner and folder.parent.name != LABELS and not _is_label_image(folder):
        raise MasksUnreadable(
            f"{folder.name} has no labels.",
            "Open it as an image, or choose the folder of a label image.",
        )
    (stored,) = open_ome_zarr(inner[0] if inner else folder)
    axes, shape = stored.axes, stored.shape
    if "C" in axes and shape[axes.index("C")] > 1:
        raise MasksUnreadable(
            f"{folder.name} has {shape[axes.index('C')]} channels; a label image has "
            "one."
        )
    refuse_beyond_memory(folder, math.prod(shape) * np.dtype(stored.dtype).itemsize)
    values = stored.pixels.read(tuple(slice(0, n) for n in shape))
    order = sorted(range(len(axes)), key=lambda n: "TZCYX".find(axes[n]))
    kept = [n for n in order if shape[n] > 1 or axes[n] in "YX"]
    flat: npt.NDArray[Any] = values.transpose(order).reshape([shape[n] for n in kept])
    return flat, "".join(axes[n] for n in kept)


def _is_label_image(folder: Path) -> bool:
    found = attributes(folder)
    return "image-label" in found.get("ome", found)
