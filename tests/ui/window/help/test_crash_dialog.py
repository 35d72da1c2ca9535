"""What is said about a run that ended without an end."""

from __future__ import annotations

from pathlib import Path

import pytest
from qtpy.QtWidgets import QApplication, QWidget

from cellpose_studio.app.project.scratch import unnamed_folder
from cellpose_studio.io.support.run_marker import EndedRun
from cellpose_studio.ui.window.help.crash_dialog import CrashDialog


def run(project, trace="", process=11):
    return EndedRun(
        time=1.0e9, process=process, version="1.2.3", project=project, trace=trace
    )


@pytest.fixture
def show(qtbot, tmp_path):
    """Return a function that shows the dialog about runs."""
    log = tmp_path / "app.log"
    log.write_text("2026-11-29 12:51:10,446 11 ERROR x: the last words\n")
    parent = QWidget()
    qtbot.addWidget(parent)
    opened: list[Path] = []

    def show(*runs):
        facts = {"Python": "3"}
        dialog = CrashDialog(runs, opened.append, lambda: facts, log, parent)
        dialog.show()
        return dialog, opened

    return show


def project(folder, name):
    path = folder / f"{name}.cpstudio"
    path.touch()
    return path


def test_a_crash_is_said_with_its_project_and_copied_with_its_trace(show, tmp_path):
    path = project(tmp_path, "P&L")
    dialog, opened = show(run(path, "Fatal Python error: Aborted"))
    text = dialog.message.text()
    assert text.startswith("Cellpose Studio crashed on 09 Sep, ")
    assert text.endswith(" while P&L was open.")
    assert dialog.hint.text() == (
        "Your work was saved, up to the last second of it. Please report it with the "
        "details. Nothing is sent by itself."
    )
    assert dialog.open_buttons[0].text() == "Open P&&L"
    assert not dialog.isModal()
    dialog.findChild(QWidget, "copyDetails").click()
    copied = QApplication.clipboard().text()
    parts = ("Version 1.2.3 crashed", "error: Aborted", "the last words", "Python: 3")
    assert all(part in copied for part in parts)
    dialog.open_buttons[0].click()
    assert opened == [path]


def test_a_kill_names_what_may_have_done_it(show):
    path = project(unnamed_folder(), "2026-11-29 13.00.00 abcd")
    dialog, opened = show(run(path))
    path.unlink()
    assert dialog.message.text() == (
        "Cellpose Studio was ended from outside while the unnamed project was open, or "
        "the computer stopped."
    )
    assert "when memory runs out" in dialog.hint.text()
    dialog.findChild(QWidget, "dismiss").click()
    assert opened == []


def test_a_project_that_has_gone_is_not_offered(show, tmp_path):
    dialog, _ = show(run(tmp_path / "gone.cpstudio", "Fatal"), run(None, "Fatal"))
    assert dialog.open_buttons == []
    assert "saved" not in dialog.hint.text()


def test_windows_that_crashed_together_are_told_together(show, tmp_path):
    first, second = project(tmp_path, "a"), project(tmp_path, "b")
    runs = [run(first, "Fatal"), run(second, process=12), run(first, "Fatal")]
    dialog, _ = show(*runs)
    texts = [button.text() for button in dialog.open_buttons]
    assert texts == ["Open a", "Open b"]
