"""The check of the installation: its start option, its dialog, its window."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tifffile
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QApplication

from cellpose_studio.app.failures import Failure
from cellpose_studio.io.images.sample import SHAPE
from cellpose_studio.io.masks.export_formats import FORMATS
from cellpose_studio.ui.window.help.self_test import launch, looks
from cellpose_studio.ui.window.help.self_test.child import chosen
from cellpose_studio.ui.window.help.self_test.command import self_test as printed
from cellpose_studio.ui.window.help.self_test.dialog import SelfTestDialog
from cellpose_studio.ui.window.help.self_test.guard import Guard
from cellpose_studio.ui.window.help.self_test.launch import check_launch
from cellpose_studio.ui.window.help.self_test.looks import judged
from cellpose_studio.ui.window.help.self_test.stage import Stage
from cellpose_studio.ui.window.help.self_test.table import window_checks
from cellpose_studio.ui.window.help.self_test.work import difference
from cellpose_studio.workflows.self_test.check import CheckFailed, Place
from cellpose_studio.workflows.self_test.headless import CHECKS
from tests.self_test_child import all_checks, child_command
from tests.ui.controls import wrong_with
from tests.waiting import LONG

PROGRAM = [sys.executable, "-m", "cellpose_studio"]


def self_test(*names, without=(), **environment):
    """Run the check in a process of its own and return that."""
    inherited = {k: v for k, v in os.environ.items() if k not in without}
    return subprocess.run(
        [*PROGRAM, "--self-test", *names],
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=LONG,
    )


@pytest.mark.slow
def test_the_whole_check_passes_and_leaves_the_user_alone(tmp_path):
    home, file = tmp_path / "home", tmp_path / "report.json"
    done = self_test("--report", str(file), CELLPOSE_STUDIO_HOME=str(home))
    assert done.returncode == 0, done.stdout
    read = json.loads(file.read_text(encoding="utf-8"))
    assert read["works"]
    names = [check["name"] for check in read["checks"]]
    tried = [check.name for check in [*CHECKS, *window_checks(Stage())]]
    assert names == ["start", *tried, "leave"]
    assert done.stdout.count("\npassed ") + done.stdout.count("\nnote ") == len(names)
    assert not home.exists()


@pytest.mark.slow
def test_a_part_is_checked_on_its_own_and_printed(qapp):
    done = self_test("fonts", "folders")
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Cellpose Studio ")
    titles = ["Start of the program", "Folders", "Display", "Fonts"]
    assert [line[19:].split(":")[0] for line in lines[1:6]] == [
        *titles,
        "End of the program",
    ]
    assert lines[-1] == "All 5 checks passed: this installation works."


@pytest.mark.slow
def test_without_a_display_the_rest_is_checked(tmp_path):
    done = self_test("fonts", "folders", without=("DISPLAY", "WAYLAND_DISPLAY"))
    assert done.returncode == 1
    assert "Display: There is no display." in done.stdout
    assert "Not tried, because of “Display”." in done.stdout
    assert "passed" in done.stdout.split("Folders")[0].splitlines()[-1]


@pytest.mark.slow
def test_without_fonts_it_says_so(tmp_path, qapp):
    nothing = tmp_path / "fonts.conf"
    nothing.write_text("<fontconfig></fontconfig>", encoding="utf-8")
    done = self_test("fonts", FONTCONFIG_FILE=str(nothing), QT_QPA_FONTDIR="/none")
    assert done.returncode == 1
    assert "Fonts: There is no font for letters." in done.stdout
    assert "fonts-dejavu-core" in done.stdout


@pytest.mark.slow
def test_a_closed_output_does_not_end_it(tmp_path):
    file = tmp_path / "report.json"
    words = [*PROGRAM, "--self-test", "folders", "--report", str(file)]
    done = subprocess.run(["sh", "-c", '"$@" >&-', "sh", *words], timeout=LONG)
    assert done.returncode == 0
    assert json.loads(file.read_text(encoding="utf-8"))["works"]


def test_a_report_that_cannot_be_written_is_told_before_the_checks(tmp_path, capsys):
    file = tmp_path / "no folder" / "report.json"
    command = [sys.executable, "-c", "raise SystemExit('started')"]
    assert printed(file=file, command=command) == 1
    said = capsys.readouterr().out
    assert "report.json could not be saved" in said
    assert "started" not in said


def test_a_check_that_does_not_exist_is_refused(capsys):
    assert printed(("opengi",)) == 2
    text = capsys.readouterr().out
    assert text.startswith("There is no check opengi. Known are folders, ")
    assert "opengl" in text


def test_a_stop_ends_the_child_as_well(tmp_path):
    number = tmp_path / "number"
    wait = f"Path({str(number)!r}).write_text(str(os.getpid())); time.sleep(600)"
    command = child_command(tmp_path, all_checks("b", wait))
    code = (
        "from cellpose_studio.ui.window.help.self_test.command import self_test\n"
        f"raise SystemExit(self_test(command={command!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    while not (number.exists() and number.read_text()):
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=LONG)
    assert process.returncode == 143
    assert output.decode().splitlines()[-1] == "Stopped."
    with pytest.raises(ProcessLookupError):
        os.kill(int(number.read_text()), 0)


def test_checks_that_are_needed_are_done_as_well():
    checks = [*CHECKS, *window_checks(Stage())]
    names = [check.name for check in chosen(checks, ["opengl"])]
    assert names == ["display", "window", "picture", "opengl"]
    assert chosen(checks, []) == checks
    # One that has ended a process is not done again, nor what only that one needs.
    names = [check.name for check in chosen(checks, ["edit", "icons"], ["segment"])]
    assert names == ["display", "window", "icons", "edit"]
    assert len({check.name for check in checks}) == len(checks)
    for check in checks:
        before = checks[: checks.index(check)]
        assert set(check.needs) <= {one.name for one in before}, check.name


def test_a_stage_without_a_display_says_what_to_do(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(CheckFailed, match="no display"):
        Stage().start()


@pytest.mark.parametrize(
    ("renderer", "advice"),
    [
        ("llvmpipe (LLVM 15.0.6, 256 bits)", "driver"),
        ("GDI Generic", "driver"),
        ("NVIDIA RTX A4000/PCIe/SSE2", ""),
        ("Mesa Intel(R) UHD Graphics 620 (KBL GT2)", ""),
    ],
)
def test_software_drawing_is_told_from_a_graphics_card(renderer, advice):
    found = judged(renderer)
    assert renderer in found.text
    assert (advice in found.advice) if advice else not found.advice


def test_without_a_renderer_opengl_fails():
    with pytest.raises(CheckFailed):
        judged("")


@pytest.mark.parametrize("name", [n for n, f in FORMATS.items() if not f.needs_time])
def test_an_export_that_is_damaged_is_found(name, cells, tmp_path):
    from cellpose_studio.io.images.reader import open_images
    from cellpose_studio.io.masks.export import save_all

    (image,) = open_images(cells("a.tif", (64, 64)))
    labels = np.zeros((64, 64), np.uint32)
    labels[5:20, 5:20], labels[30:50, 30:50] = 1, 2
    path = FORMATS[name].path(tmp_path / "a")
    assert difference(path, labels) == "it is missing"
    save_all(tmp_path / "a", labels, None, [name], image=image)
    assert difference(path, labels) == ""
    labels[30:50, 30:50] = 0
    assert difference(path, labels) != ""


def started(tmp_path, lines):
    """Run the check of the start on a program of Python lines."""
    code = f"import os, sys, time; from pathlib import Path\n{lines}"
    command = [sys.executable, "-c", code]
    return check_launch(Place(folder=tmp_path), command)


def test_a_start_that_fails_says_why(tmp_path):
    lines = "print('hello')\nraise ImportError('libgssapi_krb5.so.2: cannot open it')"
    with pytest.raises(CheckFailed) as error:
        started(tmp_path, lines)
    first, *output = error.value.message.splitlines()
    assert first == (
        "It ended by itself. ImportError: libgssapi_krb5.so.2: cannot open it"
    )
    assert output[0] == "hello"


def test_a_start_that_opens_the_sample_is_ended(tmp_path):
    number = tmp_path / "number"
    lines = (
        f"Path({str(number)!r}).write_text(str(os.getpid()))\n"
        "data = Path(os.environ['CELLPOSE_STUDIO_HOME']) / 'data'\n"
        "for file in ('projects/a.cpstudio', 'sample/nuclei.tif'):\n"
        "    (data / file).parent.mkdir(parents=True); (data / file).touch()\n"
        "time.sleep(600)"
    )
    assert "has opened its sample" in started(tmp_path, lines).text
    with pytest.raises(ProcessLookupError):
        os.kill(int(number.read_text()), 0)


def test_a_start_that_opens_nothing_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "LIMIT", 0.3)
    with pytest.raises(CheckFailed, match=r"within 0\.3 s"):
        started(tmp_path, "time.sleep(600)")


@pytest.fixture
def dialog(qtbot, tmp_path):
    """Return a function that opens the dialog on a child in whose check b … happens."""

    def make(and_then="pass"):
        command = child_command(tmp_path, all_checks("b", and_then))
        dialog = SelfTestDialog(command=command)
        qtbot.addWidget(dialog, before_close_func=SelfTestDialog.stop)
        dialog.show()
        return dialog

    return make


def column(dialog, n):
    table = dialog.table
    return [table.item(row, n).text() for row in range(table.rowCount())]


def test_the_dialog_fills_and_its_details_can_be_copied(dialog, qtbot):
    opened = dialog("sys.stderr.write('odd\\n'); sys.stderr.flush(); os.abort()")
    qtbot.waitUntil(lambda: not opened.running)
    assert column(opened, 0) == ["passed", "passed", "FAILED", "passed", "passed"]
    titles = ["Start of the program", "A", "B", "C", "End of the program"]
    assert column(opened, 2) == titles
    assert "→ Install the program again." in column(opened, 3)[2]
    assert opened.summary.text() == "1 of 5 checks did not pass: B."
    assert not opened.progress.isVisible()
    assert wrong_with(opened) == []
    opened.copy.click()
    text = QApplication.clipboard().text()
    assert "B (b):" in text
    assert "odd" in text


def test_closing_the_dialog_ends_the_check(dialog, qtbot, tmp_path):
    number = tmp_path / "number"
    opened = dialog(
        f"Path({str(number)!r}).write_text(str(os.getpid())); time.sleep(10**6)"
    )
    qtbot.waitUntil(lambda: number.exists() and bool(number.read_text()))
    qtbot.waitUntil(lambda: "running…" in column(opened, 0))
    assert opened.summary.text() == "Checking: B"
    opened.reject()
    with pytest.raises(ProcessLookupError):
        os.kill(int(number.read_text()), 0)


def test_the_command_opens_one_dialog(user, monkeypatch, tmp_path):
    started = []
    monkeypatch.setattr(
        "cellpose_studio.ui.window.help.self_test.dialog.supervise",
        lambda *words: started.append(words) or [],
    )
    window = user.window
    window.menus.actions["selfTest"].trigger()
    (opened,) = window.findChildren(SelfTestDialog)
    window.menus.actions["selfTest"].trigger()
    assert window.findChildren(SelfTestDialog) == [opened]
    user.wait_for(lambda: not opened.running)
    assert len(started) == 1
    opened.reject()


@pytest.mark.slow
def test_the_checks_of_the_window_fail_where_nothing_works(user, tmp_path, monkeypatch):
    window = user.window
    stage, place = Stage(window), Place(folder=tmp_path)
    checks = {check.name: check for check in window_checks(stage)}

    def reason(name):
        with pytest.raises(CheckFailed) as error:
            checks[name].run(place)
        return error.value.message

    assert checks["icons"].run(place).text == "5 icons can be drawn"
    with monkeypatch.context() as broken:
        broken.setattr(looks, "ICONS", ("check", "none"))
        broken.setattr(looks, "icon", QIcon)
        assert reason("icons") == "Cannot be drawn: none, the icon of the program."
    assert reason("segment") == "The run did not start."
    for name in ("edit", "undo", "export", "project", "replay"):
        assert reason(name) == "No image is shown."
    user.open(_cells(tmp_path))
    for name in ("edit", "undo", "export", "project", "replay"):
        assert reason(name).startswith("The image has no masks")
    # Masks of other cells than those of the sample.
    assert reason("segment").startswith("The masks are wrong: ")
    with monkeypatch.context() as broken:
        broken.setattr(window.session, "undo", lambda: None)
        assert reason("undo").startswith("The masks are not the same again: ")
    window.services.messages.fail(Failure("The disk is full.", "Free some space."))
    assert reason("export") == "The disk is full. Free some space."


def _cells(folder):
    """Write a picture of the size of the sample with other cells; return its path."""
    y, x = np.indices(SHAPE) % 64 - 32
    pixels = 100 + 2000 / (1 + np.exp(np.hypot(y, x) - 12))
    path = folder / "cells.tif"
    tifffile.imwrite(path, pixels.astype(np.uint16))
    return path


def test_its_window_stays_open_under_its_title_until_the_end(window):
    guard = Guard(window, "A check")
    window.setWindowTitle("nuclei.tif - Cellpose Studio")
    assert window.windowTitle() == "A check"
    assert not window.close()
    assert window.isVisible()
    guard.close()
    assert window.close()
