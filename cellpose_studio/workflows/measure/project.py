"""Images to measure from a project, with what it knows of their cells."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from functools import partial

from cellpose_studio.core.errors import MasksUnreadable
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.matching.hand_changes import hand_edits_since
from cellpose_studio.core.measure.compartments.choice import CompartmentChoice
from cellpose_studio.core.measure.experiment.columns import (
    EXPERIMENT_STATE,
    columns_from,
)
from cellpose_studio.core.measure.inputs import CellClasses, origin_of
from cellpose_studio.core.provenance.classes.assigned import classifiers_of
from cellpose_studio.core.provenance.classes.cell_class import present
from cellpose_studio.core.provenance.revision import CellStatus, LabelRevision
from cellpose_studio.core.review.cell_shapes import cell_shapes
from cellpose_studio.core.review.queue import review_of
from cellpose_studio.io.project.open_file import ProjectFile
from cellpose_studio.io.project.tables.cells.cell_classes import read_classes
from cellpose_studio.io.project.tables.cells.cell_status import read_all_statuses
from cellpose_studio.io.project.tables.cells.divisions import read_all_mothers
from cellpose_studio.io.project.tables.confidence import read_confidence
from cellpose_studio.io.project.tables.images import read_image_table
from cellpose_studio.io.project.tables.label_chunks import read_labels
from cellpose_studio.io.project.tables.revision_source import (
    read_edited_from,
    read_masks,
)
from cellpose_studio.io.project.tables.revisions import StoredLabelSet, read_label_sets
from cellpose_studio.io.project.tables.window_state import read_state
from cellpose_studio.workflows.measure.facts import (
    classes_of,
    facts_of,
)
from cellpose_studio.workflows.measure.items import ImageToMeasure, Masks, only_nuclei


def items_of_project(
    file: ProjectFile,
    masks: str | None = None,
    compartments: CompartmentChoice | None = None,
) -> list[ImageToMeasure]:
    """Return the images of a project that have masks.

    Parameters
    ----------
    masks
        Name of the label set; None for the one that is shown, or for others if that
        has the nuclei.
    compartments
        With the name of the masks of the nuclei.

    Raises
    ------
    ProjectDamaged
    """
    sets = {(one.image, one.name): one for one in read_label_sets(file.db)}
    statuses = read_all_statuses(file.db)
    mothers = read_all_mothers(file.db)
    classes = read_classes(file.db)
    used = frozenset[int | None]().union(
        *map(classifiers_of, classes.assigned.values())
    )
    classifiers = [one for n, one in classes.classifiers.items() if n in used]
    listed = present(classes.classes)
    experiment = columns_from(read_state(file.db, EXPERIMENT_STATE))
    found = []
    for stored in read_image_table(file.db, file.path.parent):
        nuclei = compartments.nuclei if compartments is not None else None
        name = masks or stored.active
        if nuclei == name and masks is None:
            name = _other_masks(sets, stored.id, name)
        labels = sets.get((stored.id, name))
        if stored.hidden or labels is None or labels.head is None:
            continue
        known = statuses.get(labels.id, {}), mothers.get(labels.id, {})
        of_cells = classes_of(listed, classes.assigned.get(labels.id, {}), classifiers)
        second = sets.get((stored.id, nuclei or ""))
        is_only = labels is second
        lacking = nuclei is not None and (second is None or second.head is None)
        in_time = stored.image.frames > 1
        found.append(
            ImageToMeasure(
                image=stored.image,
                masks=labels.name,
                has_facts=True,
                read=partial(_lacking, stored.image.name, nuclei or "", is_only)
                if lacking or is_only
                else partial(
                    _read, file.db, labels.head, *known, of_cells, in_time, second
                ),
                classes=of_cells,
                experiment=experiment.of(stored.id),
                compartments=compartments,
            )
        )
    return found


def _other_masks(
    sets: Mapping[tuple[int, str], StoredLabelSet], image: int, name: str
) -> str:
    """Return the name of the first masks of an image besides some."""
    others = (
        key[1]
        for key, one in sets.items()
        if key[0] == image and key[1] != name and one.head is not None
    )
    return next(others, name)


def _lacking(image: str, nuclei: str, is_only: bool) -> Masks:
    if is_only:
        raise only_nuclei(image)
    raise MasksUnreadable(
        f"{image} has no masks called {nuclei}.",
        "Run a model for nuclei there, or measure without nuclei.",
    )


def _read(
    db: sqlite3.Connection,
    head: LabelRevision,
    statuses: dict[int, CellStatus],
    mothers: dict[int, int],
    classes: CellClasses | None,
    in_time: bool,
    nuclei: StoredLabelSet | None,
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
    second = nuclei.head if nuclei is not None else None
    return Masks(
        labels=labels,
        facts=facts_of(review, statuses, made, origin, classes),
        mothers=mothers,
        nuclei=read_masks(db, second) if second is not None else None,
    )
