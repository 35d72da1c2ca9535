"""Which cells of masks in a project are not trained on."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.matching.hand_changes import hand_edits_since
from cellpose_studio.core.provenance.revision import CellStatus, LabelRevision
from cellpose_studio.core.review.cell_shapes import cell_shapes
from cellpose_studio.core.review.queue import review_of
from cellpose_studio.core.review.training_marks import LeaveOut
from cellpose_studio.io.project.tables.confidence import read_confidence
from cellpose_studio.io.project.tables.label_chunks import read_labels
from cellpose_studio.io.project.tables.revision_source import read_edited_from

_UNCERTAIN = 0.5


def cells_left_out(
    db: sqlite3.Connection,
    head: LabelRevision,
    labels: Labels,
    statuses: Mapping[int, CellStatus],
    in_time: bool,
    options: LeaveOut,
) -> frozenset[int]:
    """Return the ids of cells that a project says are not to be trained on.

    Parameters
    ----------
    head
        Revision of the masks, or the one before edits in the journal.
    labels
        The masks as they are.

    Raises
    ------
    ProjectDamaged
    """
    out: set[int] = set()
    if options.rejected:
        out |= {cell for cell, status in statuses.items() if status != "accepted"}
    if not (options.uncertain or options.unreviewed):
        return frozenset(out)
    made = hand_edits_since(
        read_edited_from(db, head).base,
        lambda revision: read_labels(db, revision.id, revision.shape),
        labels,
        CellTable.of(labels),
    )
    accepted = {cell for cell, status in statuses.items() if status == "accepted"}
    decided = made.shaped | accepted
    shapes = cell_shapes(labels, in_time)
    if options.uncertain:
        review = review_of(shapes, read_confidence(db, head.id), decided)
        out |= set(review.ids[review.uncertainties >= _UNCERTAIN].tolist())
    if options.unreviewed:
        out |= set(shapes.ids.tolist()) - decided
    return frozenset(out)
