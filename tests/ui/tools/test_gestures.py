"""Gestures that something comes between: nothing is lost, nothing goes astray."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import QCoreApplication, Qt
from qtpy.QtTest import QTest

from cellpose_studio.app.background.auto_seal import AutoSeal
from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.masks.cell_table import HIGHEST_ID
from tests.ui.mouse import LEFT, RIGHT, Mouse

NONE = Qt.KeyboardModifier.NoModifier
CONTROL = Qt.KeyboardModifier.ControlModifier
CELL = (16, 16)


@pytest.fixture
def images(user, cells):
    """Return two images with masks of twelve cells; the first is shown."""
    y, x = np.indices((96, 128))
    numbers = (y // 32 * 4 + x // 32 + 1).astype(np.uint16)
    inside = np.hypot(y % 32 - 16, x % 32 - 16) < 10
    paths = [cells("a.tif"), cells("b.tif")]
    for path in paths:
        tifffile.imwrite(path.with_stem(f"{path.stem}_masks"), numbers * inside)
    images = user.open(*paths)
    user.window.session.show(images[0].source.key)
    user.wait_for(lambda: images[0].masks.pixels.loaded)
    return images


def stored(user) -> list[np.ndarray]:
    """Return the masks of all images as the project's file has them."""
    project = user.window.session.project
    project.writer.flush()
    copy = project.path.with_name("copy.cpstudio")
    copy.unlink(missing_ok=True)
    project.read(lambda db: db.execute("VACUUM INTO ?", (str(copy),)))
    again = Project.open(copy)
    try:
        return [image.masks.array.copy() for image in Session(again).images]
    finally:
        again.close()


def held(images) -> list[np.ndarray]:
    return [image.masks.array for image in images]


def interrupt_stroke(mouse: Mouse, by: Callable[[], None]) -> None:
    """Paint to the right, with something in between, and on below."""
    y, x = CELL
    QTest.mousePress(mouse.native, LEFT, NONE, mouse.on_screen(CELL))
    mouse.move((y, x + 14), LEFT)
    by()
    mouse.move((y + 14, x + 14), LEFT)
    last = mouse.on_screen((y + 20, x + 14))
    QTest.mouseRelease(mouse.native, LEFT, NONE, last)


@pytest.mark.slow
def test_a_stroke_that_is_interrupted_is_whole_in_the_project(user, images, mouse):
    window = user.window
    session, actions = window.session, window.menus.actions
    masks = LabelSet(
        name="masks",
        pixels=LabelImage(np.ones((96, 128), np.uint32)),
        origin="run",
        cells=1,
    )
    interruptions = {
        "undo": actions["undo"].trigger,
        "redo": actions["redo"].trigger,
        "seal": session.seal_all,
        "escape": actions["cancel"].trigger,
        "tool": actions["eraser"].trigger,
        "delete": actions["deleteCell"].trigger,
        "status": lambda: session.set_cell_status(images[0], [3], "accepted"),
        "next image": actions["next"].trigger,
        "run": lambda: session.replace_masks(images[0], masks, "Run"),
        "label set": lambda: session.replace_masks(
            images[0],
            LabelSet(
                name="other", pixels=LabelImage(masks.array * 0), origin="run", cells=0
            ),
            "Run",
        ),
    }
    begun = [labels.copy() for labels in held(images)]
    for name, by in interruptions.items():
        session.show(images[0].source.key)
        window.tools.take("brush")
        window.selection.select(12)
        interrupt_stroke(mouse, by)
        for now, kept in zip(held(images), stored(user), strict=True):
            np.testing.assert_array_equal(now, kept, err_msg=name)
        session.show(images[0].source.key)
        while session.can_undo:
            session.undo()
        assert user.message == "", name
        for now, before in zip(held(images), begun, strict=True):
            np.testing.assert_array_equal(now, before, err_msg=name)


@pytest.mark.slow
def test_a_stroke_is_drawn_once(user, images, mouse, qtbot, monkeypatch):
    canvas, kinds, drawn = user.window.canvas, [], []
    redraw, redraw_soon = canvas.masks.redraw, canvas.masks.redraw_soon

    def noted(name, region):
        drawn.append(region)
        redraw_soon(name, region)

    def redrawn(name, regions):
        raise AssertionError("what was drafted is drawn again")

    monkeypatch.setattr(canvas.masks, "redraw_soon", noted)
    monkeypatch.setattr(canvas.masks, "redraw", redrawn)
    user.window.session.masks_changed.connect(lambda what: kinds.append(what.kind))
    before = seen(user)
    qtbot.keyClick(user.window, Qt.Key.Key_B)
    interrupt_stroke(mouse, lambda: None)
    assert kinds[-1] == "edited"
    assert kinds.count("edited") == 1
    assert len(drawn) == kinds.count("drafted") > 1
    # Drafts are drawn once the events that wait have been handled.
    QCoreApplication.processEvents()
    after = seen(user)
    assert (after != before).any()
    redraw("masks", [(slice(0, 96), slice(0, 128))])
    np.testing.assert_array_equal(seen(user), after)


def seen(user) -> np.ndarray:
    """Return the pixels of the canvas."""
    return user.window.canvas.widget.screenshot(flash=False)


@pytest.mark.slow
def test_escape_takes_a_stroke_back(user, images, mouse, qtbot):
    before = held(images)[0].copy()
    qtbot.keyClick(user.window, Qt.Key.Key_B)
    interrupt_stroke(mouse, user.window.menus.actions["cancel"].trigger)
    np.testing.assert_array_equal(held(images)[0], before)
    assert not user.window.session.can_undo
    assert user.window.tools.mode == "brush"


@pytest.mark.slow
def test_masks_are_not_sealed_while_a_stroke_goes_on(user, images, mouse, qtbot):
    session = user.window.session
    sealer = AutoSeal(session, rest=20)
    before = held(images)[0].copy()
    user.window.tools.take("brush")
    mouse.drag([CELL, (16, 30)])
    interrupt_stroke(mouse, lambda: qtbot.wait(200))
    assert len(session.undo_stack) == 2
    assert (before != held(images)[0])[34, 28:32].any()
    qtbot.waitUntil(lambda: not images[0].masks.edited)
    assert sealer is not None


@pytest.mark.slow
def test_handles_reshape_the_image_they_were_opened_on(user, images, mouse, qtbot):
    window = user.window
    mouse.click(CELL)
    qtbot.keyClick(window, Qt.Key.Key_H)
    vertex = np.array(window.tools.tool.vertices()[0])
    out = vertex + (vertex - CELL) * 0.5
    mouse.drag([tuple(vertex), tuple((vertex + out) / 2), tuple(out)])
    before = [labels.copy() for labels in held(images)]
    window.menus.actions["next"].trigger()
    user.wait_for(lambda: images[1].masks.pixels.loaded)
    window.tools.take("select")
    assert (held(images)[0] != before[0]).any()
    np.testing.assert_array_equal(held(images)[1], before[1])


@pytest.mark.slow
def test_tools_without_masks_are_quiet(user, cells, mouse, qtbot):
    window = user.window
    qtbot.keyClick(window, Qt.Key.Key_H)
    [image] = user.open(cells("a.tif"))
    for key in (Qt.Key.Key_H, Qt.Key.Key_H, Qt.Key.Key_S, Qt.Key.Key_E):
        qtbot.keyClick(window, key)
        mouse.drag([CELL, (20, 20)])
        mouse.double_click(CELL)
    # What is outside the image does not begin masks.
    for mode in ("brush", "outline"):
        window.tools.take(mode)
        mouse.click((-9, 40))
        window.tools.cancel()
    mouse.click((-9, 40), button=RIGHT)
    assert user.message == ""
    assert image.masks is None
    assert not window.session.can_undo


@pytest.mark.slow
def test_a_cell_that_is_gone_is_not_accepted(user, images, mouse, qtbot):
    mouse.click(CELL)
    mouse.click(CELL, CONTROL)
    assert user.window.selection.cell == 0
    user.window.menus.actions["accept"].trigger()
    assert images[0].statuses.get("masks", {}) == {}


@pytest.mark.slow
def test_ids_that_are_used_up_are_said(user, images, mouse, qtbot):
    labels = held(images)[0].copy()
    labels[:3, :3] = HIGHEST_ID
    session = user.window.session
    masks = LabelSet(name="masks", pixels=LabelImage(labels), origin="run", cells=13)
    session.replace_masks(images[0], masks, "Run")
    qtbot.keyClick(user.window, Qt.Key.Key_B)
    mouse.drag([(32, 32), (32, 40)])
    assert "4,294,967,295" in user.message
    qtbot.keyClick(user.window, Qt.Key.Key_E)
    mouse.drag([CELL, (16, 20)])
    assert images[0].masks.array[CELL] == 0


@pytest.mark.slow
def test_moves_that_come_together_are_drawn_at_once(user, images, qtbot):
    masks = user.window.canvas.masks
    layer = user.window.canvas.model.layers["masks"]
    parts = []
    layer.events.labels_update.connect(lambda event: parts.append(event.data.shape))
    before = layer.picture.copy()
    images[0].masks.array[2:40, 2:40] = 9
    for n in range(2, 40, 2):
        masks.redraw_soon("masks", (slice(n, n + 2), slice(2, 40)))
    assert not parts
    qtbot.waitUntil(lambda: bool(parts))
    assert len(parts) == 1
    now = layer.picture
    assert (now[2:40, 2:40] != before[2:40, 2:40]).any()
    np.testing.assert_array_equal(now, layer.draw_picture(images[0].masks.array))
