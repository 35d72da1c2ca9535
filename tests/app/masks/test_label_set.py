"""Label images that are read when they are needed, from several threads."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from cellpose_studio.app.masks import label_set
from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.core.display.label_marks import ACCEPTED
from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.io.images.reader import open_images


def in_worker(call):
    """Return what a call in another thread returns, or raise what it raises."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


@pytest.fixture
def pixels():
    return LabelImage(np.eye(8, dtype=np.uint32))


@pytest.mark.parametrize("read", ["array", "cell_table"])
def test_a_worker_must_not_touch_live_pixels(pixels, read):
    in_worker(getattr(pixels, read))
    pixels.go_live()
    with pytest.raises(RuntimeError, match="outside of the GUI thread"):
        in_worker(getattr(pixels, read))
    getattr(pixels, read)()


def test_a_worker_must_not_edit_live_pixels(pixels):
    region = (slice(0, 2),) * 2
    edit = edit_between("Draw", [3], pixels.array(), region, np.full((2, 2), 3, "u4"))
    pixels.go_live()
    with pytest.raises(RuntimeError, match="outside of the GUI thread"):
        in_worker(lambda: pixels.apply(edit))
    assert 3 not in pixels.array()


def test_nobody_is_stopped_where_it_is_not_checked(pixels, monkeypatch):
    monkeypatch.setattr(label_set, "_CHECKED", False)
    pixels.go_live()
    assert in_worker(pixels.array) is pixels.array()


def test_a_worker_may_read_what_is_not_in_memory_and_take_a_snapshot():
    readers = []

    def load():
        readers.append(threading.current_thread())
        return np.eye(8, dtype=np.uint32), set()

    pixels = LabelImage(load=load)
    pixels.go_live()
    in_worker(pixels.load)
    assert pixels.loaded
    assert len(pixels.cell_table()) == 1
    snapshot = in_worker(pixels.snapshot)
    np.testing.assert_array_equal(in_worker(snapshot.array), pixels.array())
    assert len(readers) == 1
    assert threading.main_thread() not in readers


def test_masks_of_the_session_are_live(session, cells, reopened):
    [image] = session.add(open_images(cells("a.tif", (32, 32))))
    array = np.ones((32, 32), np.uint32)
    masks = LabelSet(name="cells", pixels=LabelImage(array), origin="run", cells=1)
    session.replace_masks(image, masks, "Run")
    with pytest.raises(RuntimeError, match="GUI thread"):
        in_worker(lambda: image.masks.array)
    [again] = reopened().images
    with pytest.raises(RuntimeError, match="GUI thread"):
        in_worker(lambda: again.masks.array)


def test_a_picture_that_was_drawn_ahead_is_taken_once_and_never_outdated(pixels):
    in_worker(lambda: pixels.draw_ahead({1: "accepted"}))
    drawn = pixels.take_drawn()
    assert drawn.picture[3, 3] & 0x7F == ACCEPTED
    assert np.array_equal(drawn.picture > 0, pixels.array() > 0)
    assert pixels.take_drawn() is None
    in_worker(lambda: pixels.draw_ahead({}))
    region = (slice(0, 2),) * 2
    pixels.apply(
        edit_between("Draw", [3], pixels.array(), region, np.full((2, 2), 3, "u4"))
    )
    assert pixels.take_drawn() is None
