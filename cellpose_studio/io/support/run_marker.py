"""Files that tell the next start how this run of the application ended."""

from __future__ import annotations

import faulthandler
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from cellpose_studio.core.errors import CannotSave
from cellpose_studio.io.atomic import replacing
from cellpose_studio.io.processes import host_name, is_running, start_time

_NAME = re.compile(r"run-(?P<host>[0-9a-f]{8})-(?P<process>\d+)-(?P<start>\d+)\.json")
_LARGEST_TRACE = 100_000  # bytes
_LONGEST = 30 * 24 * 60 * 60.0
"""Seconds after which a file of another computer is nobody's."""


@dataclass(frozen=True, kw_only=True)
class EndedRun:
    """A run that did not end by itself.

    Attributes
    ----------
    time
        When it was last known to run, in seconds since 1970.
    process
        Number of its process.
    version
        Version of the application.
    project
        The project that was open; None if it had no images.
    trace
        What each thread was doing at a crash in native code; empty if the run was
        killed from outside, or ended with the computer.
    """

    time: float
    process: int
    version: str
    project: Path | None
    trace: str


@dataclass(kw_only=True)
class _State:
    version: str
    project: str = ""
    leaving: bool = False


class RunMarker:
    """The marker of this process, removed at its end. No error of the disk gets out.

    Parameters
    ----------
    folder
        The folder of logs.
    version
        Version of the application.
    """

    def __init__(self, folder: Path, version: str) -> None:
        self._process = os.getpid()
        name = f"run-{host_name()}-{self._process}-{start_time()}"
        self._file = folder / f"{name}.json"
        self._trace_file = folder / f"{name}.trace"
        self._state = _State(version=version)
        self._trace: IO[bytes] | None = None
        self._write()
        # Without the marker, nobody would look for the trace.
        if not self._file.exists():
            return
        with suppress(OSError):
            # Kept open, because a crash leaves no way to open it.
            self._trace = self._trace_file.open("wb", buffering=0)
            faulthandler.enable(self._trace)

    def note_project(self, project: Path | None) -> None:
        """Remember which project is open; None while it has no images."""
        text = str(project) if project else ""
        if text != self._state.project:
            self._state.project = text
            self._write()

    def note_leaving(self, leaving: bool) -> None:
        """Remember that the application was asked to end, so that a kill is no news."""
        if leaving != self._state.leaving:
            self._state.leaving = leaving
            self._write()

    def end(self) -> None:
        """Remove the marker: the application ends by itself."""
        # A process that was forked off is none of its own.
        if os.getpid() != self._process:
            return
        if self._trace is not None:
            faulthandler.disable()
            self._trace.close()
            self._trace = None
        for file in (self._file, self._trace_file):
            with suppress(OSError):
                file.unlink()

    def _write(self) -> None:
        with suppress(CannotSave), replacing(self._file) as part:
            part.write_text(json.dumps(asdict(self._state)), "utf-8")


def ended_runs(folder: Path) -> list[EndedRun]:
    """Return the runs that ended without an end, the newest first, each once.

    Runs that go on and those on other computers are left alone. A run that was asked
    to end, or was killed with nothing open, is passed over.
    """
    return sorted(_ended(folder), key=lambda run: run.time, reverse=True)


def _ended(folder: Path) -> Iterator[EndedRun]:
    try:
        files = sorted(folder.glob("run-*.json"))
    except OSError:
        return
    for file in files:
        name = _NAME.fullmatch(file.name)
        if name is None:
            continue
        with suppress(OSError):
            process = int(name["process"])
            if name["host"] != host_name():
                if file.stat().st_mtime < time.time() - _LONGEST:
                    _take(file)
            elif not is_running(process, int(name["start"])):
                run = _read(file, process)
                # Two windows that start together both find it: one takes it.
                if _take(file) and run is not None:
                    yield run


def _read(file: Path, process: int) -> EndedRun | None:
    trace = _trace_of(file)
    last = file.with_suffix(".trace") if trace else file
    state = _state_of(file)
    project = Path(state.project) if state.project else None
    if not trace and (state.leaving or project is None):
        return None
    return EndedRun(
        time=last.stat().st_mtime,
        process=process,
        version=state.version,
        project=project,
        trace=trace,
    )


def _state_of(file: Path) -> _State:
    try:
        stored = json.loads(file.read_text("utf-8"))
        return _State(
            version=str(stored["version"]),
            project=str(stored["project"]),
            leaving=bool(stored["leaving"]),
        )
    # Damaged, or written by another version.
    except (ValueError, TypeError, KeyError):
        return _State(version="")


def _trace_of(file: Path) -> str:
    try:
        with file.with_suffix(".trace").open("rb") as trace:
            return trace.read(_LARGEST_TRACE).decode("utf-8", "replace")
    except OSError:
        return ""


def _take(file: Path) -> bool:
    """Remove a marker; return whether nobody else has."""
    try:
        file.unlink()
    except OSError:
        return False
    with suppress(OSError):
        file.with_suffix(".trace").unlink()
    return True
