"""Runs the checks in a process of their own, and outlives what happens to it.

A library that is missing may end a process without an exception, and a driver may
never return. Then the check at hand is named, and another process goes on with the
rest. The open project and the settings of the user are out of reach of the checks:
they have folders of their own.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import CannotSave
from cellpose_studio.io.processes import own_command
from cellpose_studio.paths import HOME, user_folders
from cellpose_studio.workflows.self_test.check import REPORT_IT, Outcome

OPTION = "--self-test-child"
"""Start option of the process that does the checks; its value is a folder."""
REQUEST, EVENTS = "request.json", "events.jsonl"
"""Files in that folder: what to do, and a line of JSON for each thing that happens."""

START, LEAVE = "start", "leave"
"""Names of what is checked from outside: start and end of the process."""

_OUTPUT = "output.txt"
_INTERVAL = 0.05
_LAST_LINES = 15
_START_LIMIT = 300.0
_LEAVE_LIMIT = 60.0
_TITLES = {START: "Start of the program", LEAVE: "End of the program"}


@dataclass(kw_only=True)
class Listener:
    """Who is told of the progress; from the thread of the supervisor.

    Attributes
    ----------
    planned
        Called with names and titles of all checks, when they are known.
    started
        Called with the name of a check.
    ended
        Called with what came of it.
    """

    planned: Callable[[dict[str, str]], object] = lambda _: None
    started: Callable[[str], object] = lambda _: None
    ended: Callable[[Outcome], object] = lambda _: None


def own_environment(home: Path) -> dict[str, str]:
    """Return the environment of this application once more, with another home."""
    return {
        **os.environ,
        HOME: str(home),
        # A bundle of PyInstaller would take it for a process of the same start, and
        # would not tell the loader of libraries where its own are.
        "PYINSTALLER_RESET_ENVIRONMENT": "1",
    }


def supervise(
    listener: Listener,
    checkpoint: Checkpoint,
    names: Sequence[str] = (),
    command: Sequence[str] = (),
) -> list[Outcome]:
    """Run the checks of ``names``, or all, in child processes; return what came of it.

    Raises
    ------
    Cancelled
        After a stop; the child has been ended by then.
    CannotSave
        If there is no place for temporary files.
    """
    outcomes: dict[str, Outcome] = {}
    run = _Run(listener, checkpoint, outcomes, list(command) or own_command())
    left: list[str] = list(names)
    while True:
        known = len(outcomes)
        with _folder() as folder:
            run.once(folder, left)
        missing = [name for name in run.planned if name not in outcomes]
        left = [name for name in missing if name != LEAVE]
        # A child that ends before its first check would do so forever.
        if not left or len(outcomes) == known:
            break
    for name in missing:
        run.end(_failed(name, run.planned[name], "Not tried, because of the above."))
    return list(outcomes.values())


@contextmanager
def _folder() -> Iterator[Path]:
    try:
        folder = tempfile.TemporaryDirectory(
            prefix="cellpose-studio check ", ignore_cleanup_errors=True
        )
    except OSError as error:
        raise CannotSave(
            f"There is no place for temporary files: {error.strerror or error}.",
            "Free some space, or set TMPDIR to a folder that can be written to.",
        ) from error
    with folder as path:
        yield Path(path)


@dataclass(kw_only=True)
class _Child:
    """A child at work.

    Attributes
    ----------
    current, since
        The check at hand, and when it began.
    limit
        Seconds that it may take.
    done
        Whether all checks were tried.
    read
        How many bytes of its events were read.
    """

    process: subprocess.Popen[bytes]
    folder: Path
    current: str = START
    since: float = field(default_factory=time.monotonic)
    limit: float = _START_LIMIT
    done: bool = False
    read: int = 0

    def begin(self, name: str, limit: float) -> None:
        self.current, self.limit, self.since = name, limit, time.monotonic()

    @property
    def seconds(self) -> float:
        return round(time.monotonic() - self.since, 3)

    def events(self) -> list[dict[str, Any]]:
        """Return what was told since the last call; a line in the making waits."""
        try:
            with (self.folder / EVENTS).open("rb") as file:
                file.seek(self.read)
                new = file.read()
        except OSError:
            return []
        whole = new[: new.rfind(b"\n") + 1]
        self.read += len(whole)
        return [json.loads(line) for line in whole.splitlines()]

    def output(self) -> str:
        """Return the last lines that it printed: a library may say what it lacks."""
        text = (self.folder / _OUTPUT).read_text("utf-8", errors="replace")
        return "\n".join(text.strip().splitlines()[-_LAST_LINES:])


class _Run:
    """The children of one run, one after another."""

    def __init__(
        self,
        listener: Listener,
        checkpoint: Checkpoint,
        outcomes: dict[str, Outcome],
        command: list[str],
    ) -> None:
        self._listener = listener
        self._checkpoint = checkpoint
        self._outcomes = outcomes
        self._command = command
        self.planned: dict[str, str] = {}

    def once(self, folder: Path, names: Sequence[str]) -> None:
        """Start a child for some checks, and follow it to its end."""
        child = self._start(folder, names)
        if child is None:
            return
        process = child.process
        try:
            while process.poll() is None:
                self._checkpoint.check()
                self._take(child)
                if child.seconds > child.limit:
                    _kill(process)
                    self._take(child)
                    self._overtime(child)
                    return
                time.sleep(_INTERVAL)
            self._take(child)
            self._left(child)
        finally:
            if process.poll() is None:
                _kill(process)

    def end(self, outcome: Outcome) -> None:
        """Keep an outcome, and tell of it.

        What has passed is not told again when another process needs it again.
        """
        if outcome.name in self._outcomes and outcome.works:
            return
        self._outcomes[outcome.name] = outcome
        self._listener.ended(outcome)

    def _begin(self, name: str) -> None:
        if name not in self._outcomes:
            self._listener.started(name)

    def _start(self, folder: Path, names: Sequence[str]) -> _Child | None:
        folders = {kind: str(path) for kind, path in user_folders().items()}
        known = self._outcomes.values()
        wrong = {one.name: one.title for one in known if not one.works}
        request = {"checks": list(names), "wrong": wrong, "user_folders": folders}
        (folder / REQUEST).write_text(json.dumps(request), encoding="utf-8")
        self._begin(START)
        try:
            with (folder / _OUTPUT).open("wb") as output:
                # The command is this program itself.
                process = subprocess.Popen(  # noqa: S603
                    [*self._command, OPTION, str(folder)],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=_environment(folder),
                )
        except OSError as error:
            self.end(_failed(START, "", f"It cannot be started: {error}."))
            return None
        return _Child(process=process, folder=folder)

    def _take(self, child: _Child) -> None:
        for event in child.events():
            kind = event.pop("event")
            if kind == "planned":
                self._planned(child, event["checks"])
            elif kind == "started":
                child.begin(event["name"], event["limit"])
                self._begin(event["name"])
            elif kind == "ended":
                self.end(Outcome(**event))
            elif kind == "leaving":
                child.done = True
                child.begin(LEAVE, _LEAVE_LIMIT)
                self._begin(LEAVE)

    def _planned(self, child: _Child, checks: dict[str, str]) -> None:
        # A second child knows only the rest of them.
        if not self.planned:
            self.planned = {START: _TITLES[START], **checks, LEAVE: _TITLES[LEAVE]}
            self._listener.planned(self.planned)
        if START not in self._outcomes:
            text = f"The program started within {child.seconds:.1f} s"
            self.end(_outcome(START, "passed", text, child.seconds))

    def _overtime(self, child: _Child) -> None:
        self.end(
            _outcome(
                child.current,
                "failed",
                f"It did not end within {child.limit:g} s, and was stopped.",
                child.seconds,
                title=self.planned.get(child.current, ""),
                advice="Try again when the computer has less to do. " + REPORT_IT,
                details=child.output(),
            )
        )

    def _left(self, child: _Child) -> None:
        """Tell how a child that ended by itself has ended."""
        code = child.process.returncode
        if child.done and code == 0:
            self.end(_outcome(LEAVE, "passed", "The program ended", child.seconds))
            return
        output = child.output()
        reason = f"The program ended unexpectedly ({_end(code)})."
        self.end(
            _outcome(
                child.current,
                "failed",
                f"{reason} {useful_line(output)}".strip(),
                child.seconds,
                title=self.planned.get(child.current, ""),
                advice=_advice(output),
                details=output,
            )
        )


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process, and what it has started."""
    # It takes a moment to import, and is needed only here.
    import psutil

    started: list[psutil.Process] = []
    with suppress(psutil.Error):
        started = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    for one in started:
        with suppress(psutil.Error):
            one.kill()


def _environment(folder: Path) -> Mapping[str, str]:
    return {
        **own_environment(folder / "home of the check"),
        # Python's own report of a crash names the function that it happened in.
        "PYTHONFAULTHANDLER": "1",
    }


def _outcome(
    name: str,
    status: Any,
    text: str,
    seconds: float,
    *,
    title: str = "",
    **more: Any,
) -> Outcome:
    title = title or _TITLES.get(name, name)
    return Outcome(
        name=name,
        title=title,
        status=status,
        text=text,
        seconds=seconds,
        since_start=seconds,
        **more,
    )


def _failed(name: str, title: str, text: str) -> Outcome:
    return _outcome(name, "failed", text, 0.0, title=title, advice=REPORT_IT)


def _end(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def useful_line(output: str) -> str:
    """Return the line of the output that tells most: the last, if none is better."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    words = ("error while loading", "cannot open", "xcb", "Error: ")
    telling = [line for line in lines if any(word in line for word in words)]
    return (telling or lines[-1:] or [""])[0]


def _advice(output: str) -> str:
    if "xcb" in output or "platform plugin" in output:
        return (
            "Install the libraries that Qt needs for windows: on Debian and Ubuntu "
            "libxcb-cursor0, libxcb-icccm4, libxcb-keysyms1 and libxkbcommon-x11-0."
        )
    return "Install the program again. " + REPORT_IT
