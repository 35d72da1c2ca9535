"""The checks run in a process of their own, and whatever ends it is named."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.core.errors import CannotSave
from cellpose_studio.io.processes import own_command
from cellpose_studio.workflows.self_test.supervisor import (
    LEAVE,
    START,
    Listener,
    supervise,
)
from tests.self_test_child import all_checks, child_command
from tests.waiting import wait_for


@pytest.fixture
def child(tmp_path):
    """Return a function that makes a child of Python lines; returns its command."""
    return lambda lines: child_command(tmp_path, lines)


@pytest.fixture
def bad(child):
    """Return a function that makes a child in whose check b something happens."""
    return lambda and_then, limit=60: child(all_checks("b", and_then, limit))


def statuses(outcomes):
    return {outcome.name: outcome.status for outcome in outcomes}


def run(command, **options):
    return supervise(Listener(), Checkpoint(), command=command, **options)


def test_all_are_run_and_told_of_in_order(bad):
    told = []
    listener = Listener(
        planned=lambda checks: told.append(list(checks)),
        started=told.append,
        ended=lambda outcome: told.append((outcome.name, outcome.status)),
    )
    outcomes = supervise(listener, Checkpoint(), command=bad("pass"))
    names = [START, "a", "b", "c", LEAVE]
    assert [outcome.name for outcome in outcomes] == names
    assert [START, names, (START, "passed")] == told[:3]
    assert told[3:] == [
        entry for name in names[1:] for entry in (name, (name, "passed"))
    ]


def test_only_the_checks_that_are_asked_for_are_run(bad):
    assert list(statuses(run(bad("pass"), names=("c",)))) == [START, "c", LEAVE]


def test_a_crash_is_named_and_another_process_goes_on(bad):
    command = bad("sys.stderr.write('libGL is odd\\n'); sys.stderr.flush(); os.abort()")
    outcomes = {outcome.name: outcome for outcome in run(command)}
    assert statuses(outcomes.values()) == {
        START: "passed",
        "a": "passed",
        "b": "failed",
        "c": "passed",
        LEAVE: "passed",
    }
    assert outcomes["b"].title == "B"
    assert "ended unexpectedly (signal 6)" in outcomes["b"].text
    assert "libGL is odd" in outcomes["b"].details


def test_a_crash_in_the_last_check_starts_nothing_again(child):
    outcomes = run(child(all_checks("c", "os._exit(7)")))
    assert [outcome.name for outcome in outcomes] == [START, "a", "b", "c", LEAVE]
    assert [outcome.status for outcome in outcomes[-2:]] == ["failed"] * 2
    assert outcomes[-1].title == "End of the program"


def test_after_a_crash_what_passed_is_told_once_and_what_failed_is_known(bad, tmp_path):
    out = tmp_path / "wrong.json"
    told = []
    command = bad("os._exit(7)")
    script = tmp_path / "child.py"
    more = (
        f"Path({str(out)!r}).write_text(json.dumps(request['wrong']))\n"
        "names = ['a', 'c'] if request['checks'] else names\n"
    )
    script.write_text(
        script.read_text("utf-8").replace('tell("planned"', more + 'tell("planned"'),
        encoding="utf-8",
    )
    supervise(
        Listener(started=told.append, ended=lambda one: told.append(one.name)),
        Checkpoint(),
        command=command,
    )
    assert [told.count(name) for name in (START, "a", "b", "c", LEAVE)] == [2] * 5
    assert json.loads(out.read_text()) == {"b": "B"}


def test_a_crash_for_want_of_a_library_of_qt_says_what_to_install(bad):
    reason = "qt.qpa.plugin: Could not load the Qt platform plugin xcb"
    command = bad(f"sys.stderr.write('{reason}\\n'); sys.stderr.flush(); os._exit(1)")
    outcomes = {outcome.name: outcome for outcome in run(command)}
    assert reason in outcomes["b"].text
    assert "libxcb-icccm4" in outcomes["b"].advice


def test_what_hangs_is_ended_and_another_process_goes_on(bad):
    outcomes = {one.name: one for one in run(bad("time.sleep(10**6)", limit=0.5))}
    assert outcomes["b"].status == "failed"
    assert outcomes["b"].text == "It did not end within 0.5 s, and was stopped."
    assert outcomes["c"].status == "passed"


def test_a_program_that_does_not_start_says_why(child):
    command = child("sys.exit('error while loading shared libraries: libGL.so.1')")
    (only,) = run(command)
    assert (only.name, only.status) == (START, "failed")
    assert "exit code 1" in only.text
    assert "libGL.so.1" in only.text


def test_a_program_that_is_not_there_says_so(tmp_path):
    (only,) = run([str(tmp_path / "none")])
    assert (only.name, only.status) == (START, "failed")
    assert "cannot be started" in only.text


def test_a_crash_at_the_end_is_found(child):
    outcomes = run(child(all_checks() + "\nos._exit(5)"))
    assert outcomes[-1].name == LEAVE
    assert outcomes[-1].status == "failed"
    assert "exit code 5" in outcomes[-1].text
    assert all(outcome.works for outcome in outcomes[:-1])


def test_a_child_that_ends_between_checks_is_not_started_for_ever(child):
    outcomes = run(
        child("tell('planned', checks=dict.fromkeys(names, '')); sys.exit(0)")
    )
    assert statuses(outcomes)["a"] == "failed"
    assert not any(outcome.works for outcome in outcomes if outcome.name != START)


def test_a_stop_ends_the_child_and_removes_its_files(bad, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    number = tmp_path / "number"
    command = bad(
        f"Path({str(number)!r}).write_text(str(os.getpid())); time.sleep(600)"
    )
    checkpoint = Checkpoint()

    def stop():
        while not (number.exists() and number.read_text()):
            time.sleep(0.01)
        checkpoint.stop()

    threading.Thread(target=stop, daemon=True).start()
    with pytest.raises(Cancelled):
        supervise(Listener(), checkpoint, command=command)
    with pytest.raises(ProcessLookupError):
        os.kill(int(number.read_text()), 0)
    assert list(tmp_path.glob("cellpose-studio check*")) == []


def test_what_a_child_has_started_ends_with_it(child, tmp_path):
    number = tmp_path / "number"
    # Before the check begins, whose time is short, and not by the child that goes on.
    begun = (
        "if 'b' in names:\n"
        "    import subprocess\n"
        "    words = [sys.executable, '-c', 'import time; time.sleep(10**6)']\n"
        "    more = subprocess.Popen(words)\n"
        f"    Path({str(number)!r}).write_text(str(more.pid))\n"
    )
    command = child(begun + all_checks("b", "time.sleep(10**6)", limit=0.5))
    outcomes = {one.name: one for one in run(command)}
    assert outcomes["b"].status == "failed"
    process = Path(f"/proc/{number.read_text()}/stat")

    def has_ended() -> bool:
        # One that nobody waits for stays in the table of processes as a zombie.
        try:
            return process.read_text().split()[2] in "ZX"
        except (FileNotFoundError, ProcessLookupError):
            return True

    # The signal was sent; it ends when it next gets its turn.
    wait_for(has_ended)


def test_the_child_has_a_home_of_its_own_and_knows_the_users(bad, tmp_path):
    out = tmp_path / "told.json"
    command = bad(
        f"Path({str(out)!r}).write_text(json.dumps("
        "[os.environ['CELLPOSE_STUDIO_HOME'], request['user_folders']]))"
    )
    run(command)
    home, folders = json.loads(out.read_text())
    assert home != os.environ["CELLPOSE_STUDIO_HOME"]
    assert set(folders) == {"data", "cache", "config", "log"}
    mine = os.environ["CELLPOSE_STUDIO_HOME"]
    assert all(folder.startswith(mine) for folder in folders.values())


def test_without_room_for_files_it_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with pytest.raises(CannotSave, match="TMPDIR"):
        run(["none"])


def test_a_frozen_program_starts_itself(monkeypatch):
    assert own_command() == [sys.executable, "-P", "-m", "cellpose_studio"]
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert own_command() == [sys.executable]
