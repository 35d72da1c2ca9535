"""Undo and redo of what was done in an earlier start, which is read first."""

from __future__ import annotations

import sqlite3
import threading

import numpy as np
import pytest

from cellpose_studio.app.background.mask_loader import MaskLoader
from cellpose_studio.app.flow_store import FlowStore
from cellpose_studio.app.jobs import JobQueue
from cellpose_studio.app.masks import label_set
from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.undo import journal_steps
from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.io.images.reader import open_images
from tests.app.drawing import draw


def drawn(session) -> set[int]:
    [image] = session.images
    return set(np.unique(image.masks.array).tolist()) - {0}


class Earlier:
    """A project that was opened again, in which four cells were drawn before."""

    def __init__(self, session, queue, tmp_path, qtbot):
        self.session, self.queue, self.qtbot = session, queue, qtbot
        self.gate = threading.Event()
        self.errors = []
        self.loader = MaskLoader(session, queue, FlowStore(tmp_path / "flows"))
        self.loader.failed.connect(lambda error: self.errors.append(error.message))
        session.failed.connect(lambda error: self.errors.append(error.message))

    def keep_busy(self):
        """Let the project write until the gate is opened."""
        self.session.project.submit(lambda _: self.gate.wait(60))

    def go_on(self):
        self.gate.set()
        self.qtbot.waitUntil(lambda: not self.queue.jobs)


@pytest.fixture
def earlier(session, reopened, tmp_path, qtbot, cells):
    [image] = session.add(open_images(cells("a.tif", (32, 32))))
    labels = LabelImage(np.zeros((32, 32), "u4"))
    session.replace_masks(
        image, LabelSet(name="cells", pixels=labels, origin="run", cells=0), "Run"
    )
    for cell in (1, 2, 3, 4):
        draw(session, image, cell, 5 * cell)
    queue = JobQueue()
    earlier = Earlier(reopened(), queue, tmp_path, qtbot)
    earlier.session.show(earlier.session.images[0].source.key)
    earlier.go_on()
    earlier.gate.clear()
    yield earlier
    earlier.gate.set()
    queue.shut_down()


def test_an_edit_is_read_off_the_gui_thread(earlier, monkeypatch):
    session, readers = earlier.session, []
    read = journal_steps.read_edit

    def noted(*asked):
        readers.append(threading.current_thread())
        return read(*asked)

    monkeypatch.setattr(journal_steps, "read_edit", noted)
    earlier.keep_busy()
    session.undo()
    assert drawn(session) == {1, 2, 3, 4}
    earlier.go_on()
    assert drawn(session) == {1, 2, 3}
    session.redo()
    assert drawn(session) == {1, 2, 3, 4}
    assert len(readers) == 1
    assert threading.main_thread() not in readers


def test_all_that_is_asked_for_meanwhile_is_done_in_turn(earlier):
    session = earlier.session
    earlier.keep_busy()
    for ask in (session.undo, session.undo, session.undo, session.redo):
        ask()
    assert drawn(session) == {1, 2, 3, 4}
    earlier.go_on()
    assert drawn(session) == {1, 2}
    assert session.undo_stack.done(session.shown) == 3
    session.undo()
    earlier.go_on()
    assert drawn(session) == {1}


def test_what_is_drawn_meanwhile_wins(earlier):
    session = earlier.session
    earlier.keep_busy()
    session.undo()
    session.undo()
    [image] = session.images
    draw(session, image, 9, 0)
    session.undo()
    assert drawn(session) == {1, 2, 3, 4}
    session.redo()
    earlier.go_on()
    assert drawn(session) == {1, 2, 3, 4, 9}


def test_a_stroke_that_goes_on_is_not_cut_off(earlier):
    session = earlier.session
    [image] = session.images
    earlier.keep_busy()
    session.undo()
    stroke = session.begin_stroke(image, "Brush")
    earlier.go_on()
    labels, region = image.masks.array, (slice(0, 3),) * 2
    stroke.add(edit_between("Brush", [9], labels, region, np.full((3, 3), 9, "u4")))
    session.end_stroke()
    assert drawn(session) == {1, 2, 3, 4, 9}
    assert session.undo_text == "Brush"


def test_a_damaged_edit_says_so_and_is_left(earlier):
    session = earlier.session
    session.undo()
    earlier.go_on()
    db = sqlite3.connect(session.project.path)
    db.execute("UPDATE journal SET delta = x'0011' WHERE delta IS NOT NULL")
    db.commit()
    db.close()
    for _ in range(2):
        session.undo()
        earlier.go_on()
    assert len(earlier.errors) == 2
    assert "damaged" in earlier.errors[0]
    assert drawn(session) == {1, 2, 3}
    session.redo()
    assert drawn(session) == {1, 2, 3, 4}


def test_nothing_happens_to_another_project(earlier, tmp_path, project):
    session, first = earlier.session, earlier.session.project
    earlier.keep_busy()
    session.undo()
    session.use(type(project).create(tmp_path / "other.cpstudio"))
    earlier.go_on()
    assert not earlier.errors
    assert len(session.undo_stack) == 0
    session.project.close()
    session.use(first)
    assert drawn(session) == {1, 2, 3, 4}


def test_large_masks_are_drawn_before_they_come_back(
    session, queue, tmp_path, qtbot, cells, monkeypatch
):
    [image] = session.add(open_images(cells("a.tif", (32, 32))))
    session.show(image.source.key)
    loader = MaskLoader(session, queue, FlowStore(tmp_path / "flows"))
    for origin in ("first", "second"):
        labels = LabelImage(np.ones((32, 32), "u4"))
        made = LabelSet(name="cells", pixels=labels, origin=origin, cells=1)
        session.replace_masks(image, made, "Run")
    threads, draw_ahead = [], label_set.draw_ahead

    def noted(*what):
        threads.append(threading.current_thread())
        return draw_ahead(*what)

    monkeypatch.setattr(label_set, "draw_ahead", noted)
    monkeypatch.setattr(label_set, "_QUICKLY_DRAWN", 32 * 32 - 1)
    for move, origin in ((session.undo, "first"), (session.redo, "second")):
        move()
        qtbot.waitUntil(lambda: not queue.jobs)
        assert image.masks.origin == origin
        assert image.masks.pixels.take_drawn() is not None
    assert len(threads) == 2
    assert threading.main_thread() not in threads
    assert loader is not None
