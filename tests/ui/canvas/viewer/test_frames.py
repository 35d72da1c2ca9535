"""A fast stroke is whole, although the canvas is drawn less often than it moves."""

from __future__ import annotations

from itertools import pairwise
from time import perf_counter

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from cellpose_studio.core.edits.shapes import brush
from cellpose_studio.ui.canvas.viewer import frames as module
from cellpose_studio.ui.canvas.viewer.frames import Frames
from tests.ui.mouse import LEFT

PLAIN = Qt.KeyboardModifier.NoModifier
MOVES, SIZE = 200, 9


@pytest.fixture
def frames(user):
    """Return a list of when each frame of the canvas from now on began, seconds."""
    begun = []
    draw = user.window.canvas.widget.canvas._scene_canvas.events.draw
    draw.connect(lambda _: begun.append(perf_counter()))
    return begun


@pytest.mark.slow
def test_a_fast_stroke_is_whole_and_drawn_in_fewer_frames(user, cells, mouse, frames):
    [image] = user.open(cells("a.tif"))
    canvas, tools = user.window.canvas, user.window.tools
    tools.take("brush")
    tools.set_size(SIZE)
    turns = np.linspace(0, 4 * np.pi, MOVES)
    around = [(48 + 25 * np.sin(t), 40 + 30 * np.cos(t)) for t in turns]
    # A hand cannot point between the pixels of the screen.
    at = [mouse.on_screen(place) for place in around]
    zero, one = (np.array(p) for p in canvas.camera.on_screen([(0, 0), (1, 1)]))
    path = [(([p.x(), p.y()] - zero) / (one - zero))[::-1] for p in at]
    QTest.mousePress(mouse.native, LEFT, PLAIN, at[0])
    frames.clear()
    for place in around[1:]:
        mouse.move(place, LEFT)
    assert frames
    # No sooner than a screen shows them, however often vispy asks; Qt rounds to 1 ms.
    assert all(later - sooner > 0.015 for sooner, later in pairwise(frames))
    QTest.mouseRelease(mouse.native, LEFT, PLAIN, at[-1])
    user.wait_for(lambda: image.masks.cells == 1)
    expected = np.zeros(image.source.label_shape, bool)
    for step in pairwise(path):
        patch = brush(np.array(step), SIZE, expected.shape)
        expected[patch.box] |= patch.mask
    assert np.array_equal(image.masks.array > 0, expected)


@pytest.mark.slow
def test_a_frame_waits_until_the_screen_has_shown_the_one_before(
    user, cells, qtbot, frames, monkeypatch
):
    user.open(cells("a.tif"))
    canvas = user.window.canvas
    timer = canvas.widget.canvas.native.findChild(Frames)._timer
    # After all frames so far, and it stands still.
    now = [perf_counter() + 1]
    monkeypatch.setattr(module, "perf_counter", lambda: now[0])
    line = np.array([(1.0, 1.0), (9.0, 9.0)])

    def wait_of_the_next(after: float) -> int:
        """Return how long it is waited after a frame that begins now, ms."""
        frames.clear()
        canvas.show_line("drawn", [line], "#ffd400")
        qtbot.waitUntil(lambda: bool(frames) and not timer.isActive())
        now[0] += after
        canvas.show_line("drawn", [line + 1], "#ffd400")
        assert timer.isActive()
        return timer.interval()

    assert wait_of_the_next(0.0) == 17
    assert wait_of_the_next(0.004) == 13
    # What asks for it goes on first.
    assert wait_of_the_next(1.0) == 1


@pytest.mark.slow
def test_changes_of_one_turn_are_drawn_together(user, cells, qtbot, frames):
    user.open(cells("a.tif"))
    canvas = user.window.canvas
    timer = canvas.widget.canvas.native.findChild(Frames)._timer
    qtbot.waitUntil(lambda: bool(frames) and not timer.isActive())
    frames.clear()
    line = np.array([(1.0, 1.0), (9.0, 9.0)])
    for n in range(20):
        canvas.show_line("drawn", [line + n], "#ffd400")
    assert frames == []
    qtbot.waitUntil(lambda: bool(frames) and not timer.isActive())
    # The window may want one for itself.
    assert len(frames) <= 2
