"""A process that is killed at any moment loses nothing that was on the disk."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.errors import ProjectUnusable
from tests.quick import quick_first

WORKER = Path(__file__).with_name("worker.py")
WINDOW = Path(__file__).with_name("window_worker.py")
PATIENCE = 600.0

# Which of the kills happen while the worker edits, saves elsewhere, or runs a network.
KINDS = ("edit", "edit", "save", "edit", "run")


@pytest.mark.parametrize("seed", quick_first(3, range(210)))
def test_a_kill_loses_nothing_that_was_written(qapp, tmp_path, seed):
    kill_and_check(tmp_path, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_a_kill_of_the_window_loses_nothing_that_was_written(
    qapp, cells, tmp_path, seed
):
    for name in ("a.tif", "b.tif"):
        cells(name, (256, 256))
    command = [sys.executable, WINDOW, tmp_path, seed]
    done, files = killed(command, tmp_path / "log", "edit", seed)
    check(tmp_path, done, files, "window")


def kill_and_check(folder: Path, seed: int) -> None:
    kind = KINDS[seed % len(KINDS)]
    command = [sys.executable, WORKER, folder / "work.cpstudio", folder / "log"]
    first = "run" if kind == "run" else "edit"
    done, files = killed([*command, seed, kind], folder / "log", first, seed)
    check(folder, done, files, kind)


def killed(
    command: list[object], log: Path, first: str, seed: int
) -> tuple[list[dict], list[str]]:
    """Return what a worker did before it was killed.

    The lines of its log, and the names of the project's files, the newest first.
    """
    worker = subprocess.Popen([*map(str, command)], stderr=subprocess.PIPE, text=True)
    try:
        wait_for_work(worker, log, first)
        time.sleep(random.Random(seed).uniform(0, 1.6))
    finally:
        worker.send_signal(signal.SIGKILL)
        print(worker.communicate()[1])
    return read(log)


def check(folder: Path, done: list[dict], files: list[str], kind: str) -> None:
    """Check that the masks of the project are those on the disk, or later ones."""
    found = state_in(folder, files)
    states = [line["state"] for line in done]
    assert found in states, f"the masks are none that there ever were ({kind})"
    last = len(states) - 1 - states[::-1].index(found)
    # All changes of a line were given before the next one.
    durable = [n for n, line in enumerate(done[1:]) if line["given"] <= written(done)]
    assert last >= max(durable, default=0), f"what was written is lost ({kind})"


def written(done: list[dict]) -> int:
    """Return how many changes the worker knew to be on the disk."""
    return max(line["durable"] for line in done)


def wait_for_work(worker: subprocess.Popen[str], log: Path, first: str) -> None:
    """Wait until something of the kind ``first`` was done."""
    end = time.monotonic() + PATIENCE
    while not log.exists() or f'"{first}"' not in log.read_text():
        assert worker.poll() is None, "the worker ended by itself"
        assert time.monotonic() < end
        time.sleep(0.01)


def read(log: Path) -> tuple[list[dict], list[str]]:
    """Return what was done, and the names of the project's files, the newest first."""
    whole, _, _ = log.read_text().rpartition("\n")  # the kill may cut the last line off
    lines = [json.loads(line) for line in whole.splitlines()]
    files = [line["to"] for line in lines if "to" in line]
    return [line for line in lines if "state" in line], [*files[::-1], "work.cpstudio"]


def state_in(folder: Path, files: list[str]) -> str:
    """Return the hash of the masks in the newest file that is there."""
    sys.path.insert(0, str(WORKER.parent))
    from worker import masks_of, state_of

    for name in files:
        try:
            project = Project.open(folder / name)
        # Its name was written down, but the copy had not begun or ended.
        except ProjectUnusable:
            assert not (folder / name).exists()
            continue
        assert project.crashed or name != files[-1]
        state = state_of(masks_of(Session(project)))
        project.close()
        return state
    raise AssertionError("there is no project")
