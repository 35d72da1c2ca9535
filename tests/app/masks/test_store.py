"""Masks that others must not take away: by memory, damage, previews or other files."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from contextlib import contextmanager

import numpy as np
import pytest

from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.errors import ProjectDamaged
from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.project.tables.revisions import read_revisions
from tests.app.drawing import draw

SIDE = 32


@pytest.fixture
def images(session, cells):
    """Return the entries of two images; the first is shown."""
    sources = [open_images(cells(f"{n}.tif", (SIDE, SIDE)))[0] for n in "ab"]
    images = session.add(sources)
    session.show(sources[0].key)
    return images


@pytest.fixture
def small_memory(session):
    """Let one label set be too much."""
    session.masks.cache.capacity = SIDE * SIDE * 4 - 1


def masks(origin: str, name: str = "cells", cell: int = 0) -> LabelSet:
    labels = np.full((SIDE, SIDE), cell, "u4")
    return LabelSet(
        name=name, pixels=LabelImage(labels), origin=origin, cells=int(cell > 0)
    )


@contextmanager
def busy(writer):
    """Let the writer do nothing meanwhile."""
    go_on, begun = threading.Event(), threading.Event()

    def wait():
        begun.set()
        go_on.wait()

    thread = threading.Thread(target=lambda: writer.run(wait))
    thread.start()
    begun.wait()
    yield
    go_on.set()
    thread.join()


def damage(path, revision):
    """Make a chunk of a revision unreadable."""
    db = sqlite3.connect(path)
    db.execute(
        "UPDATE chunk SET data = x'00' WHERE sha256 IN "
        "(SELECT chunk FROM revision_chunk WHERE revision = ?)",
        (revision,),
    )
    db.commit()
    db.close()


# Memory


def test_a_result_stays_when_edited_masks_give_their_memory_up(
    session, images, small_memory, project
):
    a, b = images
    session.replace_masks(a, masks("a"), "Run")
    draw(session, a, 7, side=8)
    session.show(b.source.key)
    session.replace_masks(b, masks("first"), "Run")
    assert b.masks.origin == "first"
    first = b.masks.revision.id
    session.replace_masks(b, masks("second"), "Run")
    assert b.masks.revision.parent == first
    assert 7 in a.masks.array
    project.writer.flush()
    session.replace_masks(b, masks("third"), "Run")
    assert not a.masks.pixels.loaded
    assert 7 in a.masks.array


def test_what_cannot_be_saved_stays_in_memory(
    cells, project, small_memory, session, monkeypatch
):
    session.add(open_images(cells("a.tif", (SIDE, SIDE))))
    project.writer.flush()
    reading = Session(Project.open(project.path))
    reading.masks.cache.capacity = 1
    a, b = reading.add(open_images(cells(f"{n}.tif", (SIDE, SIDE)))[0] for n in "ab")
    reading.show(b.source.key)
    reading.replace_masks(a, masks("a"), "Run")
    draw(reading, a, 7, side=8)
    writer, waits = reading.project.writer, []
    flush = writer.flush
    monkeypatch.setattr(writer, "flush", lambda *t: waits.append(t) or flush(*t))
    reading.replace_masks(b, masks("b"), "Run")
    reading.project.read(lambda db: db.execute("SELECT 1").fetchone())
    # Nothing will ever be written, so nobody waits for it.
    assert waits == []
    assert 7 in a.masks.array
    reading.project.close(0)


def test_what_is_drawn_before_masks_are_written_is_not_in_them(
    session, images, project
):
    image, drawn_anew = images[0], []
    with busy(project.writer):
        session.replace_masks(image, masks("run", cell=9), "Run")
        array, revision = image.masks.array, image.masks.revision
        session.masks_changed.connect(lambda change: drawn_anew.append(change.kind))
        for cell in (1, 2, 3):
            draw(session, image, cell, side=8)
    project.writer.flush()
    assert (project.labels(revision) == 9).all()
    assert 3 in image.masks.array
    assert image.masks.array is array
    assert drawn_anew == ["edited"] * 3


def test_nothing_is_copied_once_masks_are_written(session, images, project):
    session.replace_masks(images[0], masks("run"), "Run")
    project.writer.flush()
    # The thread lets go of what it has written when it has said so.
    project.writer.run(lambda: None)
    assert not images[0].masks.pixels._snapshots


# Damage


@pytest.fixture
def damaged(session, images, project):
    """Return a session with cells, and nuclei that were edited and cannot be read."""
    session.replace_masks(images[0], masks("cells"), "Run")
    session.replace_masks(images[0], masks("nuclei", "nuclei", 1), "Run")
    draw(session, images[0], 7, side=8)
    number = images[0].masks.revision.id
    project.close()
    damage(project.path, number)
    session = Session(Project.open(project.path))
    session.images[0].label_sets["cells"].array  # noqa: B018
    session.failed.connect(lambda error: session.errors.append(error))
    session.errors = []
    yield session
    session.project.close()


def test_masks_that_cannot_be_read_do_not_stop_the_others(damaged):
    image = damaged.images[0]
    damaged.seal_all()
    damaged.choose_label_set(image, "cells")
    draw(damaged, image, 3, side=8)
    damaged.replace_masks(image, masks("run"), "Run")
    assert image.masks.origin == "run"
    damaged.close(image.source.key)
    assert damaged.errors == []


def test_a_result_takes_the_place_of_masks_that_cannot_be_read(damaged):
    image = damaged.images[0]
    damaged.show(image.source.key)
    old = image.label_sets["nuclei"]
    damaged.replace_masks(image, masks("run", "nuclei"), "Run")
    assert image.masks.origin == "run"
    assert "a.tif are in no revision" in damaged.errors[0].message
    damaged.undo()
    assert image.label_sets["nuclei"] is old
    assert old.edited


def test_an_undo_that_cannot_be_done_changes_nothing(session, images, monkeypatch):
    a = images[0]
    session.replace_masks(a, masks("run"), "Run")
    draw(session, a, 7, side=8)
    draw(session, a, 8, at=4, side=8)
    expected = a.masks.array.copy()
    session.seal(a)
    session.project.writer.flush()
    a.label_sets["cells"] = session.masks.stored.unloaded(a.masks)
    errors = []
    session.failed.connect(errors.append)

    def fail(*_):
        raise ProjectDamaged("The project file cannot be reached.")

    with monkeypatch.context() as patch:
        patch.setattr(Project, "read", fail)
        session.undo()
    assert errors[0].message == "The project file cannot be reached."
    np.testing.assert_array_equal(a.masks.array, expected)
    session.undo()
    assert 8 not in a.masks.array
    assert np.count_nonzero(a.masks.array == 7) == 64
    session.redo()
    np.testing.assert_array_equal(a.masks.array, expected)


def test_an_edit_of_other_pixels_is_refused(session, images):
    a = images[0]
    session.replace_masks(a, masks("run"), "Run")
    region = (slice(0, 4),) * 2
    pixels = np.full((4, 4), 5, "u4")
    stale = edit_between("Draw", [5], a.masks.array, region, pixels)
    draw(session, a, 3, side=8)
    errors = []
    session.failed.connect(errors.append)
    session.edit(a, stale)
    assert "so it was left out" in errors[0].message
    assert 5 not in a.masks.array
    assert len(session.undo_stack) == 2


# Previews


def test_previews_of_two_label_sets_are_both_kept(session, images, project):
    a = images[0]
    session.replace_masks(a, masks("nuclei", "nuclei"), "Run")
    draw(session, a, 7, side=8)
    session.replace_masks(a, masks("cells"), "Run")
    session.preview(a, masks("cells, changed"))
    session.choose_label_set(a, "nuclei")
    assert a.active == "nuclei"
    session.preview(a, masks("nuclei, changed", "nuclei"))
    session.seal_all()
    assert {name: s.origin for name, s in a.label_sets.items()} == {
        "cells": "cells, changed",
        "nuclei": "nuclei, changed",
    }
    assert all(s.revision is not None for s in a.label_sets.values())
    number = a.label_set_ids["nuclei"]
    kinds = [r.kind for r in project.read(lambda db: read_revisions(db, number))]
    assert kinds == ["run", "edit", "threshold"]


@pytest.mark.parametrize("what", ["take off", "run"])
def test_a_preview_is_kept_before_something_else_comes(session, images, what):
    a = images[0]
    session.replace_masks(a, masks("run"), "Run")
    session.preview(a, masks("slider"))
    if what == "take off":
        session.close(a.source.key)
        [again] = session.add(open_images(a.source.path))
        assert again is a
    else:
        session.replace_masks(a, masks("second"), "Run")
        session.undo()
    assert a.masks.origin == "slider"
    assert a.masks.revision.kind == "threshold"


# Files


def test_the_original_image_comes_back_with_its_masks(session, images, cells, project):
    a = images[0]
    path = a.source.path
    shutil.copy(path, path.with_suffix(".bak"))
    session.replace_masks(a, masks("work"), "Run")
    [other] = session.add(open_images(cells("a.tif", (64, 64))))
    assert other is not a
    session.replace_masks(a, masks("late result"), "Run")
    assert a.masks.origin == "late result"
    assert session.images[0] is other
    shutil.move(path.with_suffix(".bak"), path)
    assert session.add(open_images(path)) == [a]
    assert a.masks.origin == "late result"
    assert len(session.images) == 2


def test_both_images_of_a_place_are_found_again_later(session, images, cells, project):
    a = images[0]
    path = a.source.path
    first = shutil.copy(path, path.with_suffix(".bak"))
    session.replace_masks(a, masks("first"), "Run")
    [b] = session.add(open_images(cells("a.tif", (64, 64))))
    larger = LabelSet(
        name="cells",
        pixels=LabelImage(np.zeros((64, 64), "u4")),
        origin="second",
        cells=0,
    )
    session.replace_masks(b, larger, "Run")
    session.close(b.source.key)
    project.close()
    again = Session(Project.open(project.path))
    [image] = again.add(open_images(path))
    assert image.masks.origin == "second"
    shutil.move(first, path)
    [image] = again.add(open_images(path))
    assert image.masks.origin == "first"
    again.project.close()
