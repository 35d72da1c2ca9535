"""What a user has made of masks by hand, found from their pixels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

import numpy as np
import numpy.typing as npt

from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.project.project import Project
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.chunks import Labels, pieces
from cellpose_studio.core.masks.labels import pixels_where
from cellpose_studio.core.masks.map_ids import only
from cellpose_studio.core.matching.hand_changes import hand_edits_since
from cellpose_studio.core.provenance.hand_edits import HandEdits
from cellpose_studio.io.project.tables.revision_source import read_edited_from
from cellpose_studio.io.project.tables.revisions import read_revision


def hand_edits(
    project: Project, masks: LabelSet, present: Labels, table: CellTable
) -> HandEdits:
    """Return what was made by hand of masks whose pixels are ``present``.

    For any thread. ``table`` is that of ``present``.

    Raises
    ------
    ProjectUnusable, ProjectDamaged
    """
    revision = masks.revision
    assert revision is not None
    base = project.read(lambda db: read_edited_from(db, revision)).base
    if base is not None and base.id == revision.id and not masks.edited:
        there = frozenset(table.ids().tolist())
        return HandEdits.of_details(base.details).only(there)
    return hand_edits_since(base, project.labels, present, table)


def where_deleted(
    project: Project, deleted: Mapping[int, tuple[int, ...]], shape: tuple[int, ...]
) -> npt.NDArray[np.bool_]:
    """Return where the cells of revisions lie, by id of the revision; for any thread.

    Raises
    ------
    ProjectUnusable, ProjectDamaged
    """
    gone = np.zeros(shape, bool)
    flat = gone.reshape(-1)
    for number, labels in _read(project, deleted, shape):
        pixels = labels.reshape(-1)
        for piece in pieces(flat.size):
            found = only(pixels[piece], deleted[number]) > 0
            # Memory that nobody writes to is none.
            if found.any():
                flat[piece] |= found
    return gone


def not_at(
    project: Project,
    deleted: Mapping[int, tuple[int, ...]],
    where: npt.NDArray[np.bool_],
    mostly: bool = False,
) -> dict[int, tuple[int, ...]]:
    """Return ``deleted`` without cells that have a pixel in ``where``; any thread.

    With ``mostly``, without those of which at least half lies there.

    Raises
    ------
    ProjectUnusable, ProjectDamaged
    """
    left = dict(deleted)
    for number, labels in _read(project, deleted, where.shape):
        there = pixels_where(labels, where)
        if mostly:
            sizes = CellTable.of(labels)
            there = {c: n for c, n in there.items() if 2 * n >= sizes.size_of(c)}
        left[number] = tuple(cell for cell in deleted[number] if cell not in there)
    return {number: cells for number, cells in left.items() if cells}


def _read(
    project: Project, numbers: Iterable[int], shape: tuple[int, ...]
) -> Iterator[tuple[int, Labels]]:
    """Yield the ids of the revisions of that shape, each with its pixels."""
    for number in numbers:
        revision = project.read(partial(read_revision, number=number))
        if revision is not None and revision.shape == shape:
            yield number, project.labels(revision)
