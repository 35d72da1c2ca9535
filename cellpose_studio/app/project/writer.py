"""The thread that owns a project's connection and makes every change durable."""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from qtpy.QtCore import QObject, Qt, Signal, Slot

from cellpose_studio.app.project.write_failures import can_pass, never, not_yet
from cellpose_studio.io.project.file import ProjectFile
from cellpose_studio.io.project.save_as import save_as
from cellpose_studio.io.project.writing import reconnect, transaction

Change = Callable[[sqlite3.Connection], None]
"""Writes values that it holds; may be called again when a commit failed."""

_RETRY_SECONDS = 2.0


@dataclass
class _Task:
    """Something other than a change: it is run on its own, and waited for."""

    call: Callable[[], object]
    done: threading.Event = field(default_factory=threading.Event)
    error: BaseException | None = None


_NO_TASK = _Task(lambda: None)


class Writer(QObject):
    """Commits changes in the order in which they were submitted.

    Those that wait together are one transaction. What cannot be written is kept
    and tried again, until it can be or the user saves the project elsewhere.
    Signals are emitted in the thread that made the writer.
    """

    saved = Signal()
    failing = Signal(object)  # Failure: nothing is lost yet, but nothing is saved
    broken = Signal(object)  # Failure: a change that can never be written was left out
    _told = Signal(str, tuple)

    def __init__(self, file: ProjectFile) -> None:
        super().__init__()
        self._file = file
        self._tasks: queue.SimpleQueue[Change | _Task | None] = queue.SimpleQueue()
        self._waiting: list[Change] = []
        self._turn = threading.Lock()
        self._later: list[_Task | None] = []
        self._wake = threading.Event()
        self._idle = threading.Condition()
        self._submitted = self._committed = 0
        self._fails = False
        # The writer's thread emits only this signal; listeners run in the GUI thread.
        self._told.connect(self._on_told, Qt.ConnectionType.QueuedConnection)
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    @property
    def file(self) -> ProjectFile:
        """The file that is written to."""
        return self._file

    @property
    def is_stuck(self) -> bool:
        """Nothing can be written at present: to wait for it is in vain."""
        return self._fails or self._file.read_only

    @property
    def pending(self) -> int:
        """How many changes are not durable yet."""
        with self._idle:
            return self._submitted - self._committed

    def is_durable(self, ticket: int) -> bool:
        """Tell whether the change of that number is on the disk."""
        # The number only grows, so a comparison needs no lock.
        return self._committed >= ticket

    def turn(self) -> AbstractContextManager[object]:
        """Keep commits out while something is read, where the file needs that."""
        return self._turn if self._file.in_turns else nullcontext()

    def submit(self, change: Change) -> int:
        """Queue a change; returns its number at once."""
        with self._idle:
            # One lock for both: the number of a change is its place in the queue.
            self._submitted += 1
            self._tasks.put(change)
            return self._submitted

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all is durable; False if it was not in ``timeout`` seconds."""
        # What failed before is tried again at once, not after the delay.
        self._wake.set()
        with self._idle:
            # After `close` there is nothing to wait for.
            self._idle.wait_for(
                lambda: self._is_durable() or not self._thread.is_alive(), timeout
            )
            return self._is_durable()

    def _is_durable(self) -> bool:
        return self._committed == self._submitted

    def move_to(self, file: ProjectFile) -> None:
        """Go on in another file, which holds what was committed so far.

        To be called in a task of `run`.
        """
        self._file.close()
        self._file = file

    def save_as(self, path: Path, ids: Counter[str] | None = None) -> ProjectFile:
        """Copy the project to ``path`` and go on there; raises `CannotSave`.

        What could not be written before is written there; what comes meanwhile is
        still committed where the project was. For ``ids``, see `save_as`
        of the project file.
        """
        new: list[ProjectFile] = []

        def work() -> None:
            new.append(save_as(self._file, path, ids, self._commit_between))
            self.move_to(new[0])

        self.run(work)
        return new[0]

    def run(self, call: Callable[[], object]) -> None:
        """Call something in the writer's thread, between changes; raise as it does."""
        task = _Task(call)
        self._tasks.put(task)
        self._wake.set()
        task.done.wait()
        if task.error is not None:
            raise task.error

    def close(self) -> None:
        """Stop the thread and close the file; what is not durable is given up."""
        self._tasks.put(None)
        self._wake.set()
        self._thread.join()
        self._file.close()

    # In the thread

    def _run(self) -> None:
        while True:
            item = self._next()
            if isinstance(item, _Task):
                self._do(item)
            if self._waiting:
                self._commit_waiting()
            if item is None:
                return

    def _next(self) -> _Task | None:
        """Return a task, or collect the changes that wait; None to stop."""
        if self._later:
            return self._later.pop()
        return self._collected(self._peek() if self._waiting else self._tasks.get())

    def _collected(self, item: Change | _Task | None) -> _Task | None:
        """Let changes wait, up to the first item that is none; return that."""
        while item is not None and not isinstance(item, _Task):
            self._waiting.append(item)
            try:
                item = self._tasks.get_nowait()
            except queue.Empty:
                return _NO_TASK
        return item

    def _peek(self) -> Change | _Task | None:
        """Wait a while for something new before trying again what failed."""
        self._wake.wait(_RETRY_SECONDS)
        self._wake.clear()
        return self._at_once()

    def _at_once(self) -> Change | _Task | None:
        """Return what is next in the queue, without waiting for it."""
        try:
            return self._tasks.get_nowait()
        except queue.Empty:
            return _NO_TASK

    def _commit_between(self) -> None:
        """Commit what came while the file is copied; other tasks come later."""
        if self._later or self.is_stuck:
            return
        item = self._collected(self._at_once())
        if item is not _NO_TASK:
            self._later.append(item)
        if self._waiting:
            self._commit_waiting(copying=True)

    def _do(self, task: _Task) -> None:
        try:
            task.call()
        # Whoever waits gets it.
        except BaseException as error:
            task.error = error
        task.done.set()

    def _commit_waiting(self, copying: bool = False) -> None:
        try:
            self._commit(self._waiting)
        # The thread has to go on, whatever it is.
        except Exception as error:
            if can_pass(error):
                self._keep(error, copying)
            else:
                self._leave_out_bad_ones(copying)
        else:
            self._count(len(self._waiting))
            self._waiting = []
            self._tell("saved")

    def _commit(self, changes: list[Change]) -> None:
        with self.turn(), transaction(self._file) as db:
            for change in changes:
                change(db)
        # They are written once, but count only if the file is still in its place.
        changes[:] = [_nothing] * len(changes)
        self._file.check_place()

    def _leave_out_bad_ones(self, copying: bool) -> None:
        """Commit one by one; a change that can never be written is reported."""
        while self._waiting:
            first = self._waiting[:1]
            try:
                self._commit(first)
            except Exception as error:
                if can_pass(error):
                    # `_commit` may have replaced it by `_nothing`: it must not be
                    # written twice.
                    self._waiting[:1] = first
                    self._keep(error, copying)
                    return
                self._tell("broken", never(error, self._file))
            del self._waiting[0]
            self._count(1)

    def _keep(self, error: Exception, copying: bool) -> None:
        """Say why nothing is saved; open the file again if that may help.

        A drive that went away leaves a dead handle. One that is copied stays.
        """
        self._fails = True
        self._tell("failing", not_yet(error, self._file))
        if "full" not in str(error) and not copying:
            reconnect(self._file)

    def _count(self, changes: int) -> None:
        self._fails = False
        with self._idle:
            self._committed += changes
            self._idle.notify_all()

    def _tell(self, signal: str, *values: object) -> None:
        self._told.emit(signal, values)

    @Slot(str, tuple)  # type: ignore[untyped-decorator]
    def _on_told(self, signal: str, values: tuple[object, ...]) -> None:
        getattr(self, signal).emit(*values)


def _nothing(db: sqlite3.Connection) -> None:
    """Stand for a change that is written already."""
