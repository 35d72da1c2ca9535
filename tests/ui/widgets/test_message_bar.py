"""A failure is seen in front of the dialog that it happened in."""

from __future__ import annotations

from pathlib import Path

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QApplication,
    QDialog,
    QLabel,
    QMessageBox,
    QVBoxLayout,
)

from cellpose_studio.app.failures import Failure, failure_of
from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.core.errors import ImageUnreadable
from cellpose_studio.ui.segment.models.model_browser import ModelBrowser
from cellpose_studio.ui.widgets import message_bar as module
from cellpose_studio.ui.widgets.message_bar import DialogNote, MessageBar

FAILURE = Failure("a <b> is no image.", "Choose another file.", "Traceback")


@pytest.fixture
def bar(qtbot):
    bar = MessageBar()
    qtbot.addWidget(bar)
    return bar


def test_a_failure_is_shown_over_a_modal_dialog(bar, qtbot):
    bar.fail(FAILURE)
    assert QApplication.activeModalWidget() is None
    dialog = QDialog(bar)
    dialog.open()
    qtbot.waitExposed(dialog)
    bar.fail(FAILURE)
    box = QApplication.activeModalWidget()
    assert isinstance(box, QMessageBox)
    assert box.parent() is dialog
    assert (box.text(), box.informativeText()) == (FAILURE.message, FAILURE.hint)
    assert box.detailedText() == FAILURE.details
    box.accept()
    assert QApplication.activeModalWidget() is dialog
    dialog.reject()
    assert not bar.isHidden()


def test_a_failure_goes_when_a_job_of_the_same_title_succeeds(bar, qtbot):
    queue, jobs = JobQueue(), []
    queue.queued.connect(bar.follow)

    def run(title, fails=False, quiet=False, done=None):
        def work(_):
            if fails:
                raise ImageUnreadable(f"{title} cannot be done.", "Try again.")

        job = Job(title, work, quiet)
        job.failed.connect(lambda error: bar.fail(failure_of(error)))
        if done is not None:
            job.finished.connect(done)
        jobs.append(queue.start(job))
        qtbot.waitUntil(lambda: not queue.jobs)
        return not bar.isHidden()

    assert run("Measuring", fails=True)
    assert run("Exporting")
    assert run("Measuring", fails=True)
    assert not run("Measuring")
    # What the job itself has come to stays.
    assert run("Measuring", done=lambda _: bar.fail(FAILURE, "Measuring"))
    assert not run("Measuring")
    # Nobody repeats what the program does by itself.
    assert run("Reading", fails=True, quiet=True)
    assert run("Reading", quiet=True)
    queue.shut_down()


def test_only_notes_are_hidden_when_they_are_not_true_any_more(bar):
    bar.note("Cell 5 is cell 10 from time point 3 on.")
    bar.clear_note()
    assert bar.isHidden()
    bar.offer("2 cells were left out.", "Bring them back", lambda: None)
    bar.clear_note()
    assert not bar.isHidden()
    bar.fail(FAILURE)
    bar.clear_note()
    assert not bar.isHidden()


def test_a_note_is_seen_in_the_dialog_and_waits_behind_it(bar, qtbot, monkeypatch):
    monkeypatch.setattr(module, "_NOTE_DURATION", 20)
    dialog = QDialog(bar)
    QVBoxLayout(dialog).addWidget(QLabel("Content"))
    dialog.open()
    qtbot.waitExposed(dialog)
    bar.note("There is no guide.")
    bar.note("There is <no> guide.")
    shown = [one for one in dialog.findChildren(DialogNote) if one.isVisible()]
    assert [one.text.text() for one in shown] == ["There is <no> guide."]
    assert dialog.layout().indexOf(shown[0]) == 0
    gone = lambda: not dialog.findChildren(DialogNote)  # noqa: E731
    qtbot.waitUntil(gone)
    assert not bar.isHidden()
    dialog.reject()
    qtbot.waitUntil(bar.isHidden)


@pytest.mark.slow
def test_a_bad_weight_file_is_told_over_the_browser(user, tmp_path: Path):
    window, bad = user.window, tmp_path / "mine.pth"
    bad.write_bytes(b"no weights")
    browser: ModelBrowser = window.segment.model.browser
    browser.open()
    window.models.add(bad)
    user.wait_idle()
    box = QApplication.activeModalWidget()
    assert isinstance(box, QMessageBox)
    assert box.parent() is browser
    assert "mine.pth" in box.text()
    box.accept()
    browser.reject()
    assert "mine.pth" in user.message


@pytest.mark.slow
def test_a_message_does_not_move_the_image_under_the_mouse(user, cells):
    user.open(cells("a.tif"))
    canvas, messages = user.window.canvas, user.window.services.messages
    messages.hide()
    before = canvas.surface.size()
    place = canvas.surface.mapToGlobal(canvas.surface.rect().center())
    messages.fail(FAILURE)
    QApplication.processEvents()
    assert user.message
    # It is seen: nothing lies over it.
    at = messages.mapToGlobal(messages.rect().center())
    assert messages.isAncestorOf(QApplication.widgetAt(at))
    assert canvas.surface.size() == before
    assert canvas.surface.mapToGlobal(canvas.surface.rect().center()) == place


def test_names_with_signs_of_html_are_shown_as_they_are(bar, qtbot):
    """The same width as the label gives a plain text of the same characters."""
    bar.note("Saved as A & B <1>.cpstudio.")
    bar.text.setWordWrap(False)
    plain = QLabel("Saved as A & B <1>.cpstudio.")
    plain.setTextFormat(Qt.TextFormat.PlainText)
    plain.setFont(bar.text.font())
    qtbot.addWidget(plain)
    assert abs(bar.text.sizeHint().width() - plain.sizeHint().width()) <= 2
