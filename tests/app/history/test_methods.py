"""What the methods paragraph says about each kind of history, beside the journal."""

from __future__ import annotations

import re

import numpy as np
import pytest

from cellpose_studio.app.flow_store import FlowStore
from cellpose_studio.app.history.restore import read_masks
from cellpose_studio.app.jobs import JobQueue
from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.runs.runner import Runs
from cellpose_studio.app.runs.thresholds import Thresholds
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.edits.whole import delete_cells
from cellpose_studio.core.models.papers import CELLPOSE_1
from cellpose_studio.core.recipes import effective_edits
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.project.tables.journal import read_journal
from cellpose_studio.io.project.tables.runs import read_runs
from cellpose_studio.workflows.provenance.origin import provenance
from cellpose_studio.workflows.provenance.recipes import recipe
from cellpose_studio.workflows.provenance.replay import replay
from tests.app.drawing import draw

SET = SegmentationParameters(diameter=20.0)


class History:
    """An image of a session, and what is said of its masks."""

    def __init__(self, qtbot, session, path) -> None:
        self.qtbot = qtbot
        self.session = session
        self.queue = JobQueue()
        self.runs = Runs(session, self.queue)
        self.thresholds = Thresholds(session, self.queue)
        [self.image] = session.add(open_images(path))
        session.show(self.image.source.key)

    def run(self, parameters=SET, model=None):
        self.runs.start(self.image, model or shipped()[0], parameters)
        self.wait()

    def wait(self):
        self.qtbot.waitUntil(
            lambda: not self.queue.jobs and self.image.preview_of is None
        )

    def delete(self, *cells):
        masks = self.image.masks
        table = masks.pixels.cell_table()
        self.session.edit(self.image, delete_cells(masks.array, table, cells))

    def made(self):
        self.session.seal_all()
        number = self.image.masks.revision.id
        return self.session.project.read(lambda db: provenance(db, number))

    def text(self):
        return recipe(self.made(), "methods")

    def journal(self):
        """Return the names of all edits of pixels that are in force, in order."""
        number = self.image.label_set_ids[self.image.active]
        entries = self.session.project.read(lambda db: read_journal(db, number))
        return [e.operation for e in effective_edits([e for e in entries if e.pixels])]


@pytest.fixture
def history(qtbot, session, cells):
    history = History(qtbot, session, cells("a.tif"))
    yield history
    history.queue.shut_down()


def steps(text):
    """Return the numbers of steps that a paragraph tells of, before and after."""
    before = re.search(r"earlier masks had been corrected by hand in (\d+) step", text)
    after = re.search(r"(?:result was|They were) corrected by hand in (\d+)", text)
    return tuple(int(found[1]) if found else 0 for found in (before, after))


def test_a_run_alone(history):
    history.run()
    text = history.text()
    assert "The diameter was set to 20 px" in text
    assert "12 cells were found.\n\nReferences" in text
    assert steps(text) == (0, len(history.journal())) == (0, 0)
    assert "earlier masks" not in text


def test_a_diameter_that_was_measured(history):
    history.run(SegmentationParameters())
    measured = history.image.masks.parameters.diameter
    text = history.text()
    assert f"The diameter was measured on the image: {measured:g} px" in text
    assert "set to" not in text


def test_edits_after_a_run(history):
    history.run()
    history.delete(3)
    history.delete(4)
    history.session.undo()
    draw(history.session, history.image, 50, at=0, side=3)
    text = history.text()
    assert history.journal() == ["Delete cell", "Draw"]
    assert steps(text) == (0, 2)
    assert "in 2 steps: Delete cell, Draw. 12 cells were there after that." in text
    assert "12 cells were found." in text


def test_edits_that_a_new_run_kept(history):
    history.run()
    history.delete(3)
    draw(history.session, history.image, 50, at=0, side=3)
    history.run()
    text, hand = history.text(), history.made().hand
    assert history.journal() == ["Delete cell", "Draw"]
    assert steps(text) == (2, 0)
    assert (hand.kept, hand.left_out, hand.together) == (
        1,
        1,
        history.image.masks.cells,
    )
    assert (
        "12 cells were found. Of earlier masks, 1 cell was kept that had been" in text
    )
    assert "and 1 cell was left out that had been deleted by hand." in text
    assert f"Together, {history.image.masks.cells} cells were there." in text


def test_edits_before_and_after_a_new_run(history):
    history.run()
    history.delete(3)
    history.run()
    history.delete(4)
    history.delete(5)
    assert steps(history.text()) == (1, 2)
    assert len(history.journal()) == 3
    assert "9 cells were there after that." in history.text()
    # A third run keeps what was done before both.
    history.run()
    assert steps(history.text()) == (3, 0)
    assert "3 cells were left out that had been deleted" in history.text()


def test_a_run_that_kept_nothing_tells_of_no_edits(history):
    history.run()
    history.delete(3)
    history.session.undo()
    history.run()
    assert history.journal() == []
    assert "earlier masks" not in history.text()


def test_masks_merged_with_accepted_cells(history):
    history.run()
    history.session.set_cell_status(history.image, [1, 2], "accepted")
    history.run()
    text = history.text()
    assert "Of earlier masks, 2 cells were kept that had been accepted," in text
    assert "left out" not in text
    assert steps(text) == (0, 0)


def test_other_thresholds_after_edits(history):
    history.run()
    history.delete(3)
    changed = history.image.masks.parameters.model_copy(update={"flow_threshold": 0.8})
    history.thresholds.change(history.image, changed)
    history.wait()
    text = history.text()
    assert history.made().base.kind == "threshold"
    assert "The flow threshold was 0.8" in text
    assert steps(text) == (1, 0)
    # How many cells the thresholds alone gave is not known.
    assert "found" not in text
    assert f"Together, {history.image.masks.cells} cells were there." in text


def test_imported_masks_and_those_drawn_by_hand(history):
    for origin, first in (("from a_masks.tif", "imported from a_masks.tif"), ("", "")):
        array = np.zeros(history.image.source.label_shape, np.uint32)
        array[2:9, 2:9], array[20:30, 2:9] = 1, 2
        kind = "import" if origin else "edit"
        name = origin or "drawn"
        labels = LabelSet(name=name, pixels=LabelImage(array), origin=origin, cells=2)
        history.session.replace_masks(history.image, labels, "Put", kind)
        history.delete(2)
        text = history.text()
        assert text.startswith(f"Masks were {first or 'drawn by hand'}")
        assert "1 step: Delete cell." in text or "Steps: Delete cell." in text
        assert "1 cell was there at the end." in text
        assert "References" not in text


def test_a_run_after_an_import(history):
    array = np.zeros(history.image.source.label_shape, np.uint32)
    array[2:9, 2:9], array[20:30, 2:9] = 1, 2
    labels = LabelSet(name="cells", pixels=LabelImage(array), origin="from b", cells=2)
    history.session.replace_masks(history.image, labels, "Put", "import")
    draw(history.session, history.image, 60, at=0, side=3)
    history.run()
    text = history.text()
    assert "Of earlier masks, 2 cells were kept" in text
    assert steps(text) == (1, 0)
    assert "segmented with Cellpose Studio" in text


def test_a_restored_revision(history, tmp_path):
    history.run()
    history.delete(3)
    first = history.made().revision
    history.delete(4)
    history.session.seal_all()
    masks = read_masks(
        history.session.project,
        history.session.masks.stored,
        FlowStore(tmp_path),
        history.image,
        "cells",
        first,
    )
    history.session.replace_masks(history.image, masks, "Restore", "restore")
    assert steps(history.text()) == (0, 1)
    history.delete(5)
    assert steps(history.text()) == (0, 2)
    assert "10 cells were there after that." in history.text()


def test_a_run_that_was_replayed(history):
    history.run()
    history.delete(3)
    before = history.text()
    project = history.session.project
    project.writer.flush(60)
    result = replay(project.path, history.image.masks.revision.id, Checkpoint())
    assert (result.identical, result.edits_repeat) == (True, True)
    assert history.text() == before
    assert len(project.read(lambda db: read_runs(db, history.image.id))) == 1


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"do_3D": True}, "in 3D, from three sides, with an anisotropy of 2, by the"),
        ({"do_3D": True, "anisotropy": 1.5}, "with an anisotropy of 1.5."),
        ({"stitch_threshold": 0.25}, "joined at an overlap (IoU) of 0.25."),
        ({}, "Planes were segmented one by one."),
    ],
)
def test_stacks(qtbot, session, cells, given, told):
    history = History(qtbot, session, cells("z.tif", (5, 48, 64), "ZYX"))
    history.run(SET.model_copy(update=given))
    number = next(iter(np.unique(history.image.masks.array)[1:].tolist()))
    history.delete(number)
    text = history.text()
    history.queue.shut_down()
    assert told in text
    assert steps(text) == (0, 1)
    assert f"{history.image.masks.cells} cells were there after that." in text


@pytest.mark.parametrize("model", shipped(), ids=lambda model: model.name)
def test_training_data_and_papers_are_those_of_the_card(history, model):
    history.run(model=model)
    text = history.text()
    assert model.card is not None
    for data in model.card.data:
        kind = "synthetic images" if data.synthetic else "images"
        assert f"{data.images} {kind} with {data.cells} cells ({data.about})" in text
        assert f"{data.name} (" not in text
        for paper in data.papers:
            assert text.split("References\n")[1].splitlines().count(paper) == 1
    assert CELLPOSE_1.full in text
