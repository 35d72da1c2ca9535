"""The corrected images of a project, for a parameter search."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from functools import partial

from cellpose_studio.core.provenance.hand_edits import HandEdits
from cellpose_studio.core.provenance.record import RunRecord
from cellpose_studio.core.provenance.revision import CellStatus, LabelRevision
from cellpose_studio.core.review.training_marks import NO_MARKS, TrainingMarks
from cellpose_studio.io.project.open_file import ProjectFile
from cellpose_studio.io.project.tables.cells.cell_status import read_all_statuses
from cellpose_studio.io.project.tables.images import StoredImage, read_image_table
from cellpose_studio.io.project.tables.revision_source import (
    read_edited_from,
    read_masks,
)
from cellpose_studio.io.project.tables.revisions import StoredLabelSet, read_label_sets
from cellpose_studio.io.project.tables.runs import read_run
from cellpose_studio.io.project.tables.training.marks import read_marks
from cellpose_studio.workflows.evaluation.decisions import Decisions
from cellpose_studio.workflows.evaluation.search import ImageToSearch


def corrected_images(file: ProjectFile) -> list[ImageToSearch]:
    """Return the images whose masks came from a run and were corrected or reviewed.

    Raises
    ------
    ProjectDamaged
    """
    sets = {(one.image, one.name): one for one in read_label_sets(file.db)}
    statuses, marks = read_all_statuses(file.db), read_marks(file.db)
    found = []
    for stored in read_image_table(file.db, file.path.parent):
        labels = sets.get((stored.id, stored.active))
        if stored.hidden or labels is None or labels.head is None:
            continue
        if not is_corrected(stored, labels, labels.head, statuses):
            continue
        record = record_behind(file.db, labels.head)
        if record is not None:
            found.append(
                ImageToSearch(
                    image=stored.image,
                    record=record,
                    read=partial(read_masks, file.db, labels.head),
                    decisions=decisions_of(stored, labels.id, statuses, marks),
                    reviewed=stored.reviewed,
                )
            )
    return found


def decisions_of(
    stored: StoredImage,
    label_set: int,
    statuses: Mapping[int, Mapping[int, CellStatus]],
    marks: Mapping[int, TrainingMarks],
) -> Decisions:
    """Return what was said of masks, given that of all masks of a project."""
    return Decisions(
        statuses=statuses.get(label_set, {}),
        marks=marks.get(label_set, NO_MARKS),
        frames=stored.image.frames,
    )


def is_corrected(
    stored: StoredImage,
    labels: StoredLabelSet,
    head: LabelRevision,
    statuses: Mapping[int, object],
) -> bool:
    """Return whether masks of an image were corrected, or the image reviewed.

    Parameters
    ----------
    head
        The revision of the masks as they are.
    statuses
        By label set, those of its cells.
    """
    # A run keeps what was made by hand of the masks before it.
    kept = HandEdits.of_details(head.details)
    edited = labels.edited or head.kind in ("edit", "operation") or kept
    return bool(stored.reviewed or edited or statuses.get(labels.id))


def record_behind(db: sqlite3.Connection, head: LabelRevision) -> RunRecord | None:
    """Return the record of the run that masks come from; None if no run made them.

    Its thresholds are those of the masks, which may have changed since the run.
    """
    base = read_edited_from(db, head).base
    if base is None or base.run is None:
        return None
    record = read_run(db, base.run)
    if record is None or base.parameters is None:
        return record
    return record.model_copy(update={"parameters": base.parameters})
