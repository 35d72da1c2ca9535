"""Masks of Cell-ACDC: an array of NumPy's in a ZIP."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.errors import MasksUnreadable
from cellpose_studio.io.images.stored_image import refuse_beyond_memory

_FIRST = "arr_0.npy"
"""What NumPy calls an array that was given no name, as those of Cell-ACDC."""

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def npz_numbers(path: Path) -> npt.NDArray[Any]:
    """Return the only array of a ``.npz``, or the one without a name.

    Raises
    ------
    MasksUnreadable
        If it has several others, or objects, which could run code.
    """
    with ZipFile(path) as archive:
        arrays = [name for name in archive.namelist() if name.endswith(".npy")]
        name = _FIRST if _FIRST in arrays else arrays[0] if len(arrays) == 1 else ""
        if not name:
            raise MasksUnreadable(
                f"{path.name} holds {len(arrays)} arrays, and none is called arr_0.",
                "Save the masks as a file of their own.",
            )
        with archive.open(name) as file:
            # Anything can be declared before it is read.
            version = np.lib.format.read_magic(file)
            shape, _, dtype = _HEADERS[version](file)
            if dtype.hasobject:
                raise MasksUnreadable(
                    f"{path.name} holds objects, which could run code. It was not "
                    "opened."
                )
            refuse_beyond_memory(path, math.prod(shape) * dtype.itemsize)
        with archive.open(name) as file:
            numbers: npt.NDArray[Any] = np.lib.format.read_array(
                file, allow_pickle=False
            )
    return numbers
