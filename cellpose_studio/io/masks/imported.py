"""Masks imported from a file, and the validation of label images."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.errors import MasksUnreadable
from cellpose_studio.core.runs.flows import Flows

_LARGEST_ID = int(np.iinfo(np.uint32).max)


@dataclass(frozen=True, eq=False)
class ImportedMasks:
    """A label image of a file, with the other content of the file.

    Attributes
    ----------
    labels
        uint32, YX, ZYX, TYX or TZYX without axes of length 1; ids as in the file.
    flows
        Output of the network, at the size of ``labels``; thresholds cannot be changed
        if it is None.
    details
        The rest of the content, under Cellpose's names:
        ``flow_threshold``, ``diameter``, ``model_path``, ``manual_changes`` …
    path
        The file.
    """

    labels: npt.NDArray[np.uint32]
    flows: Flows | None
    path: Path
    details: dict[str, object] = field(default_factory=dict)


def as_labels(values: npt.NDArray[Any], path: Path) -> npt.NDArray[np.uint32]:
    """Return a copy of ``values`` as labels, without leading axes of length 1.

    A background of -1, as in old Cellpose files, is corrected by adding 1.

    Raises
    ------
    MasksUnreadable
        If they are not whole numbers from 0, or do not have 2 to 4 axes.
    """
    while values.ndim > 2 and values.shape[0] == 1:
        values = values[0]
    if not 2 <= values.ndim <= 4 or values.size == 0:
        raise _not_masks(path, f"it has the shape {values.shape}")
    if values.dtype.kind not in "biuf":
        raise _not_masks(path, f"it holds values of type {values.dtype}")
    lowest, highest = values.min(), values.max()
    if values.dtype.kind == "f" and not _whole(values, lowest, highest):
        raise _not_masks(path, "not all of its values are whole numbers")
    if lowest < -1:
        raise _not_masks(path, "it holds negative numbers")
    shift = 1 if lowest == -1 else 0
    if int(highest) + shift > _LARGEST_ID:
        raise _not_masks(path, f"it holds numbers beyond {_LARGEST_ID}")
    return (values.astype(np.int64) + 1 if shift else values).astype(np.uint32)


def to_json_values(value: Any) -> Any:
    """Return details of a file as values that JSON can represent."""
    if isinstance(value, dict):
        return {str(key): to_json_values(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [to_json_values(part) for part in value]
    if isinstance(value, np.ndarray | np.generic):
        return to_json_values(value.tolist())
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def _whole(values: npt.NDArray[Any], lowest: Any, highest: Any) -> bool:
    """Return whether no value is a fraction, infinite or missing."""
    finite = bool(np.isfinite(lowest) and np.isfinite(highest))
    return finite and bool(np.array_equal(values, np.rint(values)))


def _not_masks(path: Path, reason: str) -> MasksUnreadable:
    return MasksUnreadable(
        f"{path.name} is not a label image: {reason}.",
        "A label image has one whole number per pixel: 0 for background, and "
        "another one for each cell.",
    )
