"""What the history does with revisions: restore, use, apply, note, save."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QInputDialog

from cellpose_studio.app.flow_store import FlowStore
from cellpose_studio.app.history.restore import ids_in, read_masks
from cellpose_studio.app.masks.cell_statuses import renamed
from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.runs.queue import BatchQueue
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.provenance.record import ModelRecord
from cellpose_studio.core.provenance.revision import LabelRevision
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.io.project.tables.revisions import read_revision, set_note
from cellpose_studio.ui.history.availability import revision_of, run_of
from cellpose_studio.ui.history.tree import Row
from cellpose_studio.ui.images.panel import ImagesPanel
from cellpose_studio.ui.segment.panel import SegmentPanel
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.widgets.wording import image_count


@dataclass(frozen=True)
class _Wanted:
    model: ModelRecord
    parameters: SegmentationParameters


class RevisionActions(QObject):
    """Acts on the image that is shown.

    Parameters
    ----------
    flows
        Where flows of earlier runs are kept.
    segment
        Takes the parameters of a run.
    images
        The list, in which images to apply a run to are selected.
    queue
        Where runs on other images wait.
    """

    changed = Signal()  # something that no signal of the session tells of

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

    def restore(self, row: Row) -> None:
        """Make an earlier revision the present one, as a new revision."""
        image, session, revision = self._session.shown, self._session, revision_of(row)
        if image is None or revision is None:
            return
        project, stored, name = session.project, session.masks.stored, row.lineage.name
        present = image.label_sets.get(name)
        # Without a status there is nothing that has to follow its cell.
        pixels = present.pixels if present and image.statuses.get(name) else None
        seen = pixels.snapshot() if pixels is not None and pixels.loaded else None

        def work(_: object) -> tuple[LabelSet, dict[int, int]]:
            labels = read_masks(project, stored, self._flows, image, name, revision)
            if pixels is None:
                return labels, {}
            return labels, ids_in(labels, seen or pixels.snapshot())

        def finish(found: tuple[LabelSet, dict[int, int]]) -> None:
            if project is session.project:
                self._put_back(image, *found, revision)

        self._services.run(f"Reading revision {revision.id}", work, finish)

    def use_parameters(self, row: Row) -> None:
        """Put the model and the parameters of a run into the Segment panel."""
        found = run_of(row)
        if found is None:
            return
        record, parameters = found
        missing = self._segment.show_parameters(record.model.sha256, parameters)
        if missing:
            self._messages.note(f"{missing} The run used {record.model.title}.")
        else:
            self._messages.note(
                "The model and the parameters are in the Segment panel."
            )
        self._services.show_tab(self._segment)

    def apply(self, images: Sequence[ProjectImage], row: Row) -> None:
        """Queue runs with the model and the parameters of a run on other images."""
        found = run_of(row)
        if found is None or not images:
            return
        wanted = _Wanted(found[0].model, found[1])
        project = self._session.project

        def work(_: Checkpoint) -> ModelSpec:
            # Imports torch for the user's own models.
            from cellpose_studio.workflows.provenance.run_again import find_model

            return find_model(wanted.model)

        def finish(model: ModelSpec) -> None:
            if project is self._session.project:
                self._add(model, wanted.parameters, images)

        self._services.run("Looking for the model", work, finish, quiet=True)

    def note(self, row: Row) -> None:
        """Let the user change the note of a revision."""
        revision = revision_of(row)
        if revision is None:
            return
        text = self.ask_text(
            "Note", f"A note on revision {revision.id}:", revision.note
        )
        if text is not None:
            self._set_note(revision.id, text)

    def save_version(self) -> None:
        """Make a revision of the edits, with a note; without edits, note it down."""
        image = self._session.shown
        if image is None or image.masks is None:
            return
        if why := self._session.project.why_read_only:
            self._messages.note(why)
            return
        text = self.ask_text("Save a version", "A note on this version:", "")
        if text is None:
            return
        self._session.commit_pending(image)
        edited = image.masks.edited
        number = self.sealed(image, image.active, text)
        if number is None:
            return
        if text and not edited:
            self._session.project.submit(lambda db: _add_note(db, number, text))
        self._messages.note(f"This version is revision {number}.")
        self.changed.emit()

    def sealed(self, image: ProjectImage, name: str, note: str = "") -> int | None:
        """Make a revision of what was edited; return which one is shown now."""
        self._session.commit_pending(image)
        # Where nothing can be written, the last revision has to do.
        if not self._session.project.why_read_only:
            self._session.seal(image, note)
            self.changed.emit()
        labels = image.label_sets.get(name)
        return labels.revision.id if labels and labels.revision else None

    def others(self) -> list[ProjectImage]:
        """Return all images but the one that is shown."""
        return [e for e in self._session.images if e is not self._session.shown]

    def selected(self) -> list[ProjectImage]:
        """Return the images that are selected in the list, but the one shown."""
        chosen = self._images.selected_images()
        return [image for image in chosen if image is not self._session.shown]

    def ask_text(self, title: str, label: str, text: str) -> str | None:
        """Ask for a text; None if the user wants nothing after all."""
        text, said = QInputDialog.getMultiLineText(
            self._services.parent, title, label, text
        )
        return text.strip() if said else None

    def _put_back(
        self,
        image: ProjectImage,
        labels: LabelSet,
        ids: dict[int, int],
        revision: LabelRevision,
    ) -> None:
        text = f"Restore revision {revision.id}"
        statuses = renamed(image.statuses.get(labels.name, {}), ids)
        self._session.replace_masks(image, labels, text, "restore", statuses=statuses)
        now = image.label_sets[labels.name].revision
        number = f" as revision {now.id}" if now else ""
        self._messages.note(
            f"Revision {revision.id} is back{number}. Ctrl+Z takes it away again."
        )

    def _add(
        self,
        model: ModelSpec,
        parameters: SegmentationParameters,
        images: Sequence[ProjectImage],
    ) -> None:
        flat = parameters.model_copy(update={"do_3D": False})
        stacks = [e for e in images if e.source.planes > 1]
        planes = [e for e in images if e.source.planes == 1]
        for some, wanted in ((stacks, parameters), (planes, flat)):
            if some:
                self._queue.add(some, model, wanted)
        self._messages.note(f"{image_count(len(images))} will run with {model.label}.")

    def _set_note(self, number: int, text: str) -> None:
        self._session.project.submit(lambda db: set_note(db, number, text))
        self.changed.emit()


def _add_note(db: sqlite3.Connection, number: int, text: str) -> None:
    """Put a note below the one that a revision may have."""
    revision = read_revision(db, number)
    notes = [revision.note if revision else "", text]
    set_note(db, number, "\n".join(filter(None, notes)))
