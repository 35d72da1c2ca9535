"""What a user has changed by hand between two label images with the same ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.matching.compare import shared_pixels
from cellpose_studio.core.provenance.hand_edits import HandEdits
from cellpose_studio.core.provenance.revision import LabelRevision


@dataclass(frozen=True)
class HandChanges:
    """Cells that are not as they were.

    Attributes
    ----------
    drawn, edited
        Ids after. Half or more of a drawn cell lies where no cell was; others that
        got or lost pixels were edited.
    deleted
        Ids before, of cells of which half or more is background now. Cells that were
        merged with others, or painted over, are not among them.
    """

    drawn: frozenset[int]
    edited: frozenset[int]
    deleted: frozenset[int]


def hand_changes(before: Labels, after: Labels, table: CellTable) -> HandChanges:
    """Compare label images; ``table`` is that of ``after``."""
    olds, news, pixels = shared_pixels(before, after)
    sizes = Counter[int]()
    for old, count in zip(olds.tolist(), pixels.tolist(), strict=True):
        sizes[old] += count
    differs = olds != news
    olds, news, pixels = olds[differs], news[differs], pixels[differs]
    changed = {int(cell) for cell in (*olds, *news) if table.size_of(int(cell))}
    got = _per_cell(news[olds == 0], pixels[olds == 0])
    drawn = {n for n, count in got.items() if 2 * count >= table.size_of(n)}
    lost = _per_cell(olds[news == 0], pixels[news == 0])
    deleted = {n for n, count in lost.items() if 2 * count >= sizes[n]}
    return HandChanges(frozenset(drawn), frozenset(changed - drawn), frozenset(deleted))


def hand_edits_since(
    base: LabelRevision | None,
    before: Callable[[LabelRevision], Labels],
    present: Labels,
    table: CellTable,
) -> HandEdits:
    """Return what was made by hand of masks since a revision, and before it.

    Parameters
    ----------
    base
        The last revision that no edit made; None where all was drawn by hand.
    before
        Reads the pixels of a revision.
    table
        That of ``present``.
    """
    there = frozenset(table.ids().tolist())
    if base is None:
        return HandEdits(drawn=there)
    known = HandEdits.of_details(base.details)
    changes = hand_changes(before(base), present, table)
    drawn = (known.drawn | changes.drawn) & there
    edited = (known.edited | changes.edited) & there - drawn
    deleted = dict(known.deleted)
    if changes.deleted:
        deleted[base.id] = tuple(sorted(changes.deleted))
    return HandEdits(
        drawn=drawn,
        edited=edited,
        linked=(known.linked & there) - drawn - edited,
        deleted=deleted,
    )


def _per_cell(
    cells: npt.NDArray[np.uint32], pixels: npt.NDArray[np.int64]
) -> dict[int, int]:
    """Return pixels by cell; each cell occurs once."""
    return dict(zip(cells.tolist(), pixels.tolist(), strict=True))
