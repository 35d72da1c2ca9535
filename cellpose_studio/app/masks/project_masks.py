"""Masks of a project as label sets that are read when they are needed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.project.project import Project
from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.masks.chunks import ChunkIndex, Labels
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.core.provenance.hand_edits import HandEdits
from cellpose_studio.core.provenance.revision import LabelRevision
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.io.project.tables.revision_source import (
    EditedFrom,
    read_edited_from,
)
from cellpose_studio.io.project.tables.revisions import StoredLabelSet


class ProjectMasks:
    """Makes label sets of what a project holds."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def at_head(self, stored: StoredLabelSet) -> LabelSet:
        """Return a label set as it was when the project was opened."""
        revision = stored.head
        assert revision is not None
        pixels = LabelImage(
            load=lambda: self._with_edits(stored.id, revision), highest=stored.highest
        )
        source = self._project.edited_from.get(revision.id, EditedFrom(revision))
        masks = _label_set(stored.name, revision, pixels, stored.cells, source)
        return replace(masks, edited=stored.edited)

    def label_set(self, name: str, revision: LabelRevision) -> LabelSet:
        """Return a label set as it was at a revision."""
        pixels = LabelImage(load=lambda: (self._at(revision), set()))
        source = EditedFrom(revision)
        if revision.kind == "edit":
            # The masks can be used even if their journal cannot be read.
            with suppress(StudioError):
                source = self._project.read(lambda db: read_edited_from(db, revision))
        return _label_set(name, revision, pixels, revision.cells, source)

    def unloaded(self, labels: LabelSet) -> LabelSet:
        """Return the same masks, to be read when they are needed again."""
        revision = labels.revision
        assert revision is not None
        pixels = LabelImage(
            load=lambda: (self._at(revision), set()), highest=labels.pixels.highest
        )
        # Flows take three times the memory of masks, so they are released as well.
        return replace(labels, pixels=pixels, flows=None, maker=None)

    def _at(self, revision: LabelRevision) -> Labels:
        return self._project.labels(revision)

    def _with_edits(
        self, label_set: int, revision: LabelRevision
    ) -> tuple[Labels, set[ChunkIndex]]:
        labels, edits = self._project.labels_and_edits(label_set, revision)
        changed: set[ChunkIndex] = set()
        for edit in edits:
            changed |= _applied(edit, labels)
        return labels, changed


def _applied(edit: LabelEdit, labels: Labels) -> set[ChunkIndex]:
    edit.apply(labels)
    return edit.chunk_indices


def _label_set(
    name: str,
    revision: LabelRevision,
    pixels: LabelImage,
    cells: int,
    source: EditedFrom,
) -> LabelSet:
    details = source.base.details if source.base is not None else {}
    return LabelSet(
        name=name,
        pixels=pixels,
        origin=revision.origin,
        cells=cells,
        parameters=revision.parameters or SegmentationParameters(),
        run=revision.run,
        revision=revision,
        kept=HandEdits.of_details(details),
        touched=dict.fromkeys(source.edits),
    )
