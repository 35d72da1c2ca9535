"""Compiling is told while it goes on for long, and only then."""

from __future__ import annotations

import pytest
from numba.core import event

from cellpose_studio.app.background.compile_watch import CompileWatch
from cellpose_studio.core.compiling.compiled import compiled

KIND = "numba:compile"


@pytest.mark.slow
def test_long_compiling_is_told_and_its_end(qtbot):
    # It is this that numba is imported with.
    assert compiled(lambda: 0).machine_code
    watch = CompileWatch()
    told = []
    watch.changed.connect(told.append)
    with event.trigger_event(KIND):
        qtbot.waitUntil(lambda: bool(told), timeout=5000)
    # The next loop follows soon.
    with event.trigger_event(KIND):
        qtbot.wait(300)
    assert told == [True]
    qtbot.waitUntil(lambda: told == [True, False], timeout=5000)
    with event.trigger_event(KIND):
        qtbot.wait(50)
    qtbot.wait(2000)
    assert told == [True, False]
    watch.shut_down()
    with event.trigger_event(KIND):
        qtbot.wait(1700)
    assert told == [True, False]
