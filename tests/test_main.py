"""How the program starts from a command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from cellpose_studio import __version__

PROGRAM = [sys.executable, "-m", "cellpose_studio"]


def program(*arguments, **environment):
    return subprocess.run(
        [*PROGRAM, *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_without_a_display_one_sentence_says_what_to_do():
    done = program(DISPLAY="", WAYLAND_DISPLAY="")
    assert done.returncode == 3
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert "no display" in line
    assert "cellpose-studio segment" in line


def test_the_version_is_said():
    assert program("--version").stdout == f"{__version__}\n"


def test_an_unknown_option_is_refused():
    done = program("--nonsense")
    assert done.returncode == 2
    assert "usage" in done.stderr


def test_ctrl_c_stops_a_command(cells):
    large = cells("large.tif", (3000, 3000))
    process = subprocess.Popen(
        [*PROGRAM, "segment", str(large), "--diameter", "20", "--augment"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(8)  # imports take some; this run takes minutes
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped" in errors
    assert "Traceback" not in errors
    assert not large.with_name("large_cp_masks.tif").exists()
