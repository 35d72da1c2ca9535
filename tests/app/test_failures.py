"""What is said about failures, and what is kept for a report."""

from __future__ import annotations

import logging
import sys

import pytest
from psygnal import Signal
from qtpy.QtCore import QTimer

from cellpose_studio.app.failures import Failure, catch_unexpected, failure_of
from cellpose_studio.core.errors import ImageUnreadable


class Source:
    changed = Signal()
    changed_again = Signal()


def caught(function, *arguments):
    """Return what ``function`` raises, with its traceback."""
    with pytest.raises(Exception) as raised:
        function(*arguments)
    return raised.value


def test_an_error_of_ours_says_what_to_do_and_needs_no_details(caplog):
    failure = failure_of(ImageUnreadable("a.tif is empty.", "Copy it again."))
    assert failure == Failure("a.tif is empty.", "Copy it again.")
    assert caplog.records == []


def test_an_error_of_ours_is_found_behind_the_signals_it_passed():
    def fail():
        raise ImageUnreadable("a.tif has gone.", "Look for it.")

    source = Source()
    source.changed.connect(fail)
    source.changed_again.connect(lambda: source.changed.emit())
    failure = failure_of(caught(source.changed_again.emit))
    assert failure == Failure("a.tif has gone.", "Look for it.")


def test_too_little_memory_says_what_helps():
    failure = failure_of(MemoryError())
    assert "memory is not enough" in failure.message
    assert "Close other programs" in failure.hint
    assert failure.details == ""


def test_the_unexpected_is_kept_in_detail_and_logged(caplog):
    with caplog.at_level(logging.ERROR, "cellpose_studio"):
        failure = failure_of(caught(lambda: {}["key"]))
    assert failure.message == "Something unexpected went wrong: 'key'."
    assert "report" in failure.hint
    assert "Traceback" in failure.details
    assert "KeyError: 'key'" in failure.details
    assert __file__ in failure.details
    assert caplog.records[0].exc_info[0] is KeyError


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError(), "ValueError"),
        (RuntimeError("out of luck.\nstack of C++ frames\n"), "out of luck"),
        (OSError(2, "No such file"), "[Errno 2] No such file"),
    ],
)
def test_the_unexpected_is_said_in_one_line(error, said):
    assert failure_of(error).message == f"Something unexpected went wrong: {said}."


def test_the_unexpected_behind_a_signal_is_named_and_traced():
    def fail():
        raise ValueError("no such cell")

    source = Source()
    source.changed.connect(fail)
    failure = failure_of(caught(source.changed.emit))
    assert failure.message == "Something unexpected went wrong: no such cell."
    assert "in fail" in failure.details
    assert "EmitLoopError" in failure.details


@pytest.fixture
def _hook():
    before = sys.excepthook
    yield
    sys.excepthook = before


@pytest.mark.usefixtures("_hook")
@pytest.mark.qt_no_exception_capture
def test_what_reaches_the_event_loop_is_shown_and_the_program_goes_on(qtbot):
    shown, went_on = [], []
    catch_unexpected(shown.append)
    QTimer.singleShot(0, lambda: {}["key"])
    QTimer.singleShot(1, lambda: went_on.append(True))
    qtbot.waitUntil(lambda: bool(went_on))
    assert [failure.message for failure in shown] == [
        "Something unexpected went wrong: 'key'."
    ]


@pytest.mark.usefixtures("_hook")
def test_ctrl_c_is_no_failure(capsys):
    shown = []
    catch_unexpected(shown.append)
    error = KeyboardInterrupt()
    sys.excepthook(KeyboardInterrupt, error, None)
    assert shown == []
    assert "KeyboardInterrupt" in capsys.readouterr().err
