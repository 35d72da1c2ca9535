"""Check of the start as a user does it, in another process."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from cellpose_studio.io.processes import own_command
from cellpose_studio.io.project.file import SUFFIX
from cellpose_studio.workflows.self_test.check import CheckFailed, Found, Place
from cellpose_studio.workflows.self_test.supervisor import (
    own_environment,
    useful_line,
)

LIMIT = 240.0
"""Seconds for the sample image to open: the first start compiles code."""
_INTERVAL = 0.1
_MOMENT = 1.0
"""Seconds that it has to live on after that."""
_END = 20.0


def check_launch(place: Place, command: Sequence[str] = ()) -> Found:
    """Start the program with the sample image, and end it when that is open.

    The other checks open the window by themselves, and would not see what only the
    start needs. ``command`` is another program to start.
    """
    home = place.folder / "home of the start"
    output = place.folder / "output of the start.txt"
    begun = time.monotonic()
    with output.open("wb") as file:
        # The command is this program itself.
        process = subprocess.Popen(  # noqa: S603
            [*(command or own_command()), "--sample", "--new-window"],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=own_environment(home),
        )
    try:
        while not _has_opened(home):
            _refuse_end(process, output)
            if time.monotonic() - begun > LIMIT:
                raise CheckFailed(f"It has not opened its sample within {LIMIT:g} s.")
            time.sleep(_INTERVAL)
        seconds = time.monotonic() - begun
        time.sleep(_MOMENT)
        _refuse_end(process, output)
    finally:
        _end(process)
    return Found(f"The program has opened its sample after {seconds:.1f} s")


def _has_opened(home: Path) -> bool:
    data = home / "data"
    projects = any((data / "projects").glob(f"*{SUFFIX}"))
    return projects and (data / "sample" / "nuclei.tif").exists()


def _refuse_end(process: subprocess.Popen[bytes], output: Path) -> None:
    """Raise `CheckFailed`, with what the process has printed, if it has ended."""
    if process.poll() is None:
        return
    printed = output.read_text("utf-8", errors="replace").strip()
    raise CheckFailed(f"It ended by itself. {useful_line(printed)}\n{printed}".strip())


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
