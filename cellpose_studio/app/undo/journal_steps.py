"""Steps of an earlier start, which can be undone as if nothing had been between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cellpose_studio.app.undo.stack import (
    EditStep,
    HeadSwitch,
    StatusStep,
    UndoStack,
    UndoStep,
)
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.io.project.tables.undo_steps import JournalStep, read_edit

if TYPE_CHECKING:
    from cellpose_studio.app.masks.project_image import ProjectImage
    from cellpose_studio.app.session.session import Session


class QuietStep(UndoStep):
    """A step that is in the journal; it does nothing while the stack is built."""

    quiet = True

    def redo(self) -> None:
        """Do the step again."""
        if not self.quiet:
            super().redo()

    def undo(self) -> None:
        """Take the step back."""
        if not self.quiet:
            super().undo()


class JournalSwitchStep(QuietStep, HeadSwitch):
    """A head switch that is in the journal."""

    def __init__(
        self, session: Session, entry: ProjectImage, name: str, past: JournalStep
    ) -> None:
        super(HeadSwitch, self).__init__(past.entry.operation)
        self.image = entry
        self._session = session
        self._name = self._active_before = name
        self._before, self._after = past.before, past.after
        self._statuses = past.entry.statuses or {}
        self._number = past.number
        self._new = None


class JournalEditStep(QuietStep, EditStep):
    """An edit that is in the journal; its pixels are read before it is undone."""

    def __init__(
        self,
        session: Session,
        entry: ProjectImage,
        name: str,
        past: JournalStep,
        done: bool,
    ) -> None:
        super(EditStep, self).__init__(past.entry.operation)
        self.image = entry
        self._session = session
        self._project = session.project
        self._name = name
        self._past = past
        self._read: LabelEdit | None = None
        self._applied = False
        self._statuses = past.entry.statuses or {}
        self._done = done
        self._number = past.number

    @property
    def edit(self) -> LabelEdit:
        """What it does when it is done; raises `ProjectDamaged`."""
        if self._read is None:
            number = self._past.entry.id
            self._read = self._project.read(lambda db: read_edit(db, number))
        return self._read

    @property
    def is_read(self) -> bool:
        """Its pixels are in memory."""
        return self._read is not None

    def read(self) -> None:
        """Read its pixels, from any thread; raises `ProjectDamaged`."""
        _ = self.edit


class JournalStatusStep(QuietStep, StatusStep):
    """A change of statuses that is in the journal."""

    def __init__(
        self, session: Session, entry: ProjectImage, name: str, past: JournalStep
    ) -> None:
        changes = past.entry.statuses
        assert changes is not None
        super().__init__(session, entry, name, changes, past.entry.operation)
        self._number = past.number


def rebuild(
    history: UndoStack, session: Session, steps: list[JournalStep], done: int
) -> None:
    """Fill an empty stack with the steps of a project.

    Parameters
    ----------
    steps, done
        As `read_steps` gives them. Those on images that are not in the list are left
        out.
    """
    places = {
        number: (entry, name)
        for entry in session.images
        for name, number in entry.label_set_ids.items()
    }
    commands: list[QuietStep] = []
    index = 0
    for n, past in enumerate(steps):
        place = places.get(past.entry.label_set)
        if place is not None:
            commands.append(_command(session, *place, past, n < done))
            index += n < done
    for command in commands:
        history.push(command)
    history.setIndex(index)
    for command in commands:
        command.quiet = False


def _command(
    session: Session, entry: ProjectImage, name: str, past: JournalStep, done: bool
) -> QuietStep:
    if past.entry.of_statuses:
        return JournalStatusStep(session, entry, name, past)
    if past.entry.head is None:
        return JournalEditStep(session, entry, name, past, done)
    return JournalSwitchStep(session, entry, name, past)
