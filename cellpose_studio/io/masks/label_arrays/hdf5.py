"""Label images that ilastik exports as HDF5."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.errors import MasksUnreadable
from cellpose_studio.io.images.stored_image import (
    refuse_beyond_memory,
    refuse_large_part,
)

_EXPORTED = "exported_data"
"""Name of the array, unless the user gave it another one."""

_ORDER = "TZCYX"


def hdf5_numbers(path: Path) -> tuple[npt.NDArray[Any], str]:
    """Return the only array of a file, or ilastik's, and the letters of its axes.

    Axes are in TZYX order and without those of length 1 but Y and X, where the file
    names them; else they are "?" beside Y and X.

    Raises
    ------
    MasksUnreadable
        If there is no such array, or it has several channels.
    """
    import pyfive

    with pyfive.File(path) as file:
        arrays = [name for name in file if isinstance(file[name], pyfive.Dataset)]
        name = _EXPORTED if _EXPORTED in arrays else "".join(arrays[:1])
        if not name or (name != _EXPORTED and len(arrays) > 1):
            raise MasksUnreadable(
                f"{path.name} holds {len(arrays)} arrays, and none is called "
                f"{_EXPORTED}.",
                "Export the object identities with ilastik's own name of the dataset.",
            )
        data = file[name]
        pixel = np.dtype(data.dtype).itemsize
        refuse_large_part(path, math.prod(data.chunks or (0,)) * pixel)
        refuse_beyond_memory(path, math.prod(data.shape) * pixel)
        axes = _axes(data.attrs, len(data.shape))
        numbers = np.asarray(data[...])
    if axes and "C" in axes and numbers.shape[axes.index("C")] > 1:
        raise MasksUnreadable(
            f"{path.name} has several channels, as probabilities have; a label image "
            "has one.",
            "Export the object identities.",
        )
    if not axes:
        return numbers, "?" * (numbers.ndim - 2) + "YX"
    order = sorted(range(len(axes)), key=lambda n: _ORDER.index(axes[n]))
    kept = [n for n in order if numbers.shape[n] > 1 or axes[n] in "YX"]
    shape = [numbers.shape[n] for n in kept]
    return numbers.transpose(order).reshape(shape), "".join(axes[n] for n in kept)


def _axes(attributes: Any, ndim: int) -> str:
    """Return the letters of all axes, "" where they are not said."""
    try:
        tags = json.loads(attributes["axistags"])
        axes = "".join(str(tag["key"]).upper() for tag in tags["axes"])
    except (KeyError, TypeError, ValueError):
        return ""
    known = len(axes) == ndim == len(set(axes)) and {"Y", "X"} <= set(axes)
    return axes if known and set(axes) <= set(_ORDER) else ""
