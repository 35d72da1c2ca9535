"""Masks imported from a file, and the validation of label images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.errors import MasksUnreadable
from cellpose_studio.core.masks.chunks import copied
from cellpose_studio.core.masks.labels import cell_count
from cellpose_studio.core.review.training_marks import pack_mask
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.io.masks.mapped import empty_labels

_LARGEST_ID = int(np.iinfo(np.uint32).max)


@dataclass(frozen=True, eq=False, kw_only=True)
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
    unlabelled
        Pixels, as wide as ``labels``, that the file says nobody has annotated; 0 in
        ``labels``. None where it says nothing of that kind.
    axes
        What the axes of ``labels`` are, of TZYX; "" where the file does not say.
    mothers
        The mother of each cell that came from a division; empty where none are said.
    remarks
        What was left out or changed when the file was read, one sentence each.
    """

    labels: npt.NDArray[np.uint32]
    flows: Flows | None
    path: Path
    details: dict[str, object] = field(default_factory=dict)
    unlabelled: npt.NDArray[np.bool_] | None = None
    axes: str = ""
    mothers: Mapping[int, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @cached_property
    def packed_unlabelled(self) -> str:
        """What is not annotated, as `pack_mask` has it; "" for nothing."""
        return "" if self.unlabelled is None else pack_mask(self.unlabelled)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user has to know about these masks, one sentence each."""
        notes = [*self.remarks]
        if self.unlabelled is not None:
            part = self.unlabelled.mean()
            notes.append(
                f"{self.path.name} marks {part:.0%} of the pixels as not annotated "
                "(-1); they are shown as background, and ignored in training."
            )
        if self.foreground_only:
            notes.append(self.foreground_reason)
        return tuple(notes)

    @cached_property
    def foreground_only(self) -> bool:
        """Whether one number is given to several parts, as of foreground."""
        top = int(self.labels.max(initial=0))
        if top not in _FOREGROUND or np.any((self.labels != 0) & (self.labels != top)):
            return False
        from scipy.ndimage import label

        # A single cell may be in some pieces, but has hardly the number 255.
        return int(label(self.labels)[1]) >= _FOREGROUND[top]

    @property
    def foreground_reason(self) -> str:
        """Say what `foreground_only` means."""
        return (
            f"{self.path.name} holds 0 and {self.labels.max()} only: it says where "
            "cells are, but not which pixels belong to which cell."
        )


FOREGROUND_HINT = (
    "Give each cell a number of its own, as Connected Components Labeling of Fiji does."
)

# A single cell has the number 1 as a rule, and may be in pieces. This number therefore
# needs more parts than the others.
_FOREGROUND = {1: 5, 255: 2, 65535: 2}
"""Numbers that mean foreground, and how many parts they are in then at least."""


_SPREAD = 257
"""Factor by which programs make 16 bits of 8: 255 becomes 65535."""

_BLOCK = 2**18
"""Pixels that are looked at before the next ones are."""


def label_image(values: npt.NDArray[Any], path: Path) -> ImportedMasks:
    """Return the masks of a label image, in which -1 is what nobody has annotated.

    Numbers that were spread from 8 to 16 bits, as CellProfiler does, are brought back,
    which a remark says.

    Raises
    ------
    MasksUnreadable
        As `as_labels` does.
    """
    remarks: tuple[str, ...] = ()
    if _is_spread(values):
        values = values // _SPREAD
        remarks = (
            f"All numbers in {path.name} are multiples of {_SPREAD}, as if 8 bits had "
            "been spread over 16; they were divided by it.",
        )
    # Unsigned numbers cannot be -1, and a comparison would only cost time.
    marked = values == -1 if values.dtype.kind in "if" else None
    if marked is None or not marked.any():
        labels = as_labels(values, path)
        return ImportedMasks(labels=labels, flows=None, path=path, remarks=remarks)
    labels = as_labels(np.where(marked, values.dtype.type(0), values), path)
    unlabelled = marked.reshape(labels.shape)
    return ImportedMasks(labels=labels, flows=None, path=path, unlabelled=unlabelled)


def _is_spread(values: npt.NDArray[Any]) -> bool:
    """Return whether several numbers are all those of 8 bits made into 16."""
    if values.dtype != np.uint16 or not values.size or values.flat[0] % _SPREAD:
        return False
    # Most masks end here, at their first cells.
    flat = values.reshape(-1)
    starts = range(0, flat.size, _BLOCK)
    if any(np.any(flat[at : at + _BLOCK] % _SPREAD) for at in starts):
        return False
    # A single one is foreground rather, and has an advice of its own.
    return bool(cell_count(values) > 1)


def as_labels(values: npt.NDArray[Any], path: Path) -> npt.NDArray[np.uint32]:
    """Return a copy of ``values`` as labels, without leading axes of length 1.

    Background may be -1, as in old files of Cellpose's own format: then 1 is added
    to all.

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
    # In the type of the file, the highest value plus 1 could overflow.
    return copied(values.astype(np.int64) + 1 if shift else values, empty_labels)


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
    # Minimum and maximum are nan if any value is, so these two speak for all values.
    finite = bool(np.isfinite(lowest) and np.isfinite(highest))
    return finite and bool(np.array_equal(values, np.rint(values)))


def _not_masks(path: Path, reason: str) -> MasksUnreadable:
    return MasksUnreadable(
        f"{path.name} is not a label image: {reason}.",
        "A label image has one whole number per pixel: 0 for background, and "
        "another one for each cell.",
    )
