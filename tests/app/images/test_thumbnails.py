"""Thumbnails in the background, and which images are missing."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QCoreApplication

from cellpose_studio.app.images.image_status import status_of
from cellpose_studio.app.images.missing_images import MissingImages
from cellpose_studio.app.images.thumbnails import Thumbnails
from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.io.cache.thumbnails import ThumbnailCache
from cellpose_studio.io.images.missing import missing_files
from cellpose_studio.io.images.reader import open_images


@pytest.fixture
def images(cells):
    return [open_images(cells(f"{n}.tif", (32, 40)))[0] for n in "abcd"]


class SlowCache(ThumbnailCache):
    """Makes thumbnails when it is told to, and remembers what and where."""

    def __init__(self, folder):
        super().__init__(folder)
        self.go = threading.Semaphore(0)
        self.threads = set()
        self.asked = []

    def of(self, image, size=96):
        self.asked.append(image.name)
        assert self.go.acquire(timeout=300)
        self.threads.add(threading.get_ident())
        return super().of(image, size)


@pytest.fixture
def cache(tmp_path):
    return SlowCache(tmp_path / "thumbnails")


@pytest.fixture
def thumbnails(qapp, cache):
    thumbnails = Thumbnails(cache)
    thumbnails.heard = []
    thumbnails.made.connect(
        lambda image, picture: thumbnails.heard.append((image.name, picture.shape))
    )
    thumbnails.failed.connect(
        lambda image, why: thumbnails.heard.append((image.name, why))
    )
    yield thumbnails
    cache.go.release(100)
    thumbnails.shut_down()


def test_thumbnails_come_from_another_thread(thumbnails, cache, images, qtbot):
    thumbnails.want(images[:2])
    cache.go.release(2)
    qtbot.waitUntil(lambda: len(thumbnails.heard) == 2)
    assert thumbnails.heard == [("a.tif", (32, 40, 3)), ("b.tif", (32, 40, 3))]
    assert threading.get_ident() not in cache.threads


def test_what_is_out_of_sight_again_is_not_made(thumbnails, cache, images, qtbot):
    thumbnails.want(images[:3])
    cache.go.release()
    qtbot.waitUntil(lambda: len(thumbnails.heard) == 1)
    thumbnails.want(images[3:])
    cache.go.release(3)
    qtbot.waitUntil(lambda: ("d.tif", (32, 40, 3)) in thumbnails.heard)
    # One after the other: b was on its way, and c would have been next.
    assert cache.asked == ["a.tif", "b.tif", "d.tif"]


def test_what_cannot_be_read_is_said_and_the_rest_is_made(
    thumbnails, cache, images, qtbot
):
    images[0].path.unlink()
    cache.go.release(2)
    thumbnails.want(images[:2])
    qtbot.waitUntil(lambda: len(thumbnails.heard) == 2)
    (first, why), second = thumbnails.heard
    assert first == "a.tif"
    assert "a.tif" in why
    assert second == ("b.tif", (32, 40, 3))


def test_nothing_comes_after_the_end(thumbnails, cache, images):
    thumbnails.want(images)
    cache.go.release(2)
    # Two are made, of which nobody has heard; the third is on its way.
    while cache.asked != ["a.tif", "b.tif", "c.tif"]:
        time.sleep(0.001)
    threading.Timer(0.1, cache.go.release, (2,)).start()
    thumbnails.shut_down()
    QCoreApplication.processEvents()
    assert thumbnails.heard == []


def test_the_status_is_what_matters_most(session, images):
    image = session.add(images[:1])[0]
    assert status_of(image) == "untouched"
    pixels = np.zeros((32, 40), np.uint32)
    pixels[:3, :3] = 1
    labels = LabelSet(name="cells", pixels=LabelImage(pixels), origin="run", cells=1)
    session.replace_masks(image, labels, "Run")
    assert status_of(image) == "segmented"
    region = (slice(0, 3), slice(0, 3))
    after = np.zeros((3, 3), np.uint32)
    session.edit(image, edit_between("Delete", [1], pixels, region, after))
    assert status_of(image) == "edited"
    session.set_reviewed(image, True)
    assert status_of(image) == "reviewed"
    assert status_of(image, missing=True) == "missing"
    session.set_reviewed(image, False)
    session.seal(image)
    assert status_of(image) == "edited"


def test_files_that_are_not_there_are_found(cells, tmp_path):
    here = cells("a.tif")
    gone = [tmp_path / "b.tif", tmp_path / "no folder" / "a.tif"]
    assert missing_files([here, *gone], Checkpoint()) == {*gone}
    assert missing_files([], Checkpoint()) == frozenset()
    checkpoint = Checkpoint()
    checkpoint.stop()
    with pytest.raises(Cancelled):
        missing_files([Path("a")], checkpoint)


def test_missing_images_are_noticed_when_the_list_changes(session, images, qtbot):
    images[1].path.unlink()
    missing = MissingImages(session)
    with qtbot.waitSignal(_qt(missing)):
        session.add(images)
    assert [i.path in missing for i in images] == [False, True, False, False]
    missing.shut_down()


def _qt(missing):
    """Return a signal of Qt that is emitted with the one of ``missing``."""
    from qtpy.QtCore import QObject, Signal

    class Relay(QObject):
        heard = Signal()

    missing.relay = Relay()
    missing.changed.connect(lambda: missing.relay.heard.emit())
    return missing.relay.heard
