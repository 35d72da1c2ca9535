"""Images to measure from a project, with what it knows of their cells."""

from __future__ import annotations

import sqlite3
from functools import partial

from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.matching.hand_changes import hand_edits_since
from cellpose_studio.core.measure.experiment_columns import (
    EXPERIMENT_STATE,
    columns_from,
)
from cellpose_studio.core.measure.inputs import origin_of
from cellpose_studio.core.provenance.revision import CellStatus, LabelRevision
from cellpose_studio.core.review.cell_shapes import cell_shapes
from cellpose_studio.core.review.queue import review_of
from cellpose_studio.io.project.open_file import ProjectFile
from cellpose_studio.io.project.tables.cell_status import read_all_statuses
from cellpose_studio.io.project.tables.confidence import read_confidence
from cellpose_studio.io.project.tables.images import read_image_table
from cellpose_studio.io.project.tables.label_chunks import read_labels
from cellpose_studio.io.project.tables.revision_source import (
    read_edited_from,
    read_masks,
)
from cellpose_studio.io.project.tables.revisions import read_label_sets
from cellpose_studio.io.project.tables.window_state import read_state
from cellpose_studio.workflows.measure.facts import facts_of
from cellpose_studio.workflows.measure.items import ImageToMeasure, Masks


def items_of_project(
    file: ProjectFile, masks: str | None = None
) -> list[ImageToMeasure]:
    """Return the images of a project that have masks.

    Parameters
    ----------
    masks
        Name of the label set; None for the one that is shown.

    Raises
    ------
    ProjectDamaged
    """
    sets = {(one.image, one.name): one for one in read_label_sets(file.db)}
    statuses = read_all_statuses(file.db)
    experiment = columns_from(read_state(file.db, EXPERIMENT_STATE))
    found = []
    for stored in read_image_table(file.db, file.path.parent):
        labels = sets.get((stored.id, masks or stored.active))
        if stored.hidden or labels is None or labels.head is None:
            continue
        known = statuses.get(labels.id, {})
        in_time = stored.image.frames > 1
        found.append(
            ImageToMeasure(
                image=stored.image,
                masks=labels.name,
                has_facts=True,
                read=partial(_read, file.db, labels.head, known, in_time),
                experiment=experiment.of(stored.id),
            )
        )
    return found


def _read(
    db: sqlite3.Connection,
    head: LabelRevision,
    statuses: dict[int, CellStatus],
    in_time: bool,
) -> Masks:
    labels = read_masks(db, head)
    base = read_edited_from(db, head).base
    made = hand_edits_since(
        base,
        lambda revision: read_labels(db, revision.id, revision.shape),
        labels,
        CellTable.of(labels),
    )
    confidence = read_confidence(db, head.id)
    accepted = {cell for cell, status in statuses.items() if status == "accepted"}
    review = review_of(cell_shapes(labels, in_time), confidence, made.shaped | accepted)
    origin = origin_of(base is not None and base.run is not None)
    return Masks(labels=labels, facts=facts_of(review, statuses, made, origin))
