"""Delete, merge and renumber cells as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.edits.changes import At, Changes, cell_mask
from cellpose_studio.core.masks.cell_table import Box, CellTable
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.edit import LabelEdit


def delete_cells(
    labels: Labels,
    table: CellTable,
    cells: Sequence[int],
    at: At = (),
    checkpoint: Checkpoint | None = None,
) -> LabelEdit:
    """Return the edit that deletes cells."""
    name = "Delete cell" if len(cells) == 1 else f"Delete {len(cells)} cells"
    return _become(labels, table, cells, 0, at, checkpoint).edit(name, cells)


def merge_cells(
    labels: Labels, table: CellTable, cells: Sequence[int], at: At = ()
) -> LabelEdit:
    """Return the edit that makes one cell of several; it has the id of the first.

    Pixels between them are not changed.
    """
    changes = _become(labels, table, cells[1:], cells[0], at)
    return changes.edit("Merge cells", cells)


def groups_of(labels: Labels, table: CellTable, cells: Sequence[int]) -> int:
    """Return into how many groups cells fall that touch, be it at a corner.

    Of a stack, cells touch where their pixels in neighbouring planes do, too. A cell of
    several pieces counts as one: it was so before.
    """
    boxes = [table.box(cell) for cell in cells]
    groups = list(range(len(cells)))
    for a, b in combinations(range(len(cells)), 2):
        apart = groups[a] != groups[b]
        if apart and _touch(labels, cells[a], cells[b], boxes[a], boxes[b]):
            groups = [groups[a] if one == groups[b] else one for one in groups]
    return len(set(groups))


def _touch(labels: Labels, one: int, other: int, box: Box, of_other: Box) -> bool:
    """Return whether two cells have pixels beside each other."""
    from scipy.ndimage import binary_dilation

    # The overlap of both boxes, each a pixel larger, holds all pixels that may touch.
    both = zip(box, of_other, labels.shape, strict=True)
    part = tuple(
        slice(max(a.start, b.start, 1) - 1, min(a.stop, b.stop, size - 1) + 1)
        for a, b, size in both
    )
    if any(side.start >= side.stop for side in part):
        return False
    pixels = labels[part]
    around = binary_dilation(pixels == one, np.ones((3,) * labels.ndim, bool))
    return bool((around & (pixels == other)).any())


def remove_at_border(
    labels: Labels,
    table: CellTable,
    axes: int = 2,
    checkpoint: Checkpoint | None = None,
) -> LabelEdit:
    """Return the edit that removes cells that touch the border of the image.

    ``axes`` is the number of trailing axes that have a border: 3 in volumes.
    """
    cells = table.at_border(axes).tolist()
    changes = _become(labels, table, cells, 0, checkpoint=checkpoint)
    return changes.edit("Remove cells at the border", cells)


def remove_small(
    labels: Labels,
    table: CellTable,
    min_size: int,
    checkpoint: Checkpoint | None = None,
) -> LabelEdit:
    """Return the edit that removes cells of fewer pixels, in all planes together."""
    cells = table.smaller_than(min_size).tolist()
    changes = _become(labels, table, cells, 0, checkpoint=checkpoint)
    return changes.edit(f"Remove cells below {min_size} px", cells)


def relabel_sequential(table: CellTable) -> dict[int, int]:
    """Return the new id of each cell, 1..N in the order of their ids.

    It is the only operation that reuses ids: a cell may get one that another had.
    """
    return {cell: n for n, cell in enumerate(table.ids().tolist(), start=1)}


def _become(
    labels: Labels,
    table: CellTable,
    cells: Sequence[int],
    value: int,
    at: At = (),
    checkpoint: Checkpoint | None = None,
) -> Changes:
    checkpoint = checkpoint or Checkpoint()
    changes = Changes(labels, at)
    for n, cell in enumerate(cells):
        checkpoint.reached(n, len(cells), "cell")
        changes.put(*cell_mask(labels, table, cell, at), value, protect=False)
    return changes
