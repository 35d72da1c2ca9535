"""How much of the masks on their way to the disk has been written."""

from __future__ import annotations

import sqlite3
import threading

import numpy as np
import pytest

from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.project.write_progress import WriteProgress
from cellpose_studio.core.masks.chunks import CHUNK
from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.project.tables import label_chunks

SIDE = 7 * CHUNK  # more chunks than are written at once


def test_chunks_are_counted_until_their_revision_is_on_the_disk():
    stored = set()
    progress = WriteProgress(stored.__contains__)
    assert progress.state() == (0, 0)
    progress.expect(1, 10)
    progress.expect(2, 4)
    wrote = progress.begin(1)
    wrote(3)
    assert progress.state() == (3, 14)
    wrote(7)
    stored.add(1)
    assert progress.state() == (0, 4)


def test_what_is_written_again_after_a_failure_counts_once():
    progress = WriteProgress(lambda _: False)
    progress.expect(1, 10)
    progress.begin(1)(8)
    wrote = progress.begin(1)
    assert progress.state() == (0, 10)
    wrote(4)
    assert progress.state() == (4, 10)


@pytest.fixture
def image(session, cells):
    return session.add(open_images(cells("a.tif", (SIDE, SIDE))))[0]


def test_a_run_and_its_edits_are_counted_chunk_by_chunk(
    session, project, image, monkeypatch
):
    batches, gate = [], threading.Event()
    write = label_chunks._write

    def written(db: sqlite3.Connection, *rest):
        gate.wait(60)
        batches.append(project.write_progress.state())
        return write(db, *rest)

    monkeypatch.setattr(label_chunks, "_write", written)
    labels = np.zeros((SIDE, SIDE), "u4")
    labels[10:30, 10:30] = 1
    masks = LabelSet(name="cells", pixels=LabelImage(labels), origin="run", cells=1)
    session.replace_masks(image, masks, "Run")
    assert project.write_progress.state() == (0, 49)
    gate.set()
    project.writer.flush()
    assert batches == [(0, 49), (32, 49)]
    assert project.write_progress.state() == (0, 0)
    gate.clear()
    region, pixels = (slice(2, 6),) * 2, np.full((4, 4), 7, "u4")
    session.edit(image, edit_between("Draw", [7], image.masks.array, region, pixels))
    session.seal(image)
    # One chunk has changed.
    assert project.write_progress.state() == (0, 1)
    gate.set()
    project.writer.flush()
    assert project.write_progress.state() == (0, 0)
