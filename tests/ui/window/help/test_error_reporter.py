"""Unexpected errors, wherever they come from, are shown in one dialog."""

from __future__ import annotations

import sys
import threading

import pytest
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QDialog, QVBoxLayout, QWidget

from cellpose_studio.app.failures import Failure, catch_unexpected, failure_of
from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.core.errors import ImageUnreadable
from cellpose_studio.ui.widgets.message_bar import MessageBar
from cellpose_studio.ui.window.help.error_reporter import ErrorReporter
from tests.ui.controls import wrong_with

pytestmark = pytest.mark.qt_no_exception_capture


@pytest.fixture
def messages(qtbot):
    """Return the message bar of a small window, which is shown."""
    window = QWidget()
    bar = MessageBar()
    QVBoxLayout(window).addWidget(bar)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    # The window is held here, and not in a circle with the bar: garbage is collected in
    # any thread, and a widget must go in that of the windows.
    yield bar
    window.close()


@pytest.fixture
def reporter(messages, tmp_path):
    """Return a reporter that all hooks lead to."""
    before = sys.excepthook, threading.excepthook, sys.unraisablehook
    log = tmp_path / "app.log"
    log.touch()
    reporter = ErrorReporter(lambda: {"Python": "3"}, log)
    reporter.attach(messages.window(), messages)
    catch_unexpected(reporter.report)
    yield reporter
    sys.excepthook, threading.excepthook, sys.unraisablehook = before
    reporter.end()
    if reporter.dialog is not None:
        reporter.dialog.close()


def fail():
    raise ValueError("the moon is full")


def error_dialogs():
    found = QApplication.topLevelWidgets()
    return [one for one in found if one.objectName() == "errorDialog"]


def shown(reporter, qtbot, count):
    qtbot.waitUntil(lambda: reporter.dialog is not None)
    total = f"{count} errors in a row"
    qtbot.waitUntil(lambda: total in reporter.dialog.count.text() or count == 1)
    return reporter.dialog


def test_many_errors_of_slots_make_one_dialog_with_a_count(reporter, qtbot):
    for _ in range(50):
        QTimer.singleShot(0, fail)
    dialog = shown(reporter, qtbot, 50)
    assert dialog.message.text() == "Something unexpected went wrong: the moon is full."
    assert dialog.count.text() == "50 errors in a row."
    assert not dialog.isModal()
    assert len(error_dialogs()) == 1
    assert wrong_with(dialog) == []


def test_threads_and_jobs_come_to_the_same_dialog(reporter, messages, qtbot):
    queue = JobQueue()
    job = Job("Failing", lambda _: 1 / 0)
    job.failed.connect(lambda error: messages.fail(failure_of(error)))
    queue.start(job)
    threading.Thread(target=fail).start()
    threading.Thread(target=sys.exit).start()
    dialog = shown(reporter, qtbot, 2)
    assert dialog.count.text() == "2 errors in a row, 2 of them different."
    dialog.buttons.copy.click()
    text = QApplication.clipboard().text()
    assert ("ZeroDivisionError" in text, "ValueError" in text) == (True, True)
    assert "Python: 3" in text
    assert dialog.buttons.open_log.isEnabled()


def test_an_error_in_each_painting_leaves_the_window_usable(reporter, messages, qtbot):
    class Broken(QWidget):
        painted = 0

        def paintEvent(self, _):
            Broken.painted += 1
            fail()

    broken = Broken(messages.window())
    broken.resize(50, 50)
    broken.show()
    dialog = shown(reporter, qtbot, 1)
    dialog.close()
    for n in range(3):
        broken.update()
        qtbot.waitUntil(lambda n=n: Broken.painted > n + 1)
    # The same error does not open the dialog again: it comes into the bar.
    qtbot.waitUntil(messages.isVisible)
    assert "the moon is full" in messages.text.text()
    assert error_dialogs() == []
    QTimer.singleShot(0, lambda: {}["key"])
    assert "'key'" in shown(reporter, qtbot, 1).message.text()


def test_it_can_be_used_in_front_of_a_modal_dialog(reporter, messages, qtbot):
    question = QDialog(messages.window())
    question.open()
    QTimer.singleShot(0, fail)
    dialog = shown(reporter, qtbot, 1)
    assert dialog.parentWidget() is question
    question.deleteLater()
    qtbot.waitUntil(lambda: reporter.dialog is None)
    QTimer.singleShot(0, fail)
    assert shown(reporter, qtbot, 2).parentWidget() is messages.window()


def test_what_was_to_be_expected_stays_in_the_bar(reporter, messages, qtbot):
    reporter.report(failure_of(ImageUnreadable("a.tif is empty.")))
    qtbot.waitUntil(messages.isVisible)
    assert "a.tif is empty." in messages.text.text()
    assert reporter.dialog is None


def test_an_error_of_the_dialog_itself_ends_there(messages, qtbot, caplog):
    reporter = ErrorReporter(dict, None)
    reporter.attach(messages.window(), messages)
    messages.fail(Failure("a", source="a"))
    qtbot.waitUntil(lambda: reporter.dialog is not None)
    reporter.dialog.message.deleteLater()
    del reporter.dialog.message
    messages.fail(Failure("b", source="b"))
    qtbot.waitUntil(lambda: "an error could not be shown" in caplog.text)
    qtbot.wait(50)
    assert caplog.text.count("an error could not be shown") == 1
    reporter.dialog.close()


def test_what_comes_before_there_is_a_window_is_shown_over_it(messages, qtbot):
    window = messages.window()
    window.hide()
    reporter = ErrorReporter(dict, None)
    messages.show_unexpected = None
    reporter.attach(window, messages)
    reporter.report(Failure("a", source="a"))
    qtbot.wait(50)
    assert reporter.dialog is None
    reporter.attach(window, messages)
    window.show()
    assert shown(reporter, qtbot, 1).parentWidget() is window
    reporter.dialog.close()


def test_after_the_end_nothing_is_shown(reporter, qtbot):
    reporter.end()
    QTimer.singleShot(0, fail)
    qtbot.wait(50)
    assert error_dialogs() == []


def test_an_error_while_an_object_is_removed_is_logged_alone(reporter, qtbot, caplog):
    class Doomed:
        def __del__(self):
            fail()

    Doomed()
    assert "Exception ignored" in caplog.text
    assert "the moon is full" in caplog.text
    qtbot.wait(50)
    assert error_dialogs() == []
