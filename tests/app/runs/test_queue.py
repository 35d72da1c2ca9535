"""The queue of runs, with the model that ships, in a project that is reopened."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from cellpose_studio.app.jobs import JobQueue
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.runs.queue import TAKEN_OFF, BatchQueue, reference
from cellpose_studio.app.runs.runner import Runs
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.project.tables.run_queue import read_batch, write_items
from cellpose_studio.workflows.segment import segment

SMALL = (64, 64)
PARAMETERS = SegmentationParameters(diameter=20.0)


class Application:
    """A session with a queue, without a window."""

    def __init__(self, qtbot, session) -> None:
        self.qtbot = qtbot
        self.session = session
        self.queue = JobQueue()
        self.runs = Runs(session, self.queue)
        self.batch = BatchQueue(session, self.runs, self.queue)
        self.errors, self.ends = [], []
        self.runs.failed.connect(self.errors.append)
        self.batch.failed.connect(self.errors.append)
        self.batch.ended.connect(lambda: self.ends.append(self.batch.counts))

    def open(self, *paths):
        return self.session.add([open_images(path)[0] for path in paths])

    def add(self, images, parameters=PARAMETERS, model=None):
        self.batch.add(images, model or shipped()[0], parameters)

    def wait(self, condition=None) -> None:
        done = condition or (lambda: not self.queue.jobs)
        self.qtbot.waitUntil(done)

    @property
    def states(self):
        return [item.state for item in self.batch.items]

    @property
    def stored(self):
        return [item.state for item in self.session.project.read(read_batch)]


@pytest.fixture
def application(qtbot):
    made = []

    def make(session):
        made.append(Application(qtbot, session))
        return made[-1]

    yield make
    for app in made:
        app.queue.shut_down()


@pytest.fixture
def app(application, session):
    return application(session)


@pytest.fixture
def make_images(app, cells):
    """Return a function that opens a number of images."""

    def make(count, shape=SMALL):
        return app.open(*[cells(f"{n}.tif", shape) for n in range(count)])

    return make


def test_all_get_their_masks_one_after_another(app, make_images):
    images = make_images(3)
    running = []
    app.batch.items_changed.connect(
        lambda _: running.append(app.batch.counts["running"])
    )
    app.add(images)
    assert (app.batch.left, app.states) == (3, ["running", "waiting", "waiting"])
    app.wait()
    assert app.states == app.stored == ["done"] * 3
    assert max(running) == 1
    assert app.ends == [{"done": 3}]
    expected = segment(images[1].source, shipped()[0], PARAMETERS, Checkpoint())
    np.testing.assert_array_equal(images[1].masks.array, expected.labels)


def test_the_diameter_is_estimated_for_each_image(app, cells):
    paths = [cells("a.tif"), cells("b.tif", (128, 128))]
    images = app.open(*paths)
    app.add(images, SegmentationParameters())
    app.wait()
    for image in images:
        expected = segment(
            image.source, shipped()[0], SegmentationParameters(), Checkpoint()
        )
        assert image.masks.record.parameters == expected.parameters


def test_an_image_that_fails_does_not_stop_the_others(app, make_images, tmp_path):
    images = make_images(4)
    path = images[1].source.path
    away = path.rename(tmp_path / "away")
    damaged = images[2].source.path
    damaged.write_bytes(damaged.read_bytes()[:3000])
    app.add(images)
    app.wait()
    assert app.states == app.stored == ["done", "failed", "failed", "done"]
    missing, broken = app.batch.in_state("failed")
    assert "1.tif" in missing.message
    assert "2.tif" in broken.message
    assert app.errors == []
    away.rename(path)
    app.batch.retry_failed()
    app.wait()
    assert app.states == app.stored == ["done", "done", "failed", "done"]
    assert app.batch.items[1].message == ""


def test_a_channel_that_an_image_lacks_fails_just_that_image(app, cells):
    one = cells("one.tif", SMALL)
    two = cells("two.tif", (2, *SMALL), "CYX")
    images = app.open(one, two)
    app.add(images, SegmentationParameters(diameter=20.0, channels=(2,)))
    app.wait()
    assert app.states == ["failed", "done"]
    assert "one.tif has no channel 2" in app.batch.items[0].message


def test_runs_go_into_masks_of_several_names(app, make_images):
    images = make_images(2)
    app.add(images)
    app.batch.pause()
    model = shipped()[0]
    app.batch.add(images, model, PARAMETERS, "nuclei")
    app.batch.pause()
    # For each name, an image waits once.
    assert [item.masks for item in app.batch.in_state("waiting")] == [
        "cells",
        "nuclei",
        "nuclei",
    ]
    # Whoever opens the project next knows the names, too.
    app.wait()
    again = BatchQueue(app.session, app.runs, app.queue)
    assert [item.masks for item in again.items] == [i.masks for i in app.batch.items]
    app.batch.resume()
    app.wait()
    assert app.states == ["done"] * 4
    for image in images:
        assert [*image.label_sets] == ["cells", "nuclei"]


def test_pause_lets_the_running_image_finish(app, make_images):
    app.add(make_images(3))
    app.batch.pause()
    app.wait()
    assert app.states == app.stored == ["done", "waiting", "waiting"]
    assert app.batch.paused
    assert app.ends == []
    app.batch.resume()
    app.wait()
    assert app.states == ["done"] * 3
    assert len(app.ends) == 1


def test_cancel_stops_the_rest(app, make_images):
    images = make_images(3, (512, 512))
    app.add(images)
    app.batch.cancel()
    app.wait()
    assert app.states == app.stored == ["cancelled"] * 3
    assert app.ends == [{"cancelled": 3}]
    assert [image.masks for image in images] == [None] * 3
    app.batch.clear_finished()
    assert app.batch.items == ()
    assert app.stored == []


def test_one_can_be_cancelled(app, make_images):
    app.add(make_images(3))
    running, _, last = app.batch.items
    app.batch.cancel_item(last.id)
    app.batch.cancel_item(running.id)
    app.wait()
    assert app.states == ["cancelled", "done", "cancelled"]
    app.batch.cancel_item(last.id)
    assert len(app.ends) == 1


def test_the_last_one_cancelled_while_paused_ends_the_queue(app, make_images):
    app.add(make_images(2))
    app.batch.pause()
    app.wait()
    app.batch.cancel_item(app.batch.items[1].id)
    assert app.ends == [{"done": 1, "cancelled": 1}]
    assert not app.batch.paused


def test_a_run_that_comes_in_between_goes_first(app, make_images):
    images = make_images(3)
    first, other = images[:2], images[2]
    order = []
    app.session.masks_changed.connect(lambda change: order.append(change.image))
    app.add(first)
    app.runs.start(other, shipped()[0], PARAMETERS)
    app.wait()
    assert order == [first[0], other, first[1]]


def test_an_image_that_was_taken_off_the_list_is_left_out(app, make_images):
    images = make_images(3)
    app.add(images)
    app.session.close(images[1].source.key)
    app.wait()
    assert app.states == app.stored == ["done", "cancelled", "done"]
    assert [i.message for i in app.batch.items] == ["", TAKEN_OFF, ""]


def test_an_image_waits_once(app, make_images):
    images = make_images(3)
    app.add(images)
    other = SegmentationParameters(diameter=25.0)
    app.add(images[1:], other)
    assert [i.image for i in app.batch.items] == [image.id for image in images]
    app.wait()
    assert images[2].masks.parameters.diameter == 25.0


def test_what_is_finished_goes_when_new_work_comes(app, make_images):
    images = make_images(2)
    app.add(images)
    app.wait()
    app.add(images[:1])
    assert app.states == ["running"]
    app.wait()
    assert app.stored == ["done"]


def reopened(app, application):
    """Close the project while the queue is busy, and open it with another session."""
    project = app.session.project
    app.queue.shut_down()
    app.session.seal_all()
    project.close()
    return application(Session(Project.open(project.path)))


def hold_from(monkeypatch, number):
    """Let the run of that number, and those after it, go on until they are stopped."""
    begun = []

    def held(image, model, parameters, checkpoint, *more, **known):
        begun.append(image)
        while len(begun) >= number:
            checkpoint.check()
            time.sleep(0.01)
        return segment(image, model, parameters, checkpoint, *more, **known)

    monkeypatch.setattr("cellpose_studio.workflows.segment.segment", held)


def test_the_queue_is_there_after_a_restart(app, application, make_images, monkeypatch):
    hold_from(monkeypatch, 2)
    app.add(make_images(4))
    app.wait(lambda: app.batch.counts["done"] == 1 and app.batch.counts["running"] == 1)
    again = reopened(app, application)
    monkeypatch.undo()
    assert again.states == ["done", "waiting", "waiting", "waiting"]
    assert again.batch.paused
    assert again.queue.jobs == ()
    again.batch.resume()
    again.wait()
    assert again.states == again.stored == ["done"] * 4
    assert [e.masks.cells for e in again.session.images] == [4] * 4
    again.session.project.close()


def test_a_weight_file_is_found_again(app, application, make_images, tmp_path):
    path = tmp_path / "mine"
    path.write_bytes(shipped()[0].path.read_bytes())
    model = shipped()[0].model_copy(update={"path": path, "source": "file"})
    assert reference(model) == str(path)
    app.add(make_images(2), model=model)
    app.batch.pause()
    app.wait()
    again = reopened(app, application)
    again.batch.resume()
    again.wait()
    assert again.states == ["done", "done"]
    assert again.session.images[1].masks.record.model.path == str(path)
    again.session.project.close()


def test_a_model_that_has_gone_fails_its_images_alone(
    app, application, make_images, tmp_path
):
    gone = tmp_path / "gone"
    model = shipped()[0].model_copy(update={"path": gone, "source": "file"})
    images = make_images(4)
    gone.write_bytes(shipped()[0].path.read_bytes())
    app.batch.pause()
    app.add(images[:3], model=model)
    app.add(images[3:])
    app.batch.pause()
    app.wait()
    gone.unlink()
    again = reopened(app, application)
    again.batch.resume()
    again.wait()
    assert again.states == ["done", "failed", "failed", "done"]
    assert f"There is no model {gone}" in again.batch.items[1].message
    again.session.project.close()


def test_another_project_has_its_own_queue(app, make_images, tmp_path, qtbot):
    app.add(make_images(3, (512, 512)))
    first = app.session.project
    other = Project.create(tmp_path / "other.cpstudio")
    app.session.use(other)
    assert app.batch.items == ()
    app.wait()
    assert app.batch.items == ()
    assert app.errors == []
    states = [item.state for item in first.read(read_batch)]
    assert states == ["running", "waiting", "waiting"]
    app.session.use(first)
    assert app.states == ["waiting"] * 3
    other.close()


def test_a_view_for_reading_only_has_no_queue(app, application, make_images):
    app.add(make_images(2))
    app.batch.pause()
    view = Project.open(app.session.project.path)
    assert view.read_only_reason
    assert application(Session(view)).batch.items == ()
    view.close()
    app.wait()


def test_images_out_of_sight_give_their_memory_up(qtbot, project, application, cells):
    session = Session(project)
    session.masks.cache.capacity = 6 * 4 * 64 * 64 * 4
    app = application(session)
    images = app.open(*[cells(f"{n}.tif", SMALL) for n in range(30)])
    app.session.show(images[0].source.key)
    app.add(images)
    app.wait()
    assert app.states == ["done"] * 30
    loaded = [e for e in images if e.masks.pixels.loaded]
    assert len(loaded) <= 8
    assert images[0] in loaded
    with_flows = [e for e in images if e.masks.flows is not None]
    assert len(with_flows) <= 8
    first = images[0].masks.array
    # Looking at all of them must not fill the memory either.
    for image in images:
        app.session.show(image.source.key)
        np.testing.assert_array_equal(image.masks.array, first)
        assert image.masks.cells == 4
    loaded = [e for e in images if e.masks.pixels.loaded]
    assert len(loaded) <= 26
    # Nor must those that were taken off the list.
    app.session.close(*[image.source.key for image in images[:10]])
    app.add(images[10:])
    app.wait()
    assert not any(image.masks.pixels.loaded for image in images[:10])


_PROGRAM = """
import sys
from pathlib import Path
from qtpy.QtWidgets import QApplication
from cellpose_studio.app.runs.queue import BatchQueue
from cellpose_studio.app.jobs import JobQueue
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.runs.runner import Runs
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.io.images.reader import open_images

app = QApplication(["test", "-platform", "offscreen"])
project = Project.create(Path(sys.argv[1]))
session = Session(project)
queue = JobQueue()
batch = BatchQueue(session, Runs(session, queue), queue)
entries = session.add([open_images(Path(path))[0] for path in sys.argv[2:]])

def tell():
    project.writer.flush()
    print(*[item.state for item in batch.items], flush=True)

project.writer.saved.connect(tell)
batch.add(entries, shipped()[0], SegmentationParameters(diameter=20.0))
app.exec()
"""


def test_a_killed_program_goes_on_where_it_was(application, cells, tmp_path):
    path = tmp_path / "killed.cpstudio"
    images = [str(cells(f"{n}.tif", (96, 96))) for n in range(8)]
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(path), *images],
        stdout=subprocess.PIPE,
        text=True,
    )
    for line in process.stdout:
        if line.split().count("done") >= 1 and "running" in line:
            break
    process.kill()
    process.wait()
    app = application(Session(Project.open(path)))
    assert app.session.project.crashed
    assert app.batch.paused
    done = app.states.count("done")
    assert done >= 1
    assert app.states == ["done"] * done + ["waiting"] * (8 - done)
    assert all(e.masks is not None for e in app.session.images[:done])
    app.batch.resume()
    app.wait()
    assert app.states == app.stored == ["done"] * 8
    assert [e.masks.cells for e in app.session.images] == [9] * 8
    app.session.project.close()


def test_thousands_are_queued_at_once(app, make_images):
    """A long queue is one statement, and its parameters are checked once."""
    [image] = make_images(1)
    app.batch.add([image], shipped()[0], PARAMETERS)
    app.batch.pause()
    app.wait()
    item = app.batch.items[0]
    many = [replace(item, id=n, state="waiting") for n in range(10, 10_010)]
    app.session.project.submit(lambda db: write_items(db, many))
    app.session.project.writer.flush()
    statements = []

    def read(db):
        db.set_trace_callback(statements.append)
        return read_batch(db)

    items = app.session.project.read(read)
    assert len(items) == 10_001
    assert len(statements) == 1
    assert len({id(item.parameters) for item in items}) == 1
