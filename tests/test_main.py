"""The program as a whole: how it starts, stops, and lives without a display."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import tifffile

from cellpose_studio import __version__
from cellpose_studio.__main__ import main
from tests.waiting import LONG

PROGRAM = [sys.executable, "-m", "cellpose_studio"]


@pytest.mark.parametrize("arguments", [[], ["a.tif"], ["--sample"]], ids=str)
def test_without_a_display_it_says_what_to_do_instead(arguments):
    displays = ("DISPLAY", "WAYLAND_DISPLAY")
    environment = {k: v for k, v in os.environ.items() if k not in displays}
    done = subprocess.run(
        [*PROGRAM, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=LONG,
    )
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "there is no display" in done.stderr
    assert "cellpose-studio segment" in done.stderr


def test_without_a_folder_for_the_work_it_says_so(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    home = str(tmp_path / "file" / "home")
    done = subprocess.run(
        PROGRAM,
        env={**os.environ, "CELLPOSE_STUDIO_HOME": home},
        capture_output=True,
        text=True,
        timeout=LONG,
    )
    assert done.returncode == 4
    assert "cannot be written to; CELLPOSE_STUDIO_HOME names" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["segment", "evaluate", "train"])
def test_every_command_explains_itself_without_loading_torch(command):
    code = (
        "import sys\n"
        "from cellpose_studio.__main__ import main\n"
        "try:\n"
        f"    main(['{command}', '--help'])\n"
        "except SystemExit as end:\n"
        "    loaded = {'torch', 'cellpose', 'qtpy', 'napari'} & sys.modules.keys()\n"
        "    print(end.code, sorted(loaded))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=LONG
    )
    assert done.stderr == ""
    assert done.stdout.startswith(f"usage: cellpose-studio {command} ")
    assert done.stdout.endswith("0 []\n")


def test_the_window_explains_itself_and_the_commands(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    names = "segment, measure, evaluate, search, restore, train, models, replay, "
    assert f"{names}rescue or thumb" in text
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"{__version__}\n"


def test_an_unknown_option_is_refused(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--nonsense"])
    assert end.value.code == 2
    assert "unrecognized arguments: --nonsense" in capsys.readouterr().err


def test_the_first_word_decides(cells, capsys, monkeypatch):
    path = cells("a.tif", (64, 64))
    assert main(["segment", str(path)]) == 0
    assert "a.tif: 4 cells" in capsys.readouterr().out
    masks = str(path.with_name("a_cp_masks.tif"))
    monkeypatch.setattr(sys, "argv", ["cellpose-studio", "evaluate", masks, masks])
    assert main() == 0
    assert "mean of 1 image" in capsys.readouterr().out


@pytest.fixture
def large(tmp_path):
    """Return a picture that takes a while."""
    path = tmp_path / "large.tif"
    tifffile.imwrite(path, np.zeros((3000, 3000), np.uint8))
    return path


@pytest.mark.skipif(os.name == "nt", reason="sends a signal of POSIX")
def test_ctrl_c_stops_and_keeps_what_was_done(cells, large, tmp_path):
    command = ["segment", cells("a.tif", (64, 64)), tmp_path / "gone.tif", large]
    program = subprocess.Popen(
        [*PROGRAM, *map(str, command), "--diameter", "5"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    first = program.stdout.readline()
    # Still reading, computing or anything else.
    program.send_signal(signal.SIGINT)
    said, errors = program.communicate(timeout=LONG)
    assert program.returncode == 130
    assert first.startswith("1 of 3, a.tif: ")
    # What is said about the image may take more than one line.
    assert all("a.tif: " in line for line in said.splitlines())
    assert errors.endswith("cellpose-studio: stopped\n")
    assert "Traceback" not in errors
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.tif",
        "a_cp_masks.tif",
        "large.tif",
    ]
