"""The folders of the application, in the preferences."""

from __future__ import annotations

import threading

import pytest
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication, QMessageBox

from cellpose_studio.app.jobs import JobQueue
from cellpose_studio.paths import cache_dir, data_dir
from cellpose_studio.ui.window.preferences import folders
from cellpose_studio.ui.window.preferences.folders import Folders


@pytest.fixture
def dialog(qtbot, tmp_path, monkeypatch):
    monkeypatch.setenv("CELLPOSE_STUDIO_HOME", str(tmp_path))
    (cache_dir() / "flows").mkdir()
    (cache_dir() / "flows" / "a.flows").write_bytes(bytes(2_500_000))
    (data_dir() / "projects").mkdir()
    (data_dir() / "projects" / "a.cpstudio").write_bytes(bytes(1000))
    jobs = JobQueue()
    dialog = Folders(jobs)
    qtbot.addWidget(dialog)
    dialog.show()
    yield dialog
    jobs.shut_down()


def room_of(dialog: Folders, title: str) -> str:
    titles = [each.title for each in dialog.storages]
    return dialog.rooms[titles.index(title)].text()


def measured(dialog, qtbot) -> None:
    dialog.measure()
    qtbot.waitUntil(lambda: all(r.text() != "…" for r in dialog.rooms))


def answer(button: str) -> None:
    """Click a button of the question that comes next."""

    def click() -> None:
        question = QApplication.activeModalWidget()
        if not isinstance(question, QMessageBox):
            QTimer.singleShot(20, click)
            return
        texts.append(f"{question.text()} {question.informativeText()}")
        next(b for b in question.buttons() if b.text().strip("&") == button).click()

    texts: list[str] = []
    QTimer.singleShot(0, click)
    return texts


def test_it_lists_the_room_of_each_folder(dialog, qtbot):
    measured(dialog, qtbot)
    assert room_of(dialog, "Cache of flows") == "2.5 MB"
    assert room_of(dialog, "Projects without a name") == "1.0 KB"
    assert dialog.clear.isEnabled()


def test_folders_are_measured_off_the_gui_thread(dialog, qtbot, monkeypatch):
    threads = []

    def note(*_):
        threads.append(threading.current_thread())
        return 1

    monkeypatch.setattr(folders, "size_of", note)
    measured(dialog, qtbot)
    assert threads
    assert threading.main_thread() not in threads


def test_clearing_says_what_is_computed_again_and_clears(dialog, qtbot):
    measured(dialog, qtbot)
    said = answer("Clear cache")
    qtbot.mouseClick(dialog.clear, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: room_of(dialog, "Cache of flows") == "0 bytes")
    assert "Clear 2.5 MB of cached files?" in said[0]
    assert "thresholds of earlier runs need a new run" in said[0]
    assert dialog.note.text() == "Cleared 2.5 MB."
    assert not dialog.clear.isEnabled()
    assert (data_dir() / "projects" / "a.cpstudio").exists()


def test_cancelling_clears_nothing(dialog, qtbot):
    measured(dialog, qtbot)
    answer("Cancel")
    qtbot.mouseClick(dialog.clear, Qt.MouseButton.LeftButton)
    assert (cache_dir() / "flows" / "a.flows").exists()
    assert dialog.clear.isEnabled()
