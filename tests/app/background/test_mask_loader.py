"""What comes with masks that are read from the project: flows, doubt, parameters."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace

import numpy as np
import pytest

from cellpose_studio.app.background import mask_loader
from cellpose_studio.app.background.flow_store import FlowKeeper, KeptFlows
from cellpose_studio.app.background.mask_loader import MasksLoader
from cellpose_studio.app.history.restore import read_masks
from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.core.errors import ProjectDamaged
from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.core.runs.confidence import Confidence
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.project.tables.confidence import read_confidence
from cellpose_studio.io.project.tables.revisions import read_revisions

WAIT = 20_000  # ms
DOUBT = Confidence(
    np.array([1], "u4"), np.array([1024]), np.array([0.1]), np.array([0.9]), 1, 0
)


@pytest.fixture
def flows():
    probability = np.ones((1, 32, 32), np.float32)
    return Flows(np.stack([probability, probability]), probability, 1.0, 30.0)


@pytest.fixture
def kept(tmp_path):
    return KeptFlows(tmp_path / "flows")


@pytest.fixture
def entry(session, cells):
    [entry] = session.add(open_images(cells("a.tif", (32, 32))))
    session.show(entry.image.key)
    return entry


def masks(origin: str, **known) -> LabelSet:
    return LabelSet("cells", LabelImage(np.ones((32, 32), "u4")), origin, 1, **known)


def draw(session, entry, cell, at=2):
    region = (slice(at, at + 4),) * 2
    pixels = np.full((4, 4), cell, "u4")
    labels = entry.labels.labels
    session.edit(entry, edit_between("Draw", [cell], labels, region, pixels))


def wait(qtbot, queue):
    qtbot.waitUntil(lambda: not queue.jobs, timeout=WAIT)


def test_flows_of_an_import_are_found_again_whatever_came_after(
    session, entry, kept, queue, flows, qtbot
):
    keeper = FlowKeeper(session, queue, kept)
    session.import_labels(entry, masks("from a_seg.npy", flows=flows), {})
    imported = entry.labels.revision
    draw(session, entry, 7)
    session.seal(entry)
    edited = entry.labels.revision
    changed = replace(masks("thresholds"), flows=flows)
    session.preview(entry, changed)
    session.keep_preview(entry, "Change thresholds")
    wait(qtbot, queue)
    session.replace_labels(entry, masks("run"), "Run")
    project, stored = session.project, session.stored
    labels = read_masks(project, stored, kept, entry, "cells", edited)
    session.replace_labels(entry, labels, "Restore", "restore")
    draw(session, entry, 8)
    session.seal(entry)
    number = entry.label_set_ids["cells"]
    found = project.read(lambda db: read_revisions(db, number))
    kinds = ["import", "edit", "threshold", "run", "restore", "edit"]
    assert [revision.kind for revision in found] == kinds
    for revision in found:
        has = kept.get(entry.image, None, revision) is not None
        assert has == (revision.kind != "run"), revision.kind
    assert imported.details == {}
    assert keeper is not None


def test_an_edit_before_all_is_read_does_not_keep_flows_away(
    session, entry, reopened, flows, queue, qtbot
):
    session.replace_labels(entry, masks("run"), "Run")
    again = reopened()
    gate = threading.Event()

    class Slow:
        def get(self, *_):
            gate.wait(20)
            return flows

    loader = MasksLoader(again, queue, Slow())
    [entry] = again.entries
    again.show(entry.image.key)
    qtbot.waitUntil(lambda: entry.labels.pixels.loaded, timeout=WAIT)
    draw(again, entry, 7)
    gate.set()
    wait(qtbot, queue)
    assert entry.labels.flows is flows
    assert entry.labels.maker is not None
    assert entry.labels.edited
    assert 7 in entry.labels.labels
    assert loader is not None


def test_doubt_is_known_of_edited_masks_that_were_opened_again(
    session, entry, project, reopened
):
    session.replace_labels(entry, masks("run", confidence=DOUBT), "Run")
    for cell in (7, 8):
        draw(session, entry, cell)
        session.seal(entry)
    number = entry.labels.revision.id
    again = reopened()
    found = again.project.read(lambda db: read_confidence(db, number))
    assert found.ids.tolist() == [1]
    again.replace_labels(again.entries[0], masks("without"), "Run")
    number = again.entries[0].labels.revision.id
    assert again.project.read(lambda db: read_confidence(db, number)) is None


def test_masks_are_shown_although_their_doubt_is_damaged(
    session, entry, project, reopened, kept, queue, qtbot
):
    session.replace_labels(entry, masks("run", confidence=DOUBT), "Run")
    project.writer.flush()
    db = sqlite3.connect(project.path)
    db.execute("UPDATE confidence SET data = x'0011'")
    db.commit()
    db.close()
    again = reopened()
    loader = MasksLoader(again, queue, kept)
    heard = []
    again.labels_changed.connect(lambda *_: heard.append("drawn"))
    loader.failed.connect(lambda error: heard.append(error.message))
    again.show(again.entries[0].image.key)
    wait(qtbot, queue)
    assert heard[0] == "drawn"
    assert "how sure the network was" in heard[1]


@pytest.mark.parametrize("threshold", [None, 0.7])
def test_parameters_of_imported_masks_are_known_only_if_the_file_says_them(
    session, entry, threshold
):
    details = {"filename": "a.tif", "flow_threshold": threshold}
    labels = masks("from a_seg.npy")
    known = labels.parameters.model_copy(update={"flow_threshold": 0.7})
    session.import_labels(entry, replace(labels, parameters=known), details)
    parameters = entry.labels.revision.parameters
    assert parameters == (known if threshold else None)
    draw(session, entry, 7)
    session.seal(entry)
    assert entry.labels.revision.parameters == parameters


@pytest.fixture
def far(session, entry, reopened, kept, queue, monkeypatch):
    """Return a session whose large masks, edited twice, nobody has read yet."""
    monkeypatch.setattr(mask_loader, "_QUICKLY_READ", 0)
    session.replace_labels(entry, masks("run"), "Run")
    for cell, at in ((7, 2), (8, 20)):
        draw(session, entry, cell, at)
    again = reopened()
    again.loader = MasksLoader(again, queue, kept)
    return again


def test_undo_reads_large_masks_first_and_off_the_gui_thread(
    far, queue, qtbot, monkeypatch
):
    [entry] = far.entries
    readers = []
    read = LabelImage.array

    def noted(pixels):
        if not pixels.loaded:
            readers.append(threading.current_thread())
        return read(pixels)

    monkeypatch.setattr(LabelImage, "array", noted)
    far.undo()
    assert not entry.labels.pixels.loaded
    assert far.undo_stack.index() == 3
    wait(qtbot, queue)
    assert threading.main_thread() not in readers
    assert (7 in entry.labels.labels, 8 in entry.labels.labels) == (True, False)
    far.undo()
    wait(qtbot, queue)
    assert 7 not in entry.labels.labels
    far.redo()
    assert 7 in entry.labels.labels


def test_what_is_drawn_while_masks_are_read_is_not_undone(far, queue, qtbot):
    [entry] = far.entries
    far.undo()
    draw(far, entry, 9, 10)
    wait(qtbot, queue)
    assert {7, 8, 9} <= set(np.unique(entry.labels.labels))


def test_an_undo_whose_masks_cannot_be_read_says_so(far, queue, qtbot, monkeypatch):
    errors = []
    far.loader.failed.connect(errors.append)

    def broken(_):
        raise ProjectDamaged("They are gone.", "")

    monkeypatch.setattr(LabelImage, "array", broken)
    far.undo()
    wait(qtbot, queue)
    assert [error.message for error in errors] == ["They are gone."]
    assert far.undo_stack.index() == 3
