"""Operations on label images; each returns an edit and writes nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cellpose_studio.core.chunks import Labels
from cellpose_studio.core.edit import LabelEdit, edit_between


def delete_cells(labels: Labels, cells: Sequence[int]) -> LabelEdit:
    """Return the edit that makes background of ``cells``, in all planes."""
    name = "Delete cell" if len(cells) == 1 else f"Delete {len(cells)} cells"
    where = np.isin(labels, np.asarray(cells, labels.dtype))
    box = tuple(_extent(where, axis) for axis in range(labels.ndim))
    after = np.where(where[box], 0, labels[box]).astype(np.uint32)
    return edit_between(name, cells, labels, box, after)


def _extent(where: np.ndarray, axis: int) -> slice:
    """Return the part of an axis that anything true lies in."""
    others = tuple(n for n in range(where.ndim) if n != axis)
    found = np.flatnonzero(where.any(axis=others))
    return slice(int(found[0]), int(found[-1]) + 1) if len(found) else slice(0, 0)
