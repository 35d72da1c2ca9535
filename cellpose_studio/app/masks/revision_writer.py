"""What a project is told when masks change: new heads, edits, sealed revisions."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.project.project import Project, now
from cellpose_studio.core.display.thumbnail import label_thumbnail
from cellpose_studio.core.masks.chunks import chunk_indices
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.core.provenance.record import RunRecord
from cellpose_studio.core.provenance.revision import (
    FLOW_KEY,
    CellChanges,
    JournalEntry,
    LabelRevision,
    RevisionKind,
)
from cellpose_studio.core.runs.parameters import THRESHOLDS, SegmentationParameters
from cellpose_studio.io.cache.thumbnails import png
from cellpose_studio.io.project.tables import journal, revisions
from cellpose_studio.io.project.tables.cells.cell_classes import write_assigned
from cellpose_studio.io.project.tables.cells.cell_status import write_statuses
from cellpose_studio.io.project.tables.cells.divisions import write_mothers
from cellpose_studio.io.project.tables.confidence import write_confidence
from cellpose_studio.io.project.tables.label_chunks import (
    copy_chunks,
    pack_chunk,
    write_chunks,
    write_labels,
)
from cellpose_studio.io.project.tables.runs import write_run

THUMBNAIL = 96
"""Longest side of the picture of a revision, px."""


class RevisionWriter:
    """Writes the heads of the label sets of a project, and their journal."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def add_label_set(self, image: int, name: str) -> int:
        """Make a label set without masks and return its id."""
        number = self._project.next_id("label_set")
        self._project.submit(
            lambda db: revisions.write_label_set(db, number, image, name)
        )
        return number

    def record(
        self,
        label_set: int,
        image: int,
        labels: LabelSet,
        kind: RevisionKind,
        operation: str,
        before: LabelRevision | None,
        details: dict[str, object] | None = None,
        changes: CellChanges | None = None,
    ) -> tuple[LabelSet, int]:
        """Make a revision of ``labels``, the new head; return them and the entry's id.

        The run that they come from is recorded with them, unless it was before.
        """
        project = self._project
        run = labels.run
        if labels.record is not None and run is None:
            run = self.record_run(image, labels.record)
        pixels = labels.pixels.snapshot()
        known = labels.pixels.highest
        details = {**(details or {}), **labels.kept_details()}
        # Masks that were read at a revision have its flows, others those of the head.
        source = labels.revision or (before if kind == "threshold" else None)
        revision = LabelRevision(
            id=project.next_id("revision"),
            label_set=label_set,
            parent=before.id if before else None,
            kind=kind,
            created=now(),
            origin=labels.origin,
            shape=pixels.shape,
            cells=labels.cells,
            run=run,
            parameters=_parameters(kind, labels, details),
            details={**details, **_flows_of(source)},
            author=project.author,
        )

        def write(db: sqlite3.Connection) -> None:
            picture = png(label_thumbnail(pixels, THUMBNAIL))
            revisions.write_revision(db, revision, picture)
            write_labels(
                db, revision.id, pixels, project.write_progress.begin(revision.id)
            )
            if labels.confidence is not None:
                write_confidence(db, revision.id, labels.confidence)

        def become_head(db: sqlite3.Connection) -> None:
            # The search through all pixels runs in the writer's thread.
            highest = max(known, pixels.highest())
            revisions.set_head(db, label_set, revision.id, labels.cells, highest)

        entry = self._entry(
            label_set, before, operation, None, head=revision.id, changes=changes
        )
        # One transaction: a crash leaves the old head or the new one with all its rows.
        project.submit_revision(
            revision.id,
            sum(1 for _ in chunk_indices(pixels.shape)),
            write,
            lambda db: journal.write_entry(db, entry),
            become_head,
            lambda db: _write_changes(db, label_set, changes),
        )
        made = replace(labels, run=run, revision=revision, edited=False, touched={})
        return made, entry.id

    def record_run(self, image: int, record: RunRecord) -> int:
        """Record a run, whether it has masks or not; return its id."""
        run = self._project.next_id("run")
        self._project.submit(lambda db: write_run(db, run, image, record))
        return run

    def rename(self, label_set: int, name: str) -> None:
        """Give a label set another name."""
        self._project.submit(lambda db: revisions.rename(db, label_set, name))

    def switch(
        self,
        label_set: int,
        operation: str,
        before: LabelRevision | None,
        after: LabelSet | None,
        undoes: int | None,
        changes: CellChanges | None = None,
    ) -> int:
        """Make an earlier revision the head, or none; return the entry's id."""
        revision = after.revision if after else None
        head, cells = (revision.id, revision.cells) if revision else (None, 0)
        image = self._entry(
            label_set, before, operation, undoes, head=head, changes=changes
        )
        self._project.submit(
            lambda db: journal.write_entry(db, image),
            lambda db: revisions.set_head(db, label_set, head, cells),
            lambda db: _write_changes(db, label_set, changes),
        )
        return image.id

    def edit(
        self,
        label_set: int,
        base: LabelRevision,
        edit: LabelEdit,
        cells: int,
        undoes: int | None,
        highest: int,
        changes: CellChanges | None = None,
    ) -> int:
        """Append an edit to the journal; return the entry's id."""
        image = self._entry(
            label_set,
            base,
            edit.operation,
            undoes,
            cells=edit.cells,
            changes=changes,
        )
        self._project.submit(
            lambda db: journal.write_entry(db, image, edit.parts),
            lambda db: revisions.set_cells(db, label_set, cells, highest),
            lambda db: _write_changes(db, label_set, changes),
        )
        return image.id

    def change_cells(
        self,
        label_set: int,
        base: LabelRevision | None,
        operation: str,
        changes: CellChanges,
        undoes: int | None,
    ) -> int:
        """Record changes of cells without pixels; return the journal entry's id."""
        image = self._entry(
            label_set, base, operation, undoes, cells=changes.cells, changes=changes
        )
        self._project.submit(
            lambda db: journal.write_entry(db, image),
            lambda db: _write_changes(db, label_set, changes),
        )
        return image.id

    def seal(self, label_set: int, labels: LabelSet, note: str = "") -> LabelSet:
        """Make a revision of masks that were edited; only what changed is written."""
        base = labels.revision
        assert base is not None
        # The next stroke may come before they are written.
        pixels = labels.pixels.snapshot()
        places = sorted(labels.pixels.changed)
        progress = self._project.write_progress
        revision = replace(
            base,
            id=self._project.next_id("revision"),
            parent=base.id,
            kind="edit",
            created=now(),
            cells=labels.cells,
            details=_flows_of(base),
            author=self._project.author,
            note=note,
        )

        def write(db: sqlite3.Connection) -> None:
            picture = png(label_thumbnail(pixels, THUMBNAIL))
            revisions.write_revision(db, revision, picture)
            copy_chunks(db, revision.id, base.id, places)
            chunks = (pack_chunk(place, pixels.chunk(place)) for place in places)
            write_chunks(db, revision.id, chunks, progress.begin(revision.id))
            journal.seal(db, label_set, base.id, revision.id)
            revisions.set_head(db, label_set, revision.id, revision.cells)

        self._project.submit_revision(revision.id, len(places), write)
        labels.pixels.changed = set()
        return replace(labels, revision=revision, edited=False)

    def _entry(
        self,
        label_set: int,
        base: LabelRevision | None,
        operation: str,
        undoes: int | None,
        cells: tuple[int, ...] = (),
        head: int | None = None,
        changes: CellChanges | None = None,
    ) -> JournalEntry:
        """Return a new entry of the journal."""
        return JournalEntry(
            id=self._project.next_id("journal"),
            label_set=label_set,
            base=base.id if base else None,
            operation=operation,
            cells=cells,
            time=now(),
            undoes=undoes,
            head=head,
            changes=changes or None,
        )


def _write_changes(
    db: sqlite3.Connection, label_set: int, changes: CellChanges | None
) -> None:
    if changes is not None:
        statuses = {cell: after for cell, (_, after) in changes.statuses.items()}
        mothers = {cell: after for cell, (_, after) in changes.mothers.items()}
        classes = {cell: after for cell, (_, after) in changes.classes.items()}
        write_statuses(db, label_set, statuses)
        write_mothers(db, label_set, mothers)
        write_assigned(db, label_set, classes)


def _parameters(
    kind: RevisionKind, labels: LabelSet, details: dict[str, object]
) -> SegmentationParameters | None:
    """Return what masks were made with, as far as that is known."""
    if kind in ("restore", "operation") and labels.revision is not None:
        return labels.revision.parameters
    if kind == "import" and all(details.get(name) is None for name in THRESHOLDS):
        return None
    return labels.parameters


def _flows_of(source: LabelRevision | None) -> dict[str, object]:
    """Return the details by which the flows of an import are found again."""
    key = source.flow_key if source else None
    return {FLOW_KEY: key} if key else {}
