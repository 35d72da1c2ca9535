"""Opening files off the GUI thread, and asking about axes where it must be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from qtpy.QtWidgets import QDialog, QWidget

from cellpose_studio.app.failures import failure_of
from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.app.runs import imported_labels
from cellpose_studio.app.session import Session
from cellpose_studio.app.settings import Settings
from cellpose_studio.core.axes import AxesQuestion
from cellpose_studio.io.imported import plain
from cellpose_studio.ui.dialogs import AxesDialog
from cellpose_studio.ui.messages import MessageBar
from cellpose_studio.workflows.open import Opened, open_paths

Ask = Callable[[AxesQuestion, QWidget], "tuple[str, bool] | None"]


def ask_axes(question: AxesQuestion, parent: QWidget) -> tuple[str, bool] | None:
    """Return the axes, and whether they hold for all such files; None: cancelled."""
    dialog = AxesDialog(question, parent)
    if dialog.exec() != QDialog.DialogCode.Accepted:
        return None
    return dialog.axes, dialog.same.isChecked()


class Opener:
    """Opens what the user drops or chooses."""

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
        self.ask: Ask = ask_axes

    def open(self, paths: Sequence[Path], axes: str | None = None) -> Job:
        """Open files and folders; the first image of them is shown."""
        title = f"Opening {paths[0].name}" if paths else "Opening"
        if len(paths) > 1:
            title += f" and {len(paths) - 1} more"
        job = Job(title, lambda checkpoint: open_paths(paths, checkpoint, axes))
        job.finished.connect(lambda opened: self._finish(paths, opened, axes))
        job.failed.connect(lambda error: self._messages.fail(failure_of(error)))
        return self._queue.start(job)

    def _finish(self, paths: Sequence[Path], opened: Opened, axes: str | None) -> None:
        if opened.images:
            self._add(opened, axes)
        if opened.images or opened.questions:
            self._settings.add_recent(paths)
        if opened.failures:
            self._messages.fail_together([failure_of(e) for e in opened.failures])
        self._ask_about(opened.questions)

    def _add(self, opened: Opened, axes: str | None) -> None:
        entries = self._session.add((image for image, _ in opened.images), axes)
        for entry, (image, masks) in zip(entries, opened.images, strict=True):
            for name, imported in masks.items():
                if name not in entry.label_set_ids:
                    labels = imported_labels(name, imported, image)
                    self._session.import_labels(entry, labels, plain(imported.details))
                    self._session.choose_labels(entry, name)
        self._session.show(entries[0].image.key)

    def _ask_about(self, questions: list[AxesQuestion]) -> None:
        """Ask about each file, or once for all of one shape; open them then."""
        answers: dict[tuple[int, ...], str] = {}
        for question in questions:
            axes = answers.get(question.shape)
            if axes is None:
                answer = self.ask(question, self._parent)
                if answer is None:
                    continue
                axes, for_all = answer
                if for_all:
                    answers[question.shape] = axes
            self.open([question.path], axes)
