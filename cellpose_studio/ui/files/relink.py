"""Asking where images that are missing have gone, and finding them there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget

from cellpose_studio.app.failures import failure_of
from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.app.session.session import Entry, Session
from cellpose_studio.app.settings import Settings
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.io.images.missing import missing_among
from cellpose_studio.ui.widgets.message_bar import MessageBar
from cellpose_studio.ui.widgets.wording import images
from cellpose_studio.workflows.relink import LostImage, find_lost, is_other

Found = list[tuple[Entry, ImageSource | None]]

_NAMED = 3
"""How many images that are still missing a message names."""


class Relinker:
    """Looks for missing images in a folder that the user chooses."""

    def __init__(
        self,
        session: Session,
        queue: JobQueue,
        settings: Settings,
        messages: MessageBar,
        parent: QWidget,
    ) -> None:
        self._session = session
        self._queue = queue
        self._settings = settings
        self._messages = messages
        self._parent = parent

    def ask(self, entries: Sequence[Entry] | None = None) -> None:
        """Ask for a folder and look there for those of ``entries`` that are missing."""
        folder = QFileDialog.getExistingDirectory(
            self._parent, "Where are the images?", self._settings.folder
        )
        if folder:
            self.look_in(Path(folder), entries)

    def look_in(self, folder: Path, entries: Sequence[Entry] | None = None) -> Job:
        """Look for the images that are missing, of ``entries`` or of all."""
        project, shown = self._session.project, self._session.shown
        chosen = [*(self._session.entries if entries is None else entries)]
        # A file with another image in it takes a look inside, too long for all.
        doubted = {shown} if entries is None else {*entries}
        taken = [entry.image.key for entry in self._session.entries]

        def work(checkpoint: Checkpoint) -> Found:
            missing = missing_among((e.image.path for e in chosen), checkpoint)
            lost = [
                entry
                for entry in chosen
                if entry.image.path in missing
                or (entry in doubted and is_other(entry.image))
            ]
            wanted = [LostImage(entry.image, entry.asked_axes) for entry in lost]
            found = find_lost(folder, wanted, checkpoint, taken)
            return list(zip(lost, found, strict=True))

        job = Job(f"Looking for images in {folder.name}", work)
        job.finished.connect(
            lambda found: self._finish(found, project is self._session.project)
        )
        job.failed.connect(lambda error: self._messages.fail(failure_of(error)))
        return self._queue.start(job)

    def _finish(self, found: Found, still_open: bool) -> None:
        if still_open:
            self._session.relink(
                *((entry, image) for entry, image in found if image is not None)
            )
            self._messages.note(summary(found))


def summary(found: Found) -> str:
    """Return what came of looking for images, as a sentence."""
    if not found:
        return "No image is missing."
    left = [entry.image.name for entry, image in found if image is None]
    if not left:
        return f"{images(len(found))} {_were(len(found))} found."
    names = ", ".join(left[:_NAMED])
    if len(left) > _NAMED:
        names += f" and {len(left) - _NAMED} more"
    verb = "is" if len(left) == 1 else "are"
    got = len(found) - len(left)
    return (
        f"{got} of {images(len(found))} {_were(got)} found; {names} {verb} still "
        "missing."
    )


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
