"""Trainings: what they read, and what is left of those that cannot begin."""

from __future__ import annotations

import numpy as np
import pytest

from cellpose_studio.app.images.training_set import TrainingSet
from cellpose_studio.app.jobs import JobQueue
from cellpose_studio.app.training.trainings import (
    TrainingRequest,
    Trainings,
    reading,
)
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import CannotSave
from cellpose_studio.core.models.training import TrainingParameters
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.project.file import open_project
from cellpose_studio.workflows.training.project_set import (
    parts_of_project,
    usable_pairs,
)
from tests.app.drawing import grid, put_masks

WAIT = 60_000  # ms


def test_a_training_goes_on_after_its_project_was_left(session, cells, project):
    [image] = session.add(open_images(cells("a.tif", (48, 60))))
    put_masks(session, image, grid((48, 60)))
    TrainingSet(session).set_role([image], "train")
    [pair] = usable_pairs(
        parts_of_project(reading(project), project.folder, Checkpoint())
    )
    session.seal_all()
    project.close()
    np.testing.assert_array_equal(pair.read().labels, grid((48, 60)))
    # Nothing holds the file.
    open_project(project.path).close()


@pytest.mark.parametrize("taken", ["models", "models/mine"])
def test_a_training_that_cannot_begin_leaves_no_file(
    session, cells, tmp_path, qtbot, taken
):
    [image] = session.add(open_images(cells("a.tif", (48, 60))))
    put_masks(session, image, grid((48, 60)))
    TrainingSet(session).set_role([image], "train")
    path = tmp_path / taken
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"a file that is there")
    queue, errors = JobQueue(), []
    trainings = Trainings(session, queue, queue, tmp_path / "models")
    trainings.failed.connect(errors.append)
    trainings.start(
        TrainingRequest(
            out=tmp_path / "models" / "mine",
            title="mine",
            project=session.project.path,
            parent=None,
            parameters=TrainingParameters(n_epochs=1),
        )
    )
    qtbot.waitUntil(lambda: trainings.request is None, timeout=WAIT)
    queue.shut_down()
    assert [type(error) for error in errors] == [CannotSave]
    left = [one for one in tmp_path.rglob("*mine*") if one != path]
    assert left == []
    assert path.read_bytes() == b"a file that is there"
