"""The steps that can be undone: new masks, edits of pixels, what is said of cells."""

from __future__ import annotations

from collections.abc import Callable

from cellpose_studio.app.masks.editor import MaskEditor
from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.core.provenance.revision import CellChanges, LabelRevision


class StepUnfit(StudioError):
    """A step that cannot be done on the masks as they are."""


class UndoStep:
    """Something that was done, and can be undone and redone.

    Parameters
    ----------
    name
        Of the label set of ``image`` that it was done on.
    text
        What the menu calls it.
    number
        Id of the journal entry that did it, undid it or did it again last.
    """

    def __init__(
        self, editor: MaskEditor, image: ProjectImage, name: str, text: str, number: int
    ) -> None:
        self.image = image
        self.name = name
        self.text = text
        self._editor = editor
        self._number = number

    def undo(self) -> None:
        """Take it back."""
        raise NotImplementedError

    def redo(self) -> None:
        """Do it again."""
        raise NotImplementedError

    def rename(self, old: str, new: str) -> None:
        """Replace the former name of a label set."""
        if self.name == old:
            self.name = new

    def check(self, by: int) -> None:
        """Raise `StudioError` if it cannot be undone (-1), or redone (1)."""

    @property
    def is_read(self) -> bool:
        """What it does is in memory."""
        return True

    def read(self) -> None:
        """Bring what it does into memory, from any thread; raises `ProjectDamaged`."""

    def needs(self) -> LabelSet | None:
        """Return the masks that have to be in memory for it, if any."""
        return None

    @property
    def heads(self) -> tuple[LabelRevision | None, LabelRevision | None]:
        """The masks before and after it, where it replaces them as a whole."""
        return None, None

    def brings(self, by: int) -> LabelSet | None:
        """Return masks in memory that undoing (-1) or redoing (1) puts in place."""
        revision = self.heads[0 if by < 0 else 1]
        return self._editor.kept(revision) if revision is not None else None


class HeadSwitch(UndoStep):
    """A label set got new masks as a whole, or lost them.

    By a run, an import or a threshold; or because it was deleted.

    It holds revisions, not pixels. Undoing goes back to the image it happened on.

    Parameters
    ----------
    before, after
        Heads of the label set; None for no masks.
    active_before, active_after
        The label sets that were active before and after; None after for this one.
    """

    def __init__(
        self,
        editor: MaskEditor,
        image: ProjectImage,
        name: str,
        text: str,
        number: int,
        *,
        before: LabelRevision | None,
        after: LabelRevision | None,
        active_before: str,
        active_after: str | None = None,
        changes: CellChanges | None = None,
    ) -> None:
        super().__init__(editor, image, name, text, number)
        self._before = before
        self._after = after
        self._active_before = active_before
        self._active_after = active_after
        self._changes = changes or CellChanges()

    def rename(self, old: str, new: str) -> None:
        """Replace the former name of a label set."""
        super().rename(old, new)
        if self._active_before == old:
            self._active_before = new
        if self._active_after == old:
            self._active_after = new

    @property
    def heads(self) -> tuple[LabelRevision | None, LabelRevision | None]:
        """The heads of the label set."""
        return self._before, self._after

    def undo(self) -> None:
        """Put the former masks back, or none."""
        # Edits that came after the new masks were undone before; so what is left now
        # has the pixels of the new masks, whatever revision they are meanwhile.
        changes = self._changes.inverse()
        self._after = self._switch(self._before, f"Undo {self.text}", changes)
        self._editor.show(self.image, self._active_before)

    def redo(self) -> None:
        """Put the new masks in place again, and show what was active then."""
        self._before = self._switch(self._after, self.text, self._changes)
        left = self._active_after or self.name
        if left not in self.image.label_sets:
            left = self.image.others(self.name)
        self._editor.show(self.image, left)

    def _switch(
        self, to: LabelRevision | None, text: str, changes: CellChanges
    ) -> LabelRevision | None:
        left, self._number = self._editor.switch_head(
            self.image, self.name, to, text, self._number, changes
        )
        return left


class EditStep(UndoStep):
    """Pixels of a label set were changed by hand."""

    def __init__(
        self,
        editor: MaskEditor,
        image: ProjectImage,
        name: str,
        text: str,
        number: int,
        *,
        edit: LabelEdit | None,
        changes: CellChanges | None = None,
    ) -> None:
        super().__init__(editor, image, name, text, number)
        self._edit = edit
        self._changes = changes or CellChanges()

    @property
    def edit(self) -> LabelEdit:
        """What it does when it is done."""
        assert self._edit is not None
        return self._edit

    def check(self, by: int) -> None:
        """Raise `StudioError` if the masks cannot be read, or are other ones."""
        check_fit(self.image, self.name, self.edit if by > 0 else self.edit.inverse())

    def needs(self) -> LabelSet | None:
        """Return the masks that were edited."""
        return self.image.label_sets.get(self.name)

    def undo(self) -> None:
        """Write the pixels before the edit."""
        undone = self.edit.inverse(f"Undo {self.text}")
        self._apply(undone, self._changes.inverse())

    def redo(self) -> None:
        """Write the pixels after the edit."""
        self._apply(self.edit, self._changes)

    def _apply(self, edit: LabelEdit, changes: CellChanges) -> None:
        self._number = self._editor.apply(
            self.image, self.name, edit, self._number, changes
        )
        self._editor.reveal(self.image, self.name, edit)


class CellsStep(UndoStep):
    """Something was decided about cells: a status, a class, or a division."""

    def __init__(
        self,
        editor: MaskEditor,
        image: ProjectImage,
        name: str,
        text: str,
        number: int,
        *,
        changes: CellChanges,
    ) -> None:
        super().__init__(editor, image, name, text, number)
        self._changes = changes

    def undo(self) -> None:
        """Put back what was known of the cells before."""
        self._apply(f"Undo {self.text}", self._changes.inverse())

    def redo(self) -> None:
        """Decide it again."""
        self._apply(self.text, self._changes)

    def _apply(self, text: str, changes: CellChanges) -> None:
        self._editor.show(self.image, self.name)
        self._number = self._editor.cells.apply(
            self.image, self.name, text, changes, self._number
        )


class RenameStep(UndoStep):
    """A label set got another name.

    The journal has no names, so it cannot be undone any more after a restart.

    Parameters
    ----------
    name, new
        Before and after.
    rename_steps
        Replaces a name in the other steps of the image.
    """

    def __init__(
        self,
        editor: MaskEditor,
        image: ProjectImage,
        name: str,
        new: str,
        rename_steps: Callable[[str, str], None],
    ) -> None:
        super().__init__(editor, image, name, f"Rename masks to “{new}”", 0)
        self._new = new
        self._rename_steps = rename_steps

    def rename(self, old: str, new: str) -> None:
        """Keep both names: later renames are undone before this one."""

    def check(self, by: int) -> None:
        """Raise `StudioError` if other masks have the name, or these are not there."""
        now, to = (self.name, self._new) if by > 0 else (self._new, self.name)
        if now not in self.image.label_sets or to in self.image.label_set_ids:
            raise StepUnfit(
                f"The masks of {self.image.source.name} cannot be called “{to}” any "
                "more, so they keep their name."
            )

    def undo(self) -> None:
        """Give the masks their former name."""
        self._apply(self._new, self.name)

    def redo(self) -> None:
        """Give the masks the new name again."""
        self._apply(self.name, self._new)

    def _apply(self, now: str, to: str) -> None:
        self._editor.rename(self.image, now, to)
        self._rename_steps(now, to)


def check_fit(image: ProjectImage, name: str, edit: LabelEdit) -> None:
    """Raise `StudioError` if an edit does not fit the masks of an image."""
    labels = image.label_sets.get(name)
    if labels is None or not edit.fits(labels.array):
        raise StepUnfit(
            f"The masks of {image.source.name} are not those that "
            f'"{edit.operation}" was done on, so it was left out.'
        )
