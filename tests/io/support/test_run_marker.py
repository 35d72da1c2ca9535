"""The next start learns how a process ended, from real processes that end that way."""

from __future__ import annotations

import faulthandler
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key

from cellpose_studio.io.support.run_marker import RunMarker, ended_runs

_RUN = """
import faulthandler, os, signal, sys, time
from pathlib import Path
from cellpose_studio.io.support.run_marker import RunMarker
marker = RunMarker(Path(sys.argv[1]), "1.2.3")
marker.note_project(Path("/data/work.cpstudio"))
"""


@pytest.fixture(autouse=True)
def _traces(request):
    """Let pytest trace its own crashes again, which a marker takes over."""
    yield
    faulthandler.enable(request.config.stash[fault_handler_stderr_fd_key])


def start(folder, code):
    return subprocess.Popen(
        [sys.executable, "-c", _RUN + code, folder], stdout=subprocess.PIPE, text=True
    )


def ran(folder, code):
    """Run until the end and return what the next start learns."""
    process = start(folder, code)
    process.wait(60)
    return process, ended_runs(folder)


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("os.abort()", "Aborted"),
        ("faulthandler._sigsegv()", "Segmentation fault"),
        ("faulthandler._sigfpe()", "Floating point exception"),
    ],
)
def test_a_native_crash_is_told_with_its_trace(tmp_path, code, cause):
    process, (run,) = ran(tmp_path, code)
    assert cause in run.trace
    assert 'File "<string>"' in run.trace
    assert (run.process, run.version) == (process.pid, "1.2.3")
    assert run.project == Path("/data/work.cpstudio")
    assert time.time() - run.time < 60
    assert list(tmp_path.iterdir()) == []
    assert ended_runs(tmp_path) == []


@pytest.mark.skipif(os.name == "nt", reason="kills with a signal of POSIX")
def test_a_kill_with_a_project_open_is_told(tmp_path):
    kill = "os.kill(os.getpid(), signal.SIGKILL)"
    _, (run,) = ran(tmp_path, kill)
    assert (run.trace, run.project) == ("", Path("/data/work.cpstudio"))
    assert ran(tmp_path, f"marker.note_project(None)\n{kill}")[1] == []
    assert ran(tmp_path, f"marker.note_leaving(True)\n{kill}")[1] == []
    assert list(tmp_path.iterdir()) == []


def test_a_crash_with_nothing_open_is_told_as_well(tmp_path):
    _, (run,) = ran(tmp_path, "marker.note_project(None)\nos.abort()")
    assert run.project is None
    assert "Aborted" in run.trace


def test_a_logout_that_was_called_off_counts_no_more(tmp_path):
    code = "marker.note_leaving(True)\nmarker.note_leaving(False)\nos._exit(1)"
    assert len(ran(tmp_path, code)[1]) == 1


def test_an_end_leaves_nothing(tmp_path):
    process, runs = ran(tmp_path, "marker.end()")
    assert (process.returncode, runs, list(tmp_path.iterdir())) == (0, [], [])


def test_a_window_that_is_still_open_is_left_alone(tmp_path):
    other = start(tmp_path, "print('ready', flush=True)\ntime.sleep(60)")
    try:
        assert other.stdout.readline() == "ready\n"
        assert ended_runs(tmp_path) == []
    finally:
        other.kill()
        other.wait()
    assert [run.process for run in ended_runs(tmp_path)] == [other.pid]


def test_the_number_of_a_process_may_belong_to_another_one_by_now(tmp_path):
    marker = RunMarker(tmp_path, "1")
    marker.note_project(Path("a.cpstudio"))
    (file,) = tmp_path.glob("*.json")
    *rest, begun = file.stem.split("-")
    earlier = f"{'-'.join(rest)}-{int(begun) - 1000}.json"
    (tmp_path / earlier).write_bytes(file.read_bytes())
    assert [run.project for run in ended_runs(tmp_path)] == [Path("a.cpstudio")]
    assert file.exists()
    marker.end()


def test_runs_of_another_computer_are_left_alone_for_a_month(tmp_path):
    file = tmp_path / "run-00000000-1-1.json"
    file.write_text('{"version": "1", "project": "a", "leaving": false}')
    assert ended_runs(tmp_path) == []
    assert file.exists()
    month = time.time() - 31 * 24 * 3600
    os.utime(file, (month, month))
    assert ended_runs(tmp_path) == []
    assert not file.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 1}', "\xff"])
def test_a_damaged_marker_is_no_error(tmp_path, text):
    marker = RunMarker(tmp_path, "1")
    (file,) = tmp_path.glob("*.json")
    marker.end()
    *rest, begun = file.stem.split("-")
    old = tmp_path / f"{'-'.join(rest)}-{int(begun) - 1000}.json"
    old.write_bytes(text.encode("latin-1"))
    assert ended_runs(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_no_files_is_no_error(tmp_path):
    (tmp_path / "file").touch()
    marker = RunMarker(tmp_path / "file", "1")
    marker.note_project(Path("a.cpstudio"))
    marker.end()
    assert ended_runs(tmp_path / "file") == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_fork_does_not_end_the_run_of_its_parent(tmp_path):
    code = "os.fork() or (marker.end(), os._exit(0))\nos.wait()\nos.abort()"
    process, runs = ran(tmp_path, code)
    assert process.returncode == -signal.SIGABRT
    assert len(runs) == 1
