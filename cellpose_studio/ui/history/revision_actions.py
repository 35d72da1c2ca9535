"""Commands for revisions: restore, use, apply, note, save."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QInputDialog, QPlainTextEdit

from cellpose_studio.app.flow_store import FlowStore
from cellpose_studio.app.history.restore import read_masks, renaming_to
from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.runs.queue import BatchQueue
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.matching.renaming import Renaming, RenamingAhead
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.provenance.record import ModelRecord
from cellpose_studio.core.provenance.revision import LabelRevision
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.wording import image_count
from cellpose_studio.io.project.tables.revisions import read_revision, set_note
from cellpose_studio.ui.history.availability import revision_of, run_of
from cellpose_studio.ui.history.rows import HistoryRow
from cellpose_studio.ui.images.panel import ImagesPanel
from cellpose_studio.ui.segment.panel import SegmentPanel
from cellpose_studio.ui.services import Services


@dataclass(frozen=True)
class _Recipe:
    model: ModelRecord
    parameters: SegmentationParameters


class RevisionActions(QObject):
    """Commands for the revisions of the current image.

    Parameters
    ----------
    flows
        Cache of the flows of earlier runs.
    segment
        Receives the parameters of a run.
    images
        The image list, for the images selected there.
    queue
        Receives the runs on other images.
    """

    changed = Signal()  # a change that no signal of the session reports

    def __init__(
        self,
        services: Services,
        flows: FlowStore,
        segment: SegmentPanel,
        images: ImagesPanel,
        queue: BatchQueue,
    ) -> None:
        super().__init__(services.parent)
        self._services = services
        self._session = services.session
        self._messages = services.messages
        self._flows = flows
        self._segment = segment
        self._images = images
        self._queue = queue

    def restore(self, row: HistoryRow) -> None:
        """Restore an earlier revision, as a new revision."""
        image, session, revision = self._session.shown, self._session, revision_of(row)
        if image is None or revision is None:
            return
        project, stored, name = session.project, session.masks.stored, row.lineage.name
        present = image.label_sets.get(name)
        # Cells are only matched if something is known of them, to carry over.
        known = image.cell_knowledge(name)
        pixels = present.pixels if present and known else None
        # Masks in memory may change during the job, which needs a snapshot of now.
        snapshot = pixels.snapshot() if pixels is not None and pixels.loaded else None

        def work(_: object) -> tuple[LabelSet, RenamingAhead]:
            labels = read_masks(project, stored, self._flows, image, name, revision)
            renaming = Renaming({})
            if pixels is not None:
                renaming = renaming_to(labels, snapshot or pixels.snapshot())
            ahead = RenamingAhead(renaming, known)
            labels.pixels.draw_ahead(ahead.statuses)
            return labels, ahead

        def finish(found: tuple[LabelSet, RenamingAhead]) -> None:
            self._replace_masks(image, *found, revision)

        title = f"Restoring revision {revision.id}"
        self._services.run(title, work, finish, once_left="is told")

    def use_parameters(self, row: HistoryRow) -> None:
        """Copy the model and the parameters of a run to the Segment panel."""
        found = run_of(row)
        if found is None:
            return
        record, parameters = found
        missing = self._segment.show_parameters(record.model.sha256, parameters)
        if missing:
            self._messages.note(f"{missing} The run used {record.model.title}.")
        else:
            self._messages.note(
                "The model and the parameters were copied to the Segment panel."
            )
        self._services.show_tab(self._segment)

    def apply(self, images: Sequence[ProjectImage], row: HistoryRow) -> None:
        """Queue runs with the model and the parameters of a run on other images."""
        found = run_of(row)
        if found is None or not images:
            return
        # A region means nothing on other images.
        recipe = _Recipe(found[0].model, found[1].without_region())

        def work(_: Checkpoint) -> ModelSpec:
            # A late import: it imports torch for the user's own models.
            from cellpose_studio.workflows.provenance.run_again import find_model

            return find_model(recipe.model)

        def finish(model: ModelSpec) -> None:
            self._add(model, recipe.parameters, images, row.lineage.name)

        title = "Searching for the model"
        self._services.run(title, work, finish, quiet=True, once_left="is told")

    def note(self, row: HistoryRow) -> None:
        """Ask for a new note on a revision."""
        revision = revision_of(row)
        if revision is None:
            return
        text = self.ask_text(
            "Note", f"A note on revision {revision.id}:", revision.note
        )
        if text is not None:
            self._set_note(revision.id, text)

    def save_version(self) -> None:
        """Save open edits as a revision with a note; without edits, add the note."""
        image = self._session.shown
        if image is None or image.masks is None:
            return
        if reason := self._session.project.read_only_reason:
            self._messages.note(reason)
            return
        text = self.ask_text("Save a version", "A note on this version:", "")
        if text is None:
            return
        self._session.commit_pending(image)
        edited = image.masks.edited
        number = self.seal(image, image.active, text)
        if number is None:
            return
        if text and not edited:
            self._session.project.submit(lambda db: _add_note(db, number, text))
        self._messages.note(f"This version is revision {number}.")
        self.changed.emit()

    def seal(self, image: ProjectImage, name: str, note: str = "") -> int | None:
        """Save open edits as a revision; return the id of the current revision."""
        self._session.commit_pending(image)
        # In a read-only project, the last revision is returned, without the edits.
        if not self._session.project.read_only_reason:
            self._session.seal(image, note)
            self.changed.emit()
        labels = image.label_sets.get(name)
        return labels.revision.id if labels and labels.revision else None

    def others(self) -> list[ProjectImage]:
        """Return all images except the current one."""
        return [
            image for image in self._session.images if image is not self._session.shown
        ]

    def selected(self) -> list[ProjectImage]:
        """Return the images selected in the list."""
        return list(self._images.selected_images())

    def selected_others(self) -> list[ProjectImage]:
        """Return the images selected in the list, except the current one."""
        return [one for one in self.selected() if one is not self._session.shown]

    def ask_text(self, title: str, label: str, text: str) -> str | None:
        """Ask for a text; None if the user cancels."""
        dialog = QInputDialog(self._services.parent)
        dialog.setOption(QInputDialog.InputDialogOption.UsePlainTextEditForTextInput)
        dialog.setWindowTitle(title)
        dialog.setLabelText(label)
        dialog.setTextValue(text)
        field = dialog.findChild(QPlainTextEdit)
        field.setAccessibleName(label)
        # Else nobody could leave the field by the keyboard.
        field.setTabChangesFocus(True)
        accepted = dialog.exec() == QInputDialog.DialogCode.Accepted
        dialog.deleteLater()
        return dialog.textValue().strip() if accepted else None

    def _replace_masks(
        self,
        image: ProjectImage,
        labels: LabelSet,
        cells: RenamingAhead,
        revision: LabelRevision,
    ) -> None:
        text = f"Restore revision {revision.id}"
        name = labels.name
        changes = cells.changes(image.cell_knowledge(name))
        self._session.replace_masks(image, labels, text, "restore", changes=changes)
        now = image.label_sets[labels.name].revision
        number = f" as revision {now.id}" if now else ""
        self._messages.note(
            f"Revision {revision.id} was restored{number}. Press Ctrl+Z to undo it."
        )

    def _add(
        self,
        model: ModelSpec,
        parameters: SegmentationParameters,
        images: Sequence[ProjectImage],
        masks: str,
    ) -> None:
        # A run in 3D has no meaning for images without Z planes.
        flat = parameters.model_copy(update={"do_3D": False})
        stacks = [image for image in images if image.source.planes > 1]
        planes = [image for image in images if image.source.planes == 1]
        for group, settings in ((stacks, parameters), (planes, flat)):
            if group:
                self._queue.add(group, model, settings, masks)
        self._messages.note(f"{image_count(len(images))} will run with {model.label}.")

    def _set_note(self, number: int, text: str) -> None:
        self._session.project.submit(lambda db: set_note(db, number, text))
        self.changed.emit()


def _add_note(db: sqlite3.Connection, number: int, text: str) -> None:
    """Append a note to the one that a revision may have."""
    revision = read_revision(db, number)
    notes = [revision.note if revision else "", text]
    set_note(db, number, "\n".join(filter(None, notes)))
