"""Runs that are under way when their project is left, and masks that are unreadable."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import numpy as np
import pytest

from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.runs.runner import Runs
from cellpose_studio.core.errors import ProjectDamaged
from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.project.tables.runs import read_runs
from cellpose_studio.workflows.provenance.run_record import unfinished_record

STARTED = (datetime(2026, 1, 1, tzinfo=UTC), "failed", "")


class SlowRuns(Runs):
    """Runs that wait for a stop, or for the gate."""

    def __init__(self, session, queue) -> None:
        super().__init__(session, queue)
        self.running, self.gate = threading.Event(), threading.Event()

    def _segmented(self, image, model, parameters, checkpoint, *_):
        self.running.set()
        while not self.gate.wait(0.01):
            checkpoint.check()
        record = unfinished_record(image, model, parameters, *STARTED)
        labels = LabelImage(np.ones((32, 32), "u4"))
        return LabelSet(
            name="cells", pixels=labels, origin="run", cells=1, record=record
        )


@pytest.fixture
def image(session, cells):
    return session.add(open_images(cells("a.tif", (32, 32))))[0]


def test_a_run_that_is_under_way_leaves_a_record(
    session, image, queue, project, tmp_path, qtbot
):
    runs = SlowRuns(session, queue)
    for _ in range(2):  # the second one waits
        runs.start(image, shipped()[0], SegmentationParameters())
    assert runs.running.wait(60)
    other = Project.create(tmp_path / "other.cpstudio")
    session.use(other)
    [(_, record)] = project.read(lambda db: read_runs(db, image.id))
    assert (record.outcome, record.message) == ("cancelled", "The project was closed.")
    qtbot.waitUntil(lambda: not queue.jobs)
    assert len(project.read(lambda db: read_runs(db, image.id))) == 1
    assert other.read(lambda db: db.execute("SELECT * FROM run").fetchall()) == []
    other.close()


def test_masks_that_cannot_be_read_stay_and_the_result_comes_beside_them(
    session, image, queue, monkeypatch, qtbot
):
    before = LabelSet(
        name="cells",
        pixels=LabelImage(np.ones((32, 32), "u4")),
        origin="before",
        cells=1,
    )
    session.replace_masks(image, before, "Run")
    region = (slice(2, 6),) * 2
    pixels = np.full((4, 4), 7, "u4")
    labels = image.masks.array
    session.edit(image, edit_between("Draw", [7], labels, region, pixels))
    session.seal(image)
    session.project.writer.flush()
    image.label_sets["cells"] = session.masks.stored.unloaded(image.masks)

    def fail(*_):
        raise ProjectDamaged("The project file is damaged.")

    monkeypatch.setattr(Project, "labels", fail)
    runs = SlowRuns(session, queue)
    runs.gate.set()
    errors = []
    runs.failed.connect(errors.append)
    runs.start(image, shipped()[0], SegmentationParameters())
    qtbot.waitUntil(lambda: not queue.jobs)
    [error] = errors
    assert error.message.startswith("The project file is damaged.")
    assert image.masks.origin == "before"
    beside = image.label_sets["cells (not merged)"]
    assert beside.origin == "run"
    assert beside.revision is not None
