"""Provenance of the masks of a revision."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cellpose_studio.core.errors import ProjectDamaged, ProjectUnusable, StudioError
from cellpose_studio.core.provenance.classes.class_work import ClassWork, class_work
from cellpose_studio.core.provenance.hand_edits import FORGET
from cellpose_studio.core.provenance.hand_work import HandWork
from cellpose_studio.core.provenance.record import RunRecord
from cellpose_studio.core.provenance.revision import JournalEntry, LabelRevision
from cellpose_studio.core.wording import some
from cellpose_studio.io.project.reading import RESCUE_HINTS
from cellpose_studio.io.project.tables.cells.cell_classes import (
    StoredClasses,
    read_classes,
)
from cellpose_studio.io.project.tables.images import StoredImage, read_image
from cellpose_studio.io.project.tables.journal import read_journal
from cellpose_studio.io.project.tables.revision_source import copied_from
from cellpose_studio.io.project.tables.revisions import (
    StoredLabelSet,
    read_label_sets,
    read_revision,
)
from cellpose_studio.io.project.tables.runs import read_run


class NoRun(StudioError):
    """Masks have no run that could be described or repeated."""


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """How a revision was made.

    Attributes
    ----------
    image
        Name of the image.
    revision
        The requested revision.
    base
        Its last ancestor that was not made by hand but by a run, by thresholds, or
        by an import. It may be the revision itself.
    record
        Record of the run that made the masks, with the parameters and the number of
        cells of ``base``; None without a run.
    hand
        What was done by hand before and after ``base``, as far as the masks show it.
    edited
        The revisions after ``base`` that contain these edits, in their order; none
        where cells got other ids in between, on which the edits would not fit.
    imported
        The revision that the masks were imported as; None if they were not imported.
    classes
        The classes of cells of the same masks, as they are now; None without any.
    earlier
        How the masks were made whose cells a run in a region has kept; None if the run
        was not one, or there were none.
    """

    image: str
    revision: LabelRevision
    base: LabelRevision
    record: RunRecord | None
    hand: HandWork
    edited: tuple[LabelRevision, ...]
    imported: LabelRevision | None
    classes: ClassWork | None = None
    earlier: Provenance | None = None

    @property
    def edits(self) -> tuple[JournalEntry, ...]:
        """All edits by hand that are in the masks, in their order."""
        return (*self.hand.before, *self.hand.after)

    def known_record(self) -> RunRecord:
        """Return the record of the run; raises `NoRun` without one."""
        if self.record is not None:
            return self.record
        how = "were made by hand"
        if self.imported is not None:
            how = f"were imported {self.imported.origin}".rstrip()
        raise NoRun(f"Revision {self.revision.id} has no run: its masks {how}.")


def provenance(
    db: sqlite3.Connection, revision: int, classes: StoredClasses | None = None
) -> Provenance:
    """Return how a revision was made.

    ``classes`` are those of the project, if they are known; they are read otherwise.

    Raises
    ------
    ProjectUnusable
        If there is no such revision.
    ProjectDamaged
    """
    last = read_revision(db, revision)
    if last is None:
        raise ProjectUnusable(
            f"There is no revision {revision} in this project.",
            f"Those of its masks at present: {some(_heads(db)) or 'none'}.",
        )
    line = _line(db, last)
    at = next((n for n, one in enumerate(line) if not _by_hand(one)), len(line) - 1)
    base = line[at]
    journal = read_journal(db, last.label_set)
    # Masks that were drawn by hand begin with edits.
    edits = [_edits(journal, one) for one in line[: at + 1]]
    first = line[-1]
    record = _record(db, base, first)
    in_region = record is not None and record.parameters.region is not None
    classes = read_classes(db) if classes is None else classes
    return Provenance(
        image=record.image.name if record else _image_name(db, last.label_set),
        revision=last,
        base=base,
        record=record,
        hand=HandWork(
            before=_flat([_edits(journal, one) for one in _merged_into(db, base)]),
            kept=base.kept_cells,
            left_out=base.left_out_cells,
            together=base.cells,
            after=_flat(edits),
            in_region=in_region,
        ),
        edited=_edited(line[:at]),
        imported=first if first.kind == "import" else None,
        classes=_classes(classes, last.label_set),
        earlier=_outside(db, base, classes) if in_region else None,
    )


def active_label_sets(
    db: sqlite3.Connection, images: Sequence[StoredImage]
) -> list[int]:
    """Return the ids of the masks that each of the images of a project shows.

    In the order of the images; those without masks and those removed are left out.

    Raises
    ------
    ProjectDamaged
    """
    known = {(one.image, one.name): one.id for one in read_label_sets(db) if one.head}
    found = [known.get((one.id, one.active)) for one in images if not one.hidden]
    return [label_set for label_set in found if label_set is not None]


def provenance_now(
    db: sqlite3.Connection, label_sets: Sequence[int]
) -> list[Provenance]:
    """Return how masks were made as they are now, with edits that are no revision yet.

    Parameters
    ----------
    label_sets
        Their ids; those without masks are left out.

    Raises
    ------
    ProjectDamaged
    """
    known = {one.id: one for one in read_label_sets(db)}
    classes = read_classes(db)
    found = [known[one] for one in label_sets if one in known]
    return [
        _with_open_edits(db, one, provenance(db, one.head.id, classes))
        for one in found
        if one.head is not None
    ]


def _heads(db: sqlite3.Connection) -> list[str]:
    """Return the numbers of the revisions that masks have at present."""
    heads = (one.head for one in read_label_sets(db))
    return sorted({str(head.id) for head in heads if head is not None}, key=int)


def _with_open_edits(
    db: sqlite3.Connection, masks: StoredLabelSet, made: Provenance
) -> Provenance:
    head = made.revision.id
    journal = read_journal(db, masks.id) if masks.edited else []
    edits = (e for e in journal if e.base == head and e.pixels and not e.sealed)
    return replace(
        made,
        revision=replace(made.revision, cells=masks.cells),
        hand=replace(made.hand, after=(*made.hand.after, *edits)),
    )


def _image_name(db: sqlite3.Connection, label_set: int) -> str:
    images = (one.image for one in read_label_sets(db) if one.id == label_set)
    return read_image(db, next(images)).image.name


def _classes(known: StoredClasses, label_set: int) -> ClassWork | None:
    assigned = known.assigned.get(label_set, {})
    return class_work(known.classes, assigned, known.classifiers)


def _outside(
    db: sqlite3.Connection, base: LabelRevision, classes: StoredClasses
) -> Provenance | None:
    """Return how the masks were made that a run in a region has changed."""
    one = base
    # Other thresholds have changed the same region of the same masks.
    while one.run == base.run:
        before = _before(db, one)
        if before is None:
            return None
        one = _earlier(db, one, before)
    return provenance(db, one.id, classes)


def _line(db: sqlite3.Connection, last: LabelRevision) -> list[LabelRevision]:
    """Return the revisions from ``last`` back to its run or import."""
    line = [last]
    while line[-1].kind not in ("run", "import"):
        before = _before(db, line[-1])
        if before is None:
            break
        line.append(_earlier(db, line[-1], before))
    return line


def _merged_into(db: sqlite3.Connection, base: LabelRevision) -> list[LabelRevision]:
    """Return earlier revisions that ``base`` kept something of, the latest first."""
    found: list[LabelRevision] = []
    one = base
    # Thresholds are applied to the run before them, with whatever was edited between.
    while one.kind not in ("run", "import") or one.kept_cells or one.left_out_cells:
        before = _before(db, one)
        if before is None:
            break
        one = _earlier(db, one, before)
        found.append(one)
    return found


def _earlier(
    db: sqlite3.Connection, revision: LabelRevision, before: int
) -> LabelRevision:
    """Return the revision ``before`` that ``revision`` was made from."""
    # Later revisions have higher ids, so a search ends even in a damaged file.
    found = read_revision(db, before) if before < revision.id else None
    if found is None or found.label_set != revision.label_set:
        raise ProjectDamaged(
            "The project file is damaged: a part of the history is missing.",
            *RESCUE_HINTS,
        )
    return found


def _before(db: sqlite3.Connection, revision: LabelRevision) -> int | None:
    """Return the id of the revision that this one was made from."""
    # A restored revision has the pixels of another one, not those of its parent.
    if revision.kind == "restore":
        return copied_from(db, revision.id)
    return revision.parent


def _by_hand(revision: LabelRevision) -> bool:
    return revision.kind in ("edit", "restore", "operation")


def _edited(line: list[LabelRevision]) -> tuple[LabelRevision, ...]:
    """Return the revisions of edits, the oldest first; ``line`` has it last."""
    if any(one.kind == "operation" for one in line):
        return ()
    return tuple(one for one in reversed(line) if one.kind == "edit")


def _record(
    db: sqlite3.Connection, base: LabelRevision, first: LabelRevision
) -> RunRecord | None:
    number = base.run if base.run is not None else first.run
    record = None if number is None else read_run(db, number)
    if record is None or base.kind == "run" or base.parameters is None:
        return record
    # Other thresholds give other masks than the run, so its checksum does not apply;
    # and how many cells they alone gave is only known if none were kept.
    merged = base.kept_cells or base.left_out_cells
    return record.model_copy(
        update={
            "parameters": base.parameters,
            "cells": None if merged else base.cells,
            "masks_sha256": "",
        }
    )


def _edits(journal: list[JournalEntry], revision: LabelRevision) -> list[JournalEntry]:
    """Return the edits that a revision contains."""
    if revision.kind == "operation":
        made = (e for e in journal if e.head == revision.id and e.undoes is None)
        return [entry for entry in made if not entry.operation.startswith(FORGET)]
    if revision.kind != "edit":
        return []
    return [e for e in journal if e.sealed == revision.id and e.head is None]


def _flat(parts: list[list[JournalEntry]]) -> tuple[JournalEntry, ...]:
    """Return the entries of revisions in order; the latest revision comes first."""
    return tuple(entry for part in reversed(parts) for entry in part)
