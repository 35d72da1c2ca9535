"""Gives the cells of a label image other ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.compiling.compiled import compiled
from cellpose_studio.core.masks.chunks import EmptyLabels, Labels, in_memory

if TYPE_CHECKING:
    # `compiled` provides it at run time.
    import numba

AnyLabels = npt.NDArray[np.integer]
Ids = npt.NDArray[np.uint32]


def map_ids(
    labels: Labels, names: dict[int, int], empty: EmptyLabels = in_memory
) -> Labels:
    """Return labels with other ids; ``names`` maps every id but the background.

    ``empty`` makes the array.
    """
    ids = np.fromiter(names.keys(), np.uint32, len(names))
    others = np.fromiter(names.values(), np.uint32, len(names))
    result = empty(labels.shape)
    flat = np.ascontiguousarray(labels).reshape(-1)
    _rename(flat, ids, others, result.reshape(-1))
    return result


def only(
    labels: AnyLabels, cells: Sequence[int], empty: EmptyLabels = in_memory
) -> Labels:
    """Return labels without all but some cells; ``empty`` makes the array."""
    return _chosen(labels, cells, True, empty)


def without(
    labels: AnyLabels, cells: Sequence[int], empty: EmptyLabels = in_memory
) -> Labels:
    """Return labels without some cells; ``empty`` makes the array."""
    return _chosen(labels, cells, False, empty)


def _chosen(
    labels: AnyLabels, cells: Sequence[int], keep: bool, empty: EmptyLabels
) -> Labels:
    result = empty(labels.shape)
    flat = np.ascontiguousarray(labels, np.uint32).reshape(-1)
    _choose(flat, np.array(cells, np.uint32), keep, result.reshape(-1))
    return result


@compiled
def _choose(labels: Labels, cells: Ids, keep: bool, kept: Labels) -> None:
    known = numba.typed.Dict.empty(numba.uint32, numba.boolean)
    for n in range(len(cells)):
        known[cells[n]] = True
    size, at = len(labels), 0
    while at < size:
        cell = labels[at]
        name = cell if (cell in known) == keep else np.uint32(0)
        while at < size and labels[at] == cell:
            kept[at] = name
            at += 1


@compiled
def _rename(labels: Labels, ids: Ids, others: Ids, renamed: Labels) -> None:
    names = numba.typed.Dict.empty(numba.uint32, numba.uint32)
    for n in range(len(ids)):
        names[ids[n]] = others[n]
    size, at = len(labels), 0
    # Runs of equal pixels share one slow dictionary look-up.
    while at < size:
        cell = labels[at]
        name = names[cell] if cell != 0 else cell
        while at < size and labels[at] == cell:
            renamed[at] = name
            at += 1
