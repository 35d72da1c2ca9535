"""Opens, saves and closes projects."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from qtpy.QtCore import QObject, QTimer, Signal
from qtpy.QtWidgets import QApplication, QFileDialog, QMessageBox

from cellpose_studio.app.failures import Failure
from cellpose_studio.app.jobs import Job
from cellpose_studio.app.project.contents import Contents, read_contents
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.project.scratch import is_unnamed, new_unnamed
from cellpose_studio.app.session.held_copy import save_held
from cellpose_studio.core.errors import StudioError
from cellpose_studio.io.project.file import SUFFIX, open_project
from cellpose_studio.io.project.recovery.sidecar_files import is_taken
from cellpose_studio.io.project.rescue.rescue import RescueReport, rescue
from cellpose_studio.io.project.save_as import ContentLost
from cellpose_studio.paths import real_path
from cellpose_studio.ui.files.saving_wait import SavingWait
from cellpose_studio.ui.services import Services

PROJECT_FILTER = f"Projects (*{SUFFIX})"

_HELD_TIMEOUT = 600.0  # seconds to write what is in memory
_PATIENCE = 10.0  # seconds in which nothing is written
_FLUSH_TIMEOUT = 3.0  # seconds
_AGAIN = 100  # ms


class Projects(QObject):
    """Replaces the project of the session; saves all changes before.

    Attributes
    ----------
    patience
        Seconds in which nothing is written, after which the user is asked.
    stops_runs_unasked
        Whether a run is stopped without a question, as at the end of a session.
    """

    saved = Signal(str)  # text of the status bar
    opening = Signal()
    opened = Signal()
    left = Signal()  # the project before is closed, and can be opened again

    def __init__(self, services: Services) -> None:
        super().__init__(services.parent)
        self._parent = services.parent
        self._services = services
        self._session = services.session
        self._settings = services.settings
        self._messages = services.messages
        self._reported = ""
        self.patience = _PATIENCE
        self._leaving = False
        self.stops_runs_unasked = False
        self._opening: set[Path] = set()
        self._connect_writer()

    def new(self) -> None:
        """Start an unnamed project."""
        if not self.may_leave():
            return
        try:
            self._use(new_unnamed())
        except StudioError as error:
            self._services.show_error(error)

    def open(self, path: Path, then: Callable[[], object] = lambda: None) -> Job | None:
        """Open a project on a worker thread; call ``then`` when it is open."""
        target = real_path(path)
        if self._is_open(path):
            then()
            return None
        # A second attempt would find the file locked by the first one.
        if target in self._opening:
            return None
        self._opening.add(target)
        self.opening.emit()
        job = self._services.run(
            f"Opening {path.name}",
            lambda _: read_contents(open_project(path)),
            lambda contents: self._on_contents(contents, then),
        )
        job.ended.connect(lambda: self._opening.discard(target))
        return job

    def choose_and_open(self) -> None:
        """Ask for a project and open it."""
        file, _ = QFileDialog.getOpenFileName(
            self._parent, "Open a project", self._settings.folder, PROJECT_FILTER
        )
        if file:
            self.open(Path(file))

    def choose_and_rescue(self) -> None:
        """Ask for a damaged project, and open a new one with all data it still has."""
        file, _ = QFileDialog.getOpenFileName(
            self._parent,
            "Rescue a damaged project",
            self._settings.folder,
            PROJECT_FILTER,
        )
        if file:
            self.rescue(Path(file))

    def rescue(self, damaged: Path) -> Job:
        """Save the readable part of a project as a new one beside it, and open that."""
        target = _free(damaged.with_stem(f"{damaged.stem}-rescued"))
        return self._services.run(
            f"Rescuing {damaged.name}",
            lambda _: rescue(damaged, target),
            self._on_rescued,
        )

    def ask_and_save(self) -> None:
        """Ask for a file name, copy the project there, and continue in the copy."""
        start = Path(self._settings.folder) / f"{self._suggestion()}{SUFFIX}"
        file, _ = QFileDialog.getSaveFileName(
            self._parent, "Save project as", str(start), PROJECT_FILTER
        )
        if file:
            path = Path(file)
            self.save_as(path if path.suffix == SUFFIX else Path(f"{file}{SUFFIX}"))

    def save_as(self, path: Path) -> Job:
        """Copy the project to ``path`` on a worker thread, and continue in the copy."""
        project = self._session.project
        self._session.seal_all()
        job = Job(f"Saving {path.name}", lambda _: project.save_as(path))
        job.finished.connect(lambda _: self._on_saved_as(path, project))
        job.failed.connect(lambda error: self._on_save_failed(error, path, project))
        return self._services.io_jobs.start(job)

    def _on_save_failed(self, error: Exception, path: Path, project: Project) -> None:
        # What is in memory is that of the open project.
        is_open = project is self._session.project
        if not isinstance(error, ContentLost) or not is_open:
            self._services.show_error(error)
            return
        try:
            copy = save_held(self._session, path)
        except StudioError as reason:
            self._services.show_error(reason)
            return

        def opened(contents: Contents) -> None:
            if project is self._session.project:
                self._use_contents(contents)
            else:
                # Without this, the file would stay locked.
                contents.file.close()
            self._messages.note(copy.text, "\n".join(copy.missing))

        def written(_: object) -> Contents:
            # It is written in the background; what was read has to be all of it.
            copy.project.close(_HELD_TIMEOUT)
            return read_contents(open_project(path))

        self._services.run(f"Saving {path.name}", written, opened)

    def close(self) -> None:
        """Close the project, and start an unnamed one."""
        self.new()

    def may_leave(self) -> bool:
        """Save all changes; return whether the project may be closed.

        The user is asked before a run is stopped, and whether to discard changes that
        cannot be saved. Saving that takes a moment is shown, and can be cancelled.
        """
        # The window is not dead meanwhile: the desktop may ask again.
        if self._leaving:
            return False
        self._leaving = True
        try:
            return self._may_leave()
        finally:
            self._leaving = False

    def _may_leave(self) -> bool:
        if self._runs() and not self._may_stop_runs():
            return False
        try:
            self._session.seal_all()
        # Any error: edits are in the journal, and the user must be able to quit.
        except Exception as error:
            self._services.show_error(error)
        project = self._session.project
        saved = SavingWait(project, self._parent, self.patience).wait()
        if saved == "cancelled" or (saved == "stuck" and not self._may_give_up()):
            return False
        try:
            self._session.leave()
        except Exception as error:
            self._services.show_error(error)
        # Listeners of `leave` may have submitted more, such as the state of the window.
        if not project.writer.is_stuck:
            project.writer.flush(min(self.patience, _FLUSH_TIMEOUT))
        return True

    def _runs(self) -> list[Job]:
        """Return the runs that are going on, or wait."""
        return [job for job in self._services.gpu_jobs.jobs if not job.is_preview]

    def _may_stop_runs(self) -> bool:
        """Return whether the run at hand may be stopped."""
        if self.stops_runs_unasked:
            return True
        box = QMessageBox(
            QMessageBox.Icon.Question,
            "A run is going on",
            f"{self._runs()[0].title} is going on. Stop it?\n"
            "Its result would be lost; images that wait in the queue stay there.",
            parent=self._parent,
        )
        stop = box.addButton("&Stop the run", QMessageBox.ButtonRole.AcceptRole)
        wait = box.addButton("&Keep running", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(wait)
        box.exec()
        box.deleteLater()
        # It may have ended while the question was shown.
        return box.clickedButton() is stop or not self._runs()

    def _may_give_up(self) -> bool:
        """Ask whether to discard unsaved changes, or save the project elsewhere.

        Return whether the user discards them.
        """
        project = self._session.project
        answer = QMessageBox.warning(
            self._parent,
            "Unsaved changes",
            f"{project.writer.pending} changes of {project.name} could not be saved.\n"
            "Save the project elsewhere, or discard the changes?",
            QMessageBox.StandardButton.Save
            | QMessageBox.StandardButton.Discard
            | QMessageBox.StandardButton.Cancel,
            QMessageBox.StandardButton.Save,
        )
        if answer == QMessageBox.StandardButton.Save:
            self.ask_and_save()
        return bool(answer == QMessageBox.StandardButton.Discard)

    def _is_open(self, path: Path) -> bool:
        """Return whether ``path`` is the open project; if so, show a note."""
        is_open = real_path(path) == real_path(self._session.project.path)
        if is_open:
            self._messages.note(f"{path.name} is already open.")
        return is_open

    def _on_contents(self, contents: Contents, then: Callable[[], object]) -> None:
        # A dialog that waits for an answer is about the project that is open.
        if QApplication.activeModalWidget() is not None:
            again = QTimer(self, singleShot=True, interval=_AGAIN)
            again.timeout.connect(lambda: self._on_contents(contents, then))
            again.timeout.connect(again.deleteLater)
            again.start()
            return
        if self._is_open(contents.file.path) or not self.may_leave():
            # Without this, the file would stay locked.
            contents.file.close()
            return
        self._use_contents(contents)
        then()

    def _use_contents(self, contents: Contents) -> None:
        # The project is made on the GUI thread, because its writer emits its signals in
        # the thread that made it.
        project = Project(contents, unnamed=is_unnamed(contents.file.path))
        if not project.unnamed:
            self._settings.add_project(project.path)
            self._settings.set_folder(project.folder)
        self._use(project)
        if project.read_only_reason:
            self._messages.fail(Failure(project.read_only_reason))
        elif project.crashed and not project.notes:
            self._messages.note(
                f"{project.name} was not closed properly. All saved work was recovered."
            )
        for note in project.notes:
            self._messages.fail(Failure(note))

    def _on_rescued(self, report: RescueReport) -> None:
        self._messages.fail(Failure(*str(report).split("\n", 1)))
        self.open(report.target)

    def _use(self, project: Project) -> None:
        old = self._session.project
        self._session.use(project)
        # What the old writer says last is not about the new project.
        old.writer.saved.disconnect(self._on_saved)
        old.writer.failing.disconnect(self._on_failing)
        self._connect_writer()
        # On a worker thread, because the last changes may take a moment to write.
        # The job has no patience: `may_leave` has flushed, or the user gave up the
        # rest.
        job = Job("Closing the project", lambda _: old.close(0), quiet=True)
        job.ended.connect(self.left.emit)
        self._services.io_jobs.start(job)
        self.opened.emit()

    def _on_saved_as(self, path: Path, project: Project) -> None:
        self._settings.add_project(path)
        self._settings.set_folder(path.parent)
        self._messages.note(f"Saved as {path.name} in {path.parent}.")
        # Another one may have been opened while the copy was written.
        if project is self._session.project:
            self.saved.emit(_saved_now())
            self.opened.emit()

    def _connect_writer(self) -> None:
        writer = self._session.project.writer
        writer.saved.connect(self._on_saved)
        writer.failing.connect(self._on_failing)
        writer.broken.connect(self._messages.fail)
        self._reported = ""
        read_only = bool(self._session.project.read_only_reason)
        self.saved.emit("read-only" if read_only else "")

    def _on_saved(self) -> None:
        if self._reported:
            self._reported = ""
            self._messages.note("Saving works again. All changes are saved.")
        self.saved.emit(_saved_now())

    def _on_failing(self, failure: Failure) -> None:
        self.saved.emit("not saved")
        # The writer retries for as long as it fails; the user reads it once.
        if failure.message != self._reported:
            self._reported = failure.message
            self._messages.fail(failure)

    def _suggestion(self) -> str:
        """Return the suggested name of a copy, without suffix."""
        project, images = self._session.project, self._session.images
        if not project.unnamed:
            return f"{project.name} copy"
        return images[0].source.path.parent.name if images else "project"


def _saved_now() -> str:
    return f"saved {datetime.now():%H:%M:%S}"


def _free(path: Path) -> Path:
    """Return ``path``, with a number if that file exists."""
    number, free = 1, path
    while is_taken(free):
        number += 1
        free = path.with_stem(f"{path.stem}-{number}")
    return free
