"""What comes with masks read from the project: flows, uncertainty, parameters."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace

import numpy as np
import pytest

from cellpose_studio.app.background import mask_loader
from cellpose_studio.app.background.flow_recorder import FlowRecorder
from cellpose_studio.app.background.mask_loader import MaskLoader
from cellpose_studio.app.flow_store import FlowStore
from cellpose_studio.app.history.restore import read_masks
from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.core.errors import ProjectDamaged
from cellpose_studio.core.runs.confidence import Confidence
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.project.tables.confidence import read_confidence
from cellpose_studio.io.project.tables.revisions import read_revisions
from tests.app.drawing import draw

UNCERTAINTY = Confidence(
    ids=np.array([1], "u4"),
    pixels=np.array([1024]),
    flow_errors=np.array([0.1]),
    probabilities=np.array([0.9]),
    candidates=1,
    misfits=0,
)


@pytest.fixture
def flows():
    probability = np.ones((1, 32, 32), np.float32)
    return Flows(
        dP=np.stack([probability, probability]),
        cellprob=probability,
        scale=1.0,
        diameter=30.0,
    )


@pytest.fixture
def kept(tmp_path):
    return FlowStore(tmp_path / "flows")


@pytest.fixture
def image(session, cells):
    [image] = session.add(open_images(cells("a.tif", (32, 32))))
    session.show(image.source.key)
    return image


def masks(origin: str, **known) -> LabelSet:
    return LabelSet(
        name="cells",
        pixels=LabelImage(np.ones((32, 32), "u4")),
        origin=origin,
        cells=1,
        **known,
    )


def wait(qtbot, queue):
    qtbot.waitUntil(lambda: not queue.jobs)


def test_flows_of_an_import_are_found_again_whatever_came_after(
    session, image, kept, queue, flows, qtbot
):
    keeper = FlowRecorder(session, queue, kept)
    session.import_masks(image, masks("from a_seg.npy", flows=flows), {})
    imported = image.masks.revision
    draw(session, image, 7)
    session.seal(image)
    edited = image.masks.revision
    changed = replace(masks("thresholds"), flows=flows)
    session.preview(image, changed)
    session.commit_pending(image)
    wait(qtbot, queue)
    session.replace_masks(image, masks("run"), "Run")
    project, stored = session.project, session.masks.stored
    labels = read_masks(project, stored, kept, image, "cells", edited)
    session.replace_masks(image, labels, "Restore", "restore")
    draw(session, image, 8)
    session.seal(image)
    number = image.label_set_ids["cells"]
    found = project.read(lambda db: read_revisions(db, number))
    kinds = ["import", "edit", "threshold", "run", "restore", "edit"]
    assert [revision.kind for revision in found] == kinds
    for revision in found:
        has = kept.get(image.source, None, revision) is not None
        assert has == (revision.kind != "run"), revision.kind
    assert imported.details == {}
    assert keeper is not None


def test_an_edit_before_all_is_read_does_not_keep_flows_away(
    session, image, reopened, flows, queue, qtbot
):
    session.replace_masks(image, masks("run"), "Run")
    again = reopened()
    gate = threading.Event()

    class Slow:
        def get(self, *_):
            gate.wait(60)
            return flows

    loader = MaskLoader(again, queue, Slow())
    [image] = again.images
    again.show(image.source.key)
    qtbot.waitUntil(lambda: image.masks.pixels.loaded)
    draw(again, image, 7)
    gate.set()
    wait(qtbot, queue)
    assert image.masks.flows is flows
    assert image.masks.maker is not None
    assert image.masks.edited
    assert 7 in image.masks.array
    assert loader is not None


def test_uncertainty_is_known_of_edited_masks_that_were_opened_again(
    session, image, project, reopened
):
    session.replace_masks(image, masks("run", confidence=UNCERTAINTY), "Run")
    for cell in (7, 8):
        draw(session, image, cell)
        session.seal(image)
    number = image.masks.revision.id
    again = reopened()
    found = again.project.read(lambda db: read_confidence(db, number))
    assert found.ids.tolist() == [1]
    again.replace_masks(again.images[0], masks("without"), "Run")
    number = again.images[0].masks.revision.id
    assert again.project.read(lambda db: read_confidence(db, number)) is None


def test_masks_are_shown_although_their_uncertainty_is_damaged(
    session, image, project, reopened, kept, queue, qtbot
):
    session.replace_masks(image, masks("run", confidence=UNCERTAINTY), "Run")
    project.writer.flush()
    db = sqlite3.connect(project.path)
    db.execute("UPDATE confidence SET data = x'0011'")
    db.commit()
    db.close()
    again = reopened()
    loader = MaskLoader(again, queue, kept)
    heard = []
    again.masks_changed.connect(lambda _: heard.append("drawn"))
    loader.failed.connect(lambda error: heard.append(error.message))
    again.show(again.images[0].source.key)
    wait(qtbot, queue)
    assert heard[0] == "drawn"
    assert "how sure the network was" in heard[1]


@pytest.mark.parametrize("threshold", [None, 0.7])
def test_parameters_of_imported_masks_are_known_only_if_the_file_says_them(
    session, image, threshold
):
    details = {"filename": "a.tif", "flow_threshold": threshold}
    labels = masks("from a_seg.npy")
    known = labels.parameters.model_copy(update={"flow_threshold": 0.7})
    session.import_masks(image, replace(labels, parameters=known), details)
    parameters = image.masks.revision.parameters
    assert parameters == (known if threshold else None)
    draw(session, image, 7)
    session.seal(image)
    assert image.masks.revision.parameters == parameters


@pytest.fixture
def far(session, image, reopened, kept, queue, monkeypatch):
    """Return a session whose large masks, edited twice, nobody has read yet."""
    monkeypatch.setattr(mask_loader, "_QUICKLY_READ", 0)
    session.replace_masks(image, masks("run"), "Run")
    for cell, at in ((7, 2), (8, 20)):
        draw(session, image, cell, at)
    again = reopened()
    # It is shown before there is a loader, which would read its masks at once.
    again.show(again.images[0].source.key)
    again.loader = MaskLoader(again, queue, kept)
    return again


def test_undo_reads_large_masks_first_and_off_the_gui_thread(
    far, queue, qtbot, monkeypatch
):
    [image] = far.images
    readers = []

    def noted(read):
        def noted_read(pixels):
            if not pixels.loaded:
                readers.append(threading.current_thread())
            return read(pixels)

        return noted_read

    for name in ("array", "load", "snapshot", "cell_table"):
        monkeypatch.setattr(LabelImage, name, noted(getattr(LabelImage, name)))
    far.undo()
    assert not image.masks.pixels.loaded
    assert far.undo_stack.done(image) == 3
    wait(qtbot, queue)
    assert readers
    assert threading.main_thread() not in readers
    assert (7 in image.masks.array, 8 in image.masks.array) == (True, False)
    far.undo()
    wait(qtbot, queue)
    assert 7 not in image.masks.array
    far.redo()
    assert 7 in image.masks.array


def test_what_is_drawn_while_masks_are_read_is_not_undone(far, queue, qtbot):
    [image] = far.images
    far.undo()
    draw(far, image, 9, 10)
    wait(qtbot, queue)
    assert {7, 8, 9} <= set(np.unique(image.masks.array))


def test_an_undo_whose_masks_cannot_be_read_says_so(far, queue, qtbot, monkeypatch):
    errors = []
    far.loader.failed.connect(errors.append)

    def broken(_):
        raise ProjectDamaged("They are gone.", "")

    monkeypatch.setattr(LabelImage, "load", broken)
    far.undo()
    wait(qtbot, queue)
    assert [error.message for error in errors] == ["They are gone."]
    assert far.undo_stack.done(far.shown) == 3
