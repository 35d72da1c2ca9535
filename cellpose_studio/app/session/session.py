"""What is open: the images of a project with their masks, and every change of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from psygnal import Signal

from cellpose_studio.app.masks.cell_changer import describe, status_changes
from cellpose_studio.app.masks.editor import MaskEditor
from cellpose_studio.app.masks.events import Events
from cellpose_studio.app.masks.image_collection import ImageCollection
from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.masks.store import MaskStore
from cellpose_studio.app.masks.stroke import Stroke
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.undo.deferred import DeferredUndo, StepLoader
from cellpose_studio.app.undo.journal_steps import rebuild
from cellpose_studio.app.undo.stack import UndoStack
from cellpose_studio.app.undo.steps import (
    CellsStep,
    EditStep,
    HeadSwitch,
    UndoStep,
    check_fit,
)
from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.core.provenance.record import RunRecord
from cellpose_studio.core.provenance.revision import (
    CellChanges,
    CellStatus,
    RevisionKind,
)
from cellpose_studio.gc_tuning import frozen_after


class Session(Events):
    """The state of the running application, on the GUI thread.

    Panels listen to the signals and read the state; every change goes through a
    method here, which hands it to the part that does it and to the undo stack. The
    parts are those of the project that is open: hold on to the session, not to them.

    Attributes
    ----------
    images
        The images, and which of them is shown.
    masks
        Their masks, in memory or in the project.
    editor
        Changes masks, and journals that.
    undo_stack
        What can be undone and redone.
    """

    project_changed = Signal()
    leaving = Signal()  # the project is left while it can still be written to

    def __init__(self, project: Project) -> None:
        self.undo_stack = UndoStack()
        self._stroke: Stroke | None = None
        self._deferred = DeferredUndo(
            self.undo_stack, lambda: self.shown, self._is_possible, self._is_busy
        )
        self.shown_left.connect(lambda image: self.masks.keep_all(image))
        self._open(project)

    def use(self, project: Project) -> None:
        """Show another project; the one before is not closed."""
        self.leave()
        # The canvas is cleared while the masks shown still belong to the session.
        self.images.show_none()
        self._open(project)
        self.project_changed.emit()
        self.images_changed.emit()

    def leave(self) -> None:
        """Tell listeners that the project is left, while it can be written to."""
        self.end_stroke()
        self.leaving.emit()

    def _open(self, project: Project) -> None:
        self._stroke = None
        # Garbage collections would visit thousands of entries that live as long as the
        # project.
        with frozen_after(len(project.stored_images)):
            images = ImageCollection(project, self)
            masks = MaskStore(project, images, self)
        editor = MaskEditor(masks, images, self)
        self.project, self.images, self.masks = project, images, masks
        self.editor = editor
        self.undo_stack.load(rebuild(editor, project, images.known, project.steps))

    # Images

    @property
    def shown(self) -> ProjectImage | None:
        """The image on the canvas."""
        return self.images.shown

    def image(self, key: str) -> ProjectImage | None:
        """Return the image of a key, None if it is not in the list."""
        return self.images.by_key(key)

    def image_of(self, number: int) -> ProjectImage | None:
        """Return the image of an id, None if it is not in the list."""
        return self.images.by_id(number)

    def add(
        self, sources: Iterable[ImageSource], asked_axes: str | None = None
    ) -> list[ProjectImage]:
        """Add images, or read them anew; see `ImageCollection.add`."""
        added = list(sources)
        for image in self.images.replaced_by(added):
            self._put_away(image)
        return self.images.add(added, asked_axes)

    def close(self, *keys: str) -> None:
        """Remove images from the list; see `ImageCollection.remove`."""
        for image in (self.images.by_key(key) for key in keys):
            if image is not None:
                self._put_away(image)
        self.images.remove(*keys)

    def put_back(self, *images: ProjectImage) -> None:
        """Put images that were removed back; see `ImageCollection.put_back`."""
        self.images.put_back(*images)

    def show(self, key: str) -> None:
        """Put an image on the canvas."""
        self.images.show(key)

    def step(self, by: int, keys: list[str] | None = None) -> None:
        """Show the image ``by`` places further down the list, or down ``keys``."""
        self.images.step(by, keys)

    def relink(self, *found: tuple[ProjectImage, ImageSource]) -> None:
        """Set where images of the list lie now; see `ImageCollection.relink`."""
        self.images.relink(*found)

    def set_reviewed(self, image: ProjectImage, reviewed: bool) -> None:
        """Set whether the user is done with an image."""
        self.images.set_reviewed(image, reviewed)

    def choose_label_set(self, image: ProjectImage, name: str) -> None:
        """Make the label set of that name the active one of an image."""
        self.commit_pending(image)
        self.editor.activate(image, name)

    # New masks as a whole

    def replace_masks(
        self,
        image: ProjectImage,
        labels: LabelSet,
        text: str,
        kind: RevisionKind = "run",
        details: dict[str, object] | None = None,
        changes: CellChanges | None = None,
        activate: bool = True,
    ) -> None:
        """Give an image new masks, as one step that can be undone.

        They become a revision, with ``changes`` of cells, and ``activate`` makes them
        the active ones. Images of another project get none.
        """
        if not self.images.is_known(image):
            return
        # `commit_pending` has called this method for a preview, which is these masks.
        if labels is not image.label_sets.get(labels.name):
            self.commit_pending(image)
        self.end_stroke()
        # The name is read first, because `put_new` makes the new masks the active ones.
        active = image.active
        new = self.editor.put_new(image, labels, text, kind, details, changes, activate)
        step = HeadSwitch(
            *(self.editor, image, labels.name, text, new.number),
            before=new.before,
            after=new.labels.revision,
            active_before=active,
            active_after=None if activate else active,
            changes=changes,
        )
        self.undo_stack.push(step)

    def import_masks(
        self,
        image: ProjectImage,
        labels: LabelSet,
        details: dict[str, object],
        changes: CellChanges | None = None,
    ) -> None:
        """Give an image the masks that lay beside it; not a step of the user's."""
        text = f"Import {labels.origin.removeprefix('from ')}"
        self.add_masks(image, labels, text, "import", details, changes)

    def add_masks(
        self,
        image: ProjectImage,
        labels: LabelSet,
        text: str,
        kind: RevisionKind = "run",
        details: dict[str, object] | None = None,
        changes: CellChanges | None = None,
    ) -> None:
        """Give an image a label set that is not the active one; not a step."""
        if self.images.is_known(image):
            self.editor.put_new(
                image, labels, text, kind, details, changes, activate=False
            )

    def record_run(self, image: ProjectImage, record: RunRecord) -> None:
        """Keep the record of a run that gave no masks."""
        self.editor.record_run(image, record)

    def preview(self, image: ProjectImage, labels: LabelSet) -> None:
        """Show masks that are not worth a revision yet: a slider is moving."""
        self.end_stroke()
        if image.preview_of is not None and image.preview_of.name != labels.name:
            self.commit_pending(image)
        self.editor.preview(image, labels)

    def commit_pending(self, *images: ProjectImage) -> None:
        """Make revisions of the previews of some images, or of all: one step each."""
        for image in images or self.images:
            if image.preview_of is not None:
                labels = image.label_sets[image.preview_of.name]
                self.replace_masks(image, labels, "Change thresholds", "threshold")

    def complete(self, image: ProjectImage, labels: LabelSet, **known: Any) -> None:
        """Add what is known of masks that were just read from the project."""
        self.editor.complete(image, labels, **known)

    # Edits

    def edit(
        self,
        image: ProjectImage,
        edit: LabelEdit,
        changes: CellChanges | None = None,
    ) -> None:
        """Change pixels of the active masks, as one step that can be undone.

        ``changes`` of cells come with them. Nothing happens to an image that is not, or
        no longer, in the list.
        """
        if self.image_of(image.id) is not image:
            return
        self.commit_pending(image)
        self.end_stroke()
        if not edit.parts or image.masks is None:
            return
        name = image.active
        try:
            check_fit(image, name, edit)
        except StudioError as error:
            self.failed.emit(error)
            return
        number = self.editor.apply(image, name, edit, changes=changes)
        self._push_edit(image, name, edit, number, changes)

    def set_cell_status(
        self, image: ProjectImage, cells: Iterable[int], status: CellStatus | None
    ) -> None:
        """Give cells of the active masks a status, as one step; None takes it away."""
        statuses = status_changes(image, cells, status)
        text = describe(len(statuses), status)
        self.change_cells(image, text, CellChanges(statuses=statuses))

    def change_cells(
        self, image: ProjectImage, text: str, changes: CellChanges
    ) -> None:
        """Change what is known of cells of the active masks, as one step."""
        if not changes or image.masks is None:
            return
        name = image.active
        number = self.editor.cells.apply(image, name, text, changes)
        step = CellsStep(self.editor, image, name, text, number, changes=changes)
        self.undo_stack.push(step)

    def begin_stroke(self, image: ProjectImage, operation: str) -> Stroke:
        """Return a stroke on the active masks, which the user is about to draw."""
        self.commit_pending(image)
        self.end_stroke()
        self._stroke = Stroke(self.editor, image, operation)
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
        # The stroke is forgotten first: listeners of the edit may call methods that end
        # a stroke.
        stroke, self._stroke = self._stroke, None
        if stroke is None:
            return
        edit = stroke.end()
        if edit.parts:
            number = self.editor.keep_draft(stroke.image, stroke.name, edit)
            self._push_edit(stroke.image, stroke.name, edit, number)

    def seal(self, image: ProjectImage, note: str = "") -> None:
        """Make revisions of all masks of an image that were edited.

        Edits of masks that nobody has looked at yet stay in the journal: those may
        turn out to be unreadable.
        """
        self.end_stroke()
        for name in list(image.label_sets):
            self.masks.seal(image, name, note)

    def seal_all(self) -> None:
        """Make revisions of everything that was edited, and of previews."""
        self.commit_pending()
        for image in self.images:
            self.seal(image)

    # Undo

    def undo(self) -> None:
        """Take back what was done last to the image shown; a preview is one, too."""
        self._ask(-1)

    def redo(self) -> None:
        """Do again what was taken back on the image shown."""
        self._ask(1)

    @property
    def can_undo(self) -> bool:
        """There is a step that can be undone on the image shown."""
        return self.undo_stack.next(-1, self.shown) is not None

    @property
    def can_redo(self) -> bool:
        """There is a step that can be redone on the image shown."""
        return self.undo_stack.next(1, self.shown) is not None

    @property
    def undo_text(self) -> str:
        """What would be undone; empty without a step."""
        return self.undo_stack.text(-1, self.shown)

    @property
    def redo_text(self) -> str:
        """What would be redone; empty without a step."""
        return self.undo_stack.text(1, self.shown)

    def use_loader(self, loader: StepLoader) -> None:
        """Let a loader read what steps need; else they read it on the GUI thread."""
        self._deferred.loader = loader

    # Within

    def _ask(self, by: int) -> None:
        self.end_stroke()
        self.commit_pending()
        # A stroke or a preview is what the user did last: it has become a step by now.
        self._deferred.ask(by)

    def _is_possible(self, step: UndoStep, by: int) -> bool:
        """Return whether a step can be done; if not, the user is told why."""
        try:
            step.check(by)
        except StudioError as error:
            self.failed.emit(error)
            return False
        return True

    def _is_busy(self) -> bool:
        """Return whether a stroke or a slider is on its way."""
        return self.drawing or any(e.preview_of is not None for e in self.images)

    def _push_edit(
        self,
        image: ProjectImage,
        name: str,
        edit: LabelEdit,
        number: int,
        changes: CellChanges | None = None,
    ) -> None:
        of_it = self.editor, image, name, edit.operation, number
        self.undo_stack.push(EditStep(*of_it, edit=edit, changes=changes))

    def _put_away(self, image: ProjectImage) -> None:
        """Do what has to be done before an image is removed from the list."""
        self.commit_pending(image)
        self.seal(image)
