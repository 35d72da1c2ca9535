"""What is open: the images of a project with their masks, and every change of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from psygnal import Signal

from cellpose_studio.app.gc_tuning import frozen_after
from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.masks.store import MaskStore
from cellpose_studio.app.masks.stroke import Stroke
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.removed_images import RemovedImages
from cellpose_studio.app.undo.deferred import DeferredUndo
from cellpose_studio.app.undo.journal_steps import rebuild
from cellpose_studio.app.undo.stack import EditStep, HeadSwitch, UndoStack, UndoStep
from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.core.provenance.record import RunRecord
from cellpose_studio.core.provenance.revision import (
    LabelRevision,
    RevisionKind,
    StatusChanges,
)


class Session(MaskStore):
    """The state of the running application, on the GUI thread.

    Panels listen to the signals and read the state; every change goes through a
    method here, which also hands it to the project.
    """

    project_changed = Signal()
    leaving = Signal()  # the project, for another one or for good
    labels_edited = Signal(object, str, object)  # Entry, name, LabelEdit
    labels_drafted = Signal(object, str, object)  # the same, of a stroke on its way
    undone = Signal(object, object)  # Entry, LabelEdit that was undone or redone
    recorded = Signal(object, object)  # Entry, LabelSet: a new revision
    step_requested = Signal(object, object)  # Step, what to do then
    masks_requested = Signal(object, object, object)  # Entry, LabelSet, what to do then

    def __init__(self, project: Project) -> None:
        super().__init__(project)
        self._stroke: Stroke | None = None
        self.undo_stack = UndoStack()
        self._going_back = DeferredUndo(self, self._is_possible)
        self._load(project)

    def use(self, project: Project) -> None:
        """Show another project; the one before is not closed."""
        self.leave()
        self._show(None)
        self._load(project)
        self.project_changed.emit()
        self.images_changed.emit()

    def leave(self) -> None:
        """Say that the project is about to be left, while it can be written to."""
        self.end_stroke()
        self.leaving.emit()

    def choose_label_set(self, image: ProjectImage, name: str) -> None:
        """Make the label set of that name the active one of an image."""
        self._keep_previews(image)
        self.put_active(image, name)

    # New masks as a whole

    def replace_masks(
        self,
        image: ProjectImage,
        labels: LabelSet,
        text: str,
        kind: RevisionKind = "run",
        details: dict[str, object] | None = None,
        statuses: StatusChanges | None = None,
    ) -> None:
        """Give an image new masks, the active ones, as one step that can be undone.

        They become a revision, and ``statuses`` change with them. An image that was
        taken off the list meanwhile has them when it is added again; nothing happens to
        one of another project.
        """
        if self._by_id.get(image.id) is not image:
            return
        listed = self._images.get(image.source.key) is image
        name = labels.name
        if labels is not image.label_sets.get(name):
            self._keep_previews(image)
        before = self._leave(image, name)
        after, number = self._heads.record(
            self._label_set(image, name),
            image.id,
            labels,
            kind,
            text,
            before,
            details,
            statuses,
        )
        self._recent.keep(after)
        self.recorded.emit(image, after)
        if listed:
            self.undo_stack.push(
                HeadSwitch(self, image, name, text, before, after, number, statuses)
            )
        else:
            self._put(image, name, after)
        self._put_statuses(image, name, statuses or {})

    def import_masks(
        self, image: ProjectImage, labels: LabelSet, details: dict[str, object]
    ) -> None:
        """Give an image the masks that lay beside it; not a step of the user's."""
        after, _ = self._heads.record(
            self._label_set(image, labels.name),
            image.id,
            labels,
            "import",
            f"Import {labels.origin.removeprefix('from ')}",
            None,
            details,
        )
        self._recent.keep(after)
        self.recorded.emit(image, after)
        self._put(image, labels.name, after)

    def record_run(self, image: ProjectImage, record: RunRecord) -> None:
        """Keep the record of a run that gave no masks."""
        self._heads.record_run(image.id, record)
        self.image_changed.emit(image)

    def preview(self, image: ProjectImage, labels: LabelSet) -> None:
        """Show masks that are not worth a revision yet: a slider is moving."""
        self.end_stroke()
        if image.preview_of is not None and image.preview_of.name != labels.name:
            self._keep_previews(image)
        if image.preview_of is None:
            image.preview_of = image.label_sets.get(labels.name)
        self._put(image, labels.name, labels)

    def keep_preview(self, image: ProjectImage, text: str) -> None:
        """Make a revision of the masks previewed, as one step; without one, nothing."""
        if image.preview_of is not None:
            labels = image.label_sets[image.preview_of.name]
            self.replace_masks(image, labels, text, "threshold")

    def complete(self, image: ProjectImage, labels: LabelSet, **known: Any) -> None:
        """Add what is known of masks that were just read from the project.

        The user may have edited them already.
        """
        now = image.label_sets.get(labels.name)
        if now is not None and now.pixels is labels.pixels:
            image.label_sets[labels.name] = replace(now, **known)
            self._recent.keep(image.label_sets[labels.name])
            self.labels_changed.emit(image, labels.name)

    def switch_head(
        self,
        image: ProjectImage,
        name: str,
        revision: LabelRevision | None,
        text: str,
        undoes: int,
        statuses: StatusChanges,
    ) -> tuple[LabelRevision | None, int]:
        """Put the masks of a revision back, or none; for the undo stack.

        Returns the revision left, edits included, and the journal entry's id.
        """
        left = self._leave(image, name)
        after = None
        if revision is not None:
            after = self._masks_at(name, revision)
            self._recent.keep(after)
        number = self._heads.switch(
            self._label_set(image, name), text, left, after, undoes, statuses
        )
        self._put(image, name, after)
        self._put_statuses(image, name, statuses)
        return left, number

    def put_new(self, image: ProjectImage, labels: LabelSet) -> None:
        """Show masks that were just recorded; for the undo stack."""
        self._activate(image, labels.name)
        self._put(image, labels.name, labels)

    def undo(self) -> None:
        """Take the last thing back, whatever it was; a preview is one, too."""
        self.end_stroke()
        self._keep_previews()
        self._going_back.ask(-1)

    def redo(self) -> None:
        """Do again what was taken back."""
        self.end_stroke()
        self._keep_previews()
        self._going_back.ask(1)

    # Edits

    def edit(
        self,
        image: ProjectImage,
        edit: LabelEdit,
        statuses: StatusChanges | None = None,
    ) -> None:
        """Change pixels of the active masks, as one step that can be undone.

        ``statuses`` change with them, where cells get other ids. Nothing happens to
        an image that is not, or no longer, in the list.
        """
        if self.image_of(image.id) is not image:
            return
        self._keep_previews(image)
        self.end_stroke()
        step = EditStep(self, image, image.active, edit, statuses=statuses)
        if edit.parts and image.masks is not None and self._is_possible(step):
            self.undo_stack.push(step)

    def begin_stroke(self, image: ProjectImage, operation: str) -> Stroke:
        """Return a stroke on the active masks, which the user is about to draw."""
        self._keep_previews(image)
        self.end_stroke()
        self._stroke = Stroke(self, image, operation)
        return self._stroke

    @property
    def drawing(self) -> bool:
        """A stroke has begun and not ended."""
        return self._stroke is not None

    def take_stroke_back(self) -> None:
        """Leave the pixels as they were before the stroke that goes on."""
        stroke, self._stroke = self._stroke, None
        if stroke is not None:
            stroke.take_back()

    def end_stroke(self) -> None:
        """Make a step of what was drawn until now; without a stroke, nothing."""
        stroke, self._stroke = self._stroke, None
        if stroke is not None:
            stroke.end()

    def draft(self, image: ProjectImage, name: str, edit: LabelEdit) -> None:
        """Change pixels of a stroke that has not ended."""
        self._change(image, name, edit)
        self.labels_drafted.emit(image, name, edit)

    def keep_draft(self, image: ProjectImage, name: str, edit: LabelEdit) -> None:
        """Make a step of a stroke whose pixels are changed already."""
        self.undo_stack.push(EditStep(self, image, name, edit, applied=True))

    def apply_edit(
        self,
        image: ProjectImage,
        name: str,
        edit: LabelEdit,
        undoes: int | None,
        statuses: StatusChanges | None = None,
    ) -> int:
        """Write an edit into the masks and the journal; for the undo stack."""
        self.end_stroke()
        self._drop_preview(image, name)
        self._change(image, name, edit)
        return self.write_edit(image, name, edit, undoes, statuses)

    def write_edit(
        self,
        image: ProjectImage,
        name: str,
        edit: LabelEdit,
        undoes: int | None,
        statuses: StatusChanges | None = None,
    ) -> int:
        """Write an edit into the journal, after its pixels; for the undo stack."""
        labels = image.label_sets[name]
        assert labels.revision is not None
        cells = len(labels.pixels.cell_table())
        number = self._heads.edit(
            self._label_set(image, name),
            labels.revision,
            edit,
            cells,
            undoes,
            labels.pixels.highest,
            statuses,
        )
        image.label_sets[name] = replace(labels, cells=cells, edited=True)
        self._recent.keep(image.label_sets[name])
        self.labels_edited.emit(image, name, edit)
        self._put_statuses(image, name, statuses or {})
        return number

    def reveal_edit(self, image: ProjectImage, name: str, edit: LabelEdit) -> None:
        """Show where an edit was undone, or done again; for the undo stack."""
        self.show_masks(image, name)
        self.undone.emit(image, edit)

    def seal(self, image: ProjectImage, note: str = "") -> None:
        """Make revisions of all masks of an image that were edited.

        Edits of masks that nobody has looked at yet stay in the journal: those may
        turn out to be unreadable.
        """
        self.end_stroke()
        for name in list(image.label_sets):
            self._seal(image, name, note)

    def seal_all(self) -> None:
        """Make revisions of everything that was edited, and keep previews."""
        self._keep_previews()
        for image in self._images.values():
            self.seal(image)

    # Within

    def _is_possible(self, step: UndoStep) -> bool:
        """Tell whether a step can be done; once begun, the stack has moved by it."""
        try:
            step.check()
        except StudioError as error:
            self.failed.emit(error)
            return False
        return True

    def _load(self, project: Project) -> None:
        self.project = project
        self.undo_stack.clear()
        self._stroke = None
        self._hold_masks_of(project)
        self._images, self._hidden, self._shown = {}, RemovedImages(), None
        self._by_id = {}
        with frozen_after(len(project.stored_images)):
            self._make_images(project)
        rebuild(self.undo_stack, self, project.steps, project.done)

    def _make_images(self, project: Project) -> None:
        for stored in project.stored_images:
            image = self._by_id[stored.id] = ProjectImage(
                id=stored.id,
                source=stored.image,
                active=stored.active,
                reviewed=stored.reviewed,
                asked_axes=stored.asked_axes,
            )
            if stored.hidden:
                self._hidden.put(image)
            else:
                self._images[stored.image.key] = image
        for label_set in project.stored_label_sets:
            image = self._by_id[label_set.image]
            image.label_set_ids[label_set.name] = label_set.id
            if statuses := project.stored_statuses.get(label_set.id):
                image.statuses[label_set.name] = statuses
            image.highest[label_set.name] = label_set.highest
            if label_set.head is not None:
                image.label_sets[label_set.name] = self._stored.at_head(label_set)

    def _leave(self, image: ProjectImage, name: str) -> LabelRevision | None:
        """Seal what was edited, drop a preview; return the revision that was left."""
        self._drop_preview(image, name)
        self.end_stroke()
        return self._seal_for_good(image, name)

    def _change(self, image: ProjectImage, name: str, edit: LabelEdit) -> None:
        image.label_sets[name].pixels.apply(edit)

    def _keep_previews(self, *images: ProjectImage) -> None:
        """Keep the previews of some images, or of all."""
        for image in images or self._images.values():
            self.keep_preview(image, "Change thresholds")

    def _drop_preview(self, image: ProjectImage, name: str) -> None:
        if image.preview_of is not None and image.preview_of.name == name:
            image.label_sets[name] = image.preview_of
            image.preview_of = None

    def _before_hiding(self, image: ProjectImage) -> None:
        self._keep_previews(image)
        self.seal(image)
        self.undo_stack.forget(image)
