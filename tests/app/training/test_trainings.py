"""Trainings: what they read, and what is left of those that cannot begin."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from cellpose_studio.app.images.training_set import TrainingSet
from cellpose_studio.app.jobs import JobQueue
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.training.trainings import Trainings, reading
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import CannotSave
from cellpose_studio.core.models.training import TrainingParameters
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.project.file import open_project
from cellpose_studio.io.project.tables.training.rounds import read_rounds
from cellpose_studio.paths import trained_folder
from cellpose_studio.workflows.training.project_set import (
    parts_of_project,
    reader_of,
    usable_pairs,
)
from cellpose_studio.workflows.training.request_file import (
    TrainingRequest,
    requests_of,
)
from tests.app.drawing import draw, grid, put_masks
from tests.waiting import LONG

TINY = TrainingParameters(
    n_epochs=2,
    widths=(2, 4, 8),
    bsize=64,
    batch_size=2,
    nimg_per_epoch=2,
    validate_every=1,
    min_train_masks=1,
)


def asked(session, folder, name="mine", **options):
    """Return a request for a tiny network from scratch."""
    return TrainingRequest(
        out=folder / name,
        title=name,
        project=session.project.path,
        parent=None,
        parameters=TINY.model_copy(update=options),
    )


@pytest.fixture
def marked(session, cells):
    """Return an image that is marked for training."""
    [image] = session.add(open_images(cells("a.tif", (48, 60))))
    put_masks(session, image, grid((48, 60)))
    TrainingSet(session).set_role([image], "train")
    return image


@pytest.fixture
def trainings(session, queue, tmp_path):
    return Trainings(session, queue, queue, tmp_path / "models")


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
    qtbot.waitUntil(lambda: trainings.request is None)
    queue.shut_down()
    assert [type(error) for error in errors] == [CannotSave]
    left = [one for one in tmp_path.rglob("*mine*") if one != path]
    assert left == []
    assert path.read_bytes() == b"a file that is there"


def names(path):
    """Return the names of the trainings that a project file lists."""
    project = Project.open(path)
    found = [one.name for one in project.read(read_rounds)]
    project.close()
    return found


def test_a_training_is_listed_by_its_project_though_another_one_is_open(
    session, project, marked, trainings, queue, qtbot, tmp_path
):
    notes = []
    trainings.noted.connect(notes.append)
    trainings.start(asked(session, tmp_path / "models"))
    other = Project.create(tmp_path / "other.cpstudio")
    session.use(other)
    project.close()
    qtbot.waitUntil(lambda: trainings.request is None)
    assert "mine is ready. project lists it when it is open again." in notes
    qtbot.waitUntil(lambda: not queue.jobs)
    assert trainings.rounds == []
    # Whatever ends before that, the request says that it is to be listed.
    assert [*requests_of(project.path, trainings.folder)]
    again = Project.open(project.path)
    session.use(again)
    qtbot.waitUntil(lambda: bool(trainings.rounds) and not queue.jobs)
    assert [one.name for one in trainings.rounds] == ["mine"]
    assert [*requests_of(project.path, trainings.folder)] == []
    other.close()
    again.close()
    assert names(project.path) == ["mine"]


def test_a_training_that_fails_or_is_cancelled_elsewhere_names_its_project(
    session, project, marked, trainings, queue, qtbot, tmp_path
):
    told = []
    trainings.noted.connect(told.append)
    trainings.failed.connect(lambda error: told.append(error.message))
    (tmp_path / "file").write_bytes(b"no folder")
    other = Project.create(tmp_path / "other.cpstudio")
    for folder, stop in (("file", False), ("models", True)):
        trainings.start(asked(session, tmp_path / folder))
        if stop:
            trainings.job.cancel()
        session.use(other)
        assert trainings.elsewhere == "project"
        qtbot.waitUntil(lambda: trainings.request is None)
        begins = (
            "mine of project was cancelled. " if stop else "Training mine of project: "
        )
        assert told.pop().startswith(begins)
        qtbot.waitUntil(lambda: not queue.jobs)
        session.use(project)
        qtbot.waitUntil(lambda: not queue.jobs)
    assert trainings.elsewhere == ""
    assert not told
    other.close()


def test_a_training_that_a_kill_left_is_listed_once(
    session, project, marked, trainings, queue, qtbot, tmp_path, monkeypatch
):
    request = asked(session, tmp_path / "models")
    with monkeypatch.context() as killed:
        killed.setattr(trainings, "_record", lambda _: False)
        killed.setattr(trainings, "_load", lambda: None)
        trainings.start(request)
        qtbot.waitUntil(lambda: trainings.request is None)
    for _ in range(2):
        Trainings(session, queue, queue, tmp_path / "models")
        qtbot.waitUntil(lambda: not queue.jobs)
        assert [one.name for one in project.rounds] == ["mine"]
    assert len(project.read(read_rounds)) == 1


def test_trainings_go_with_a_project_that_gets_a_name(
    session, project, marked, trainings, queue, qtbot, tmp_path
):
    project.unnamed = True
    request = asked(session, tmp_path / "models", n_epochs=500)
    reports = []
    trainings.reported.connect(reports.append)
    trainings.start(request)
    qtbot.waitUntil(lambda: len(reports) > 1)
    project.save_as(tmp_path / "named.cpstudio")
    trainings.follow_project()
    trainings.job.cancel()
    qtbot.waitUntil(lambda: trainings.request is None)
    [left] = trainings.interrupted()
    assert (left.title, left.project) == ("mine", tmp_path / "named.cpstudio")


def test_edits_and_revisions_made_meanwhile_are_not_trained_on(
    session, project, marked
):
    draw(session, marked, 70, at=9, side=2)
    project.writer.flush()
    [part] = parts_of_project(reader_of(project.path), project.folder, Checkpoint())
    before = part.pair.read().labels
    assert before.max() == 21
    draw(session, marked, 71, at=21, side=2)
    session.seal_all()
    draw(session, marked, 72, at=33, side=2)
    project.writer.flush()
    np.testing.assert_array_equal(part.pair.read().labels, before)


@pytest.mark.slow
def test_a_command_trains_on_a_project_that_a_window_has_open(
    session, project, marked, queue, qtbot, tmp_path
):
    def command(out):
        options = ("--widths", "2", "4", "8", "--bsize", "64", "--n-epochs", "30")
        words = ("train", project.path, "--out", tmp_path / out, *options)
        return subprocess.Popen(
            [sys.executable, "-m", "cellpose_studio", *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    draw(session, marked, 70, at=9, side=2)
    assert project.writer.flush(60)
    running = command("beside")
    # The window goes on working, and saves.
    for n in range(71, 90):
        draw(session, marked, n, at=n - 60, side=2)
        session.seal_all()
        assert project.writer.flush(60)
        qtbot.wait(200)
    said = running.communicate(timeout=LONG)[0]
    assert running.returncode == 0, said
    assert "listed when it is opened in a window next" in said
    assert f"Trained on 1 image, measured on 0: {tmp_path / 'beside'}" in said
    assert project.writer.pending == 0
    assert project.read(read_rounds) == []
    # The next opening lists it; a project that no window has open does at once.
    again = Trainings(session, queue, queue, trained_folder())
    qtbot.waitUntil(lambda: bool(again.rounds) and not queue.jobs)
    project.close()
    assert names(project.path) == ["beside"]
    alone = command("alone")
    said = alone.communicate(timeout=LONG)[0]
    assert alone.returncode == 0, said
    assert "listed when" not in said
    assert names(project.path) == ["beside", "alone"]
