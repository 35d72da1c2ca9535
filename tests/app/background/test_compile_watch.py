"""Compiling is told while it goes on for long, and only then."""

from __future__ import annotations

from contextlib import suppress

import pytest
from numba.core import event
from qtpy.QtCore import QCoreApplication

from cellpose_studio.app.background.compile_watch import CompileWatch
from cellpose_studio.core.compiling.compiled import compiled

KIND = "numba:compile"


@pytest.fixture
def watch(qapp):
    """Return a watch of numba, whose timers end when the test says so."""
    # It is this that numba is imported with.
    assert compiled(lambda: 0).machine_code
    watch = CompileWatch()
    for timer in (watch._long, watch._pause):
        timer.setInterval(24 * 60 * 60 * 1000)
    watch.heard = []
    watch.changed.connect(watch.heard.append)
    yield watch
    # A test may have done so.
    with suppress(ValueError):
        watch.shut_down()


def compile_something():
    with event.trigger_event(KIND):
        pass
    QCoreApplication.processEvents()


@pytest.mark.slow
def test_long_compiling_is_told_and_its_end(watch):
    with event.trigger_event(KIND):
        QCoreApplication.processEvents()
        assert watch.heard == []
        watch._long.timeout.emit()
    assert watch.heard == [True]
    # The next loop follows soon.
    QCoreApplication.processEvents()
    assert watch._pause.isActive()
    with event.trigger_event(KIND):
        QCoreApplication.processEvents()
        assert not watch._pause.isActive()
    QCoreApplication.processEvents()
    assert watch.heard == [True]
    watch._pause.timeout.emit()
    assert watch.heard == [True, False]


@pytest.mark.slow
def test_short_compiling_is_not_told(watch):
    compile_something()
    assert watch._long.isActive()
    watch._pause.timeout.emit()
    assert not watch._long.isActive()
    assert watch.heard == []


@pytest.mark.slow
def test_after_the_end_nothing_is_told(watch):
    watch.shut_down()
    compile_something()
    assert not watch._long.isActive()
    assert not watch._pause.isActive()
