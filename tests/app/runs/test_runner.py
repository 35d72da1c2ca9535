"""Runs and thresholds of the running application, with the model that ships."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest
import torch
from qtpy.QtCore import QObject, Qt, Signal, Slot

from cellpose_studio.app.jobs import JobQueue
from cellpose_studio.app.masks.merging.merge import merge_into
from cellpose_studio.app.runs import merging
from cellpose_studio.app.runs.imported import imported_labels, parameters_of
from cellpose_studio.app.runs.runner import Runs
from cellpose_studio.app.runs.thresholds import Thresholds
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import ParametersUnfit, ProjectDamaged
from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine import device as engine_device
from cellpose_studio.engine.device import CPU, Device
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.engine.networks.network import Network, NetworkCache
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.masks.imported import ImportedMasks
from cellpose_studio.io.masks.reader import read_masks
from cellpose_studio.io.project.tables.runs import read_runs
from cellpose_studio.workflows.save import save_segmentation
from cellpose_studio.workflows.segment import segment

PARAMETERS = SegmentationParameters(diameter=20.0)


class Application:
    """Everything of the window but the window."""

    def __init__(self, qtbot, session) -> None:
        self.qtbot = qtbot
        self.session = session
        self.queue = JobQueue()
        self.runs = Runs(self.session, self.queue)
        self.thresholds = Thresholds(self.session, self.queue)
        self.errors, self.notes = [], []
        self.runs.failed.connect(self.errors.append)
        self.thresholds.failed.connect(self.errors.append)
        self.runs.noted.connect(self.notes.append)

    def open(self, path):
        [image] = self.session.add(open_images(path))
        self.session.show(image.source.key)
        return image

    def run(self, image, parameters=PARAMETERS):
        return self.runs.start(image, shipped()[0], parameters)

    def wait(self) -> None:
        self.qtbot.waitUntil(self._idle)

    def _idle(self) -> bool:
        """Tell whether no job runs, and no preview waits to be kept."""
        previews = [e for e in self.session.images if e.preview_of is not None]
        return not self.queue.jobs and not previews


@pytest.fixture
def app(qtbot, session):
    app = Application(qtbot, session)
    yield app
    app.queue.shut_down()


def test_a_run_gives_the_image_what_the_workflow_gives(app, cells):
    image = app.open(cells("a.tif"))
    app.run(image)
    app.wait()
    source = open_images(image.source.path)[0]
    expected = segment(source, shipped()[0], PARAMETERS, Checkpoint())
    labels = image.masks
    np.testing.assert_array_equal(labels.array, expected.labels)
    np.testing.assert_array_equal(labels.flows.dP, expected.flows.dP)
    assert labels.parameters == expected.parameters
    assert labels.settings() == expected.settings()
    assert (labels.name, labels.cells) == ("cells", 12)
    assert labels.origin.startswith("Nuclei (small), CPU, ")
    assert app.errors == app.notes == []


def test_the_network_is_loaded_once(app, cells, monkeypatch):
    loaded = []
    get = NetworkCache.get

    def noting(self, *what):
        before = self._network
        network = get(self, *what)
        loaded.append(network is not before)
        return network

    monkeypatch.setattr(NetworkCache, "get", noting)
    for name in ("a.tif", "b.tif"):
        app.run(app.open(cells(name, (64, 64))))
    app.wait()
    assert loaded == [True, False]


def test_a_run_that_cannot_be_is_told_and_changes_nothing(app, cells):
    image = app.open(cells("a.tif"))
    app.run(image, SegmentationParameters(do_3D=True))
    app.wait()
    [error] = app.errors
    assert isinstance(error, ParametersUnfit)
    assert "single plane" in str(error)
    assert image.label_sets == {}


def test_a_run_on_an_image_that_was_taken_off_and_added_again_arrives(app, cells):
    path = cells("a.tif")
    image = app.open(path)
    app.run(image)
    app.session.close(image.source.key)
    again = app.open(path)
    app.wait()
    assert again.masks.cells == 12
    assert app.errors == []


@pytest.mark.skipif(sys.platform == "win32", reason="open files stay where they are")
def test_a_run_arrives_while_the_project_is_away(app, cells, project, tmp_path):
    image = app.open(cells("a.tif"))
    assert project.writer.flush(60)
    project.path.rename(tmp_path / "away")
    app.run(image)
    app.wait()
    (tmp_path / "away").rename(project.path)
    assert app.errors == []
    assert image.masks.cells == 12
    assert project.writer.flush(60)


def test_every_run_leaves_a_record(app, cells, project):
    image = app.open(cells("a.tif"))
    app.run(image)
    app.wait()
    app.run(image, SegmentationParameters(do_3D=True))
    app.wait()
    app.run(image).started.connect(app.queue.cancel_all)
    app.wait()
    records = [record for _, record in project.read(lambda db: read_runs(db, image.id))]
    assert [r.outcome for r in records] == ["finished", "failed", "cancelled"]
    assert records[0].cells == 12
    assert "single plane" in records[1].message
    assert len(records[0].image.pixels_sha256) == 64


def test_what_a_run_has_to_say_is_told(app, cells, monkeypatch):
    network_start = Network.start

    def with_little_memory(network, tiles):
        if network.device != CPU:
            raise torch.OutOfMemoryError
        return network_start(network, tiles)

    monkeypatch.setattr(Network, "start", with_little_memory)
    # torch takes "cpu:0" for the processor, too.
    little = Device("cpu:0", "Little GPU")
    monkeypatch.setattr(engine_device, "available_devices", lambda: [little, CPU])
    image = app.open(cells("a.tif", (64, 64)))
    app.run(image)
    app.wait()
    [note] = image.masks.record.notes
    assert note.startswith("Little GPU ")
    assert app.notes == [note]


@pytest.fixture
def segmented(app, cells):
    """Return an entry with the result of a run."""
    image = app.open(cells("a.tif"))
    app.run(image)
    app.wait()
    return image


def changed(image, **values):
    return image.masks.parameters.model_copy(update=values)


def test_other_thresholds_give_what_a_run_with_them_gives(app, segmented):
    parameters = changed(segmented, cellprob_threshold=2.0, min_size=100)
    app.thresholds.change(segmented, parameters)
    app.wait()
    expected = segment(segmented.source, shipped()[0], parameters, Checkpoint())
    np.testing.assert_array_equal(segmented.masks.array, expected.labels)
    assert segmented.masks.settings() == expected.settings()
    assert app.session.undo_text == "Change thresholds"


def test_only_the_newest_wish_counts(app, segmented):
    before = segmented.masks
    wishes = [changed(segmented, cellprob_threshold=n / 2) for n in range(1, 6)]
    heard = []
    app.session.masks_changed.connect(lambda change: heard.append(change.image.masks))
    for wish in wishes:
        app.thresholds.change(segmented, wish)
    app.wait()
    assert segmented.masks.parameters == wishes[-1]
    assert len(heard) < len(wishes)
    app.session.undo()
    assert segmented.masks is before


def test_a_wish_for_another_image_does_not_end_the_first(app, segmented, cells):
    other = app.open(cells("b.tif", (64, 64)))
    app.run(other)
    app.wait()
    for image in (segmented, other):
        app.thresholds.change(image, changed(image, cellprob_threshold=2.0))
    app.wait()
    for image in (segmented, other):
        assert image.masks.parameters.cellprob_threshold == 2.0


def test_each_gesture_can_be_undone(app, segmented):
    first = segmented.masks
    for probability in (1.0, 2.0):
        wish = changed(segmented, cellprob_threshold=probability)
        app.thresholds.change(segmented, wish)
        app.thresholds.end_gesture()
        app.wait()
    app.session.undo()
    assert segmented.masks.parameters.cellprob_threshold == 1.0
    app.session.undo()
    assert segmented.masks is first


def test_a_run_that_comes_in_between_is_left_alone(app, segmented):
    app.run(segmented, SegmentationParameters(diameter=25.0))
    app.thresholds.change(segmented, changed(segmented, cellprob_threshold=2.0))
    app.wait()
    assert segmented.masks.parameters.cellprob_threshold == 0.0
    assert segmented.masks.parameters.diameter == 25.0


def draw(app, image, cell=500):
    """Draw a cell of 6 × 8 pixels in the first corner, over whatever is there."""
    labels, region = image.masks.array, (slice(0, 6), slice(0, 8))
    after = np.full((6, 8), cell, np.uint32)
    app.session.edit(image, edit_between("Draw cell", [cell], labels, region, after))


def test_what_is_drawn_while_thresholds_change_stays(app, segmented):
    wish = changed(segmented, cellprob_threshold=2.0)
    app.thresholds.change(segmented, wish)
    draw(app, segmented)
    app.wait()
    assert segmented.masks.parameters == wish
    drawn = segmented.masks.array == 500
    assert drawn[:6, :8].all()
    assert drawn.sum() == 48


class Held:
    """`merge_into`, but its first call does not return before it may."""

    def __init__(self, monkeypatch) -> None:
        self.reached, self.may_go_on = threading.Event(), threading.Event()
        self.threads = []
        monkeypatch.setattr(merging, "merge_into", self)

    def __call__(self, *args):
        self.threads.append(threading.current_thread())
        kept = merge_into(*args)
        self.reached.set()
        assert self.may_go_on.wait(60)
        return kept


@pytest.mark.parametrize("by_hand", ["draw", "accept"])
def test_what_is_decided_while_a_run_ends_stays(app, segmented, monkeypatch, by_hand):
    draw(app, segmented)
    before = segmented.masks.array.copy()
    held = Held(monkeypatch)
    app.run(segmented, SegmentationParameters(diameter=20.0, min_size=5000))
    app.qtbot.waitUntil(held.reached.is_set)
    if by_hand == "draw":
        draw(app, segmented, 501)
    else:
        app.session.set_cell_status(segmented, [2], "accepted")
    held.may_go_on.set()
    app.wait()
    after = segmented.masks.array
    if by_hand == "draw":
        assert np.unique(after).tolist() == [0, 501]
    else:
        assert np.unique(after).tolist() == [0, 2, 500]
        np.testing.assert_array_equal(after == 2, before == 2)
    # Comparing again holds nobody up.
    assert len(held.threads) == 2
    assert threading.main_thread() not in held.threads


class Interrupted:
    """`merge_into`, but the user does something during each of the first calls."""

    def __init__(self, monkeypatch, times, act, in_gui) -> None:
        self.left, self.act, self.in_gui = times, act, in_gui
        self.calls = 0
        monkeypatch.setattr(merging, "merge_into", self)

    def __call__(self, *args):
        assert threading.current_thread() is not threading.main_thread()
        self.calls += 1
        kept = merge_into(*args)
        if self.left:
            self.left -= 1
            self.in_gui.asked.emit(self.act)
        return kept


class Caller(QObject):
    """Calls a function in the thread that made it, while the one that asks waits."""

    asked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.asked.connect(self.call, Qt.ConnectionType.BlockingQueuedConnection)

    @Slot(object)
    def call(self, act) -> None:
        act()


@pytest.fixture
def in_gui(qapp):
    return Caller()


@pytest.mark.parametrize("by", ["run", "thresholds"])
def test_a_merge_is_done_again_for_as_long_as_the_user_goes_on(
    app, segmented, monkeypatch, in_gui, by
):
    numbers = iter(range(500, 520))
    interrupted = Interrupted(
        monkeypatch, 6, lambda: draw(app, segmented, next(numbers)), in_gui
    )
    if by == "run":
        app.run(segmented, SegmentationParameters(diameter=20.0, min_size=5000))
    else:
        app.thresholds.change(segmented, changed(segmented, cellprob_threshold=2.0))
    app.wait()
    assert interrupted.calls == 7
    assert app.errors == []
    labels = segmented.masks.array
    assert (labels[:6, :8] == 505).all()
    if by == "run":
        assert np.unique(labels).tolist() == [0, 505]


def test_a_run_can_be_cancelled_while_it_is_merged(
    app, segmented, monkeypatch, in_gui, project
):
    pixels = segmented.masks.pixels
    interrupted = Interrupted(
        monkeypatch, 1, lambda: (draw(app, segmented), job.cancel()), in_gui
    )
    job = app.run(segmented, SegmentationParameters(diameter=20.0, min_size=5000))
    ends = []
    for name in ("finished", "failed", "cancelled"):
        getattr(job, name).connect(lambda *_, name=name: ends.append(name))
    app.wait()
    assert (ends, interrupted.calls) == (["cancelled"], 1)
    assert segmented.masks.pixels is pixels
    runs = project.read(lambda db: read_runs(db, segmented.id))
    assert "cancelled" in [record.outcome for _, record in runs]


def test_a_stroke_during_a_merge_is_kept(app, segmented, monkeypatch, in_gui):
    strokes = []

    def begin():
        strokes.append(app.session.begin_stroke(segmented, "Brush"))
        add(strokes[0], segmented, slice(0, 3))

    acts = iter([begin, lambda: add(strokes[0], segmented, slice(3, 6))])
    interrupted = Interrupted(monkeypatch, 2, lambda: next(acts)(), in_gui)
    app.run(segmented, SegmentationParameters(diameter=20.0, min_size=5000))
    app.wait()
    # Once more than the stroke was drawn, because it became an edit at the end.
    assert interrupted.calls == 4
    labels = segmented.masks.array
    assert np.unique(labels).tolist() == [0, 500]
    assert (labels == 500).sum() == 48
    assert strokes[0].ended
    app.session.undo()
    app.session.undo()
    assert 500 not in segmented.masks.array


def add(stroke, image, rows):
    """Draw some rows of a cell."""
    region = (rows, slice(0, 8))
    after = np.full((rows.stop - rows.start, 8), 500, np.uint32)
    stroke.add(edit_between("Brush", [500], image.masks.array, region, after))


def fails(_):
    raise ProjectDamaged("The project cannot be read.", "Try again.")


def test_a_run_on_masks_that_cannot_be_compared_leaves_them(
    app, segmented, monkeypatch
):
    draw(app, segmented)
    app.session.set_cell_status(segmented, [2], "accepted")
    before = segmented.masks.array.copy()
    with monkeypatch.context() as patch:
        patch.setattr(app.session.project, "read", fails)
        app.run(segmented, SegmentationParameters(diameter=20.0, min_size=5000))
        app.wait()
    assert segmented.active == "cells"
    np.testing.assert_array_equal(segmented.masks.array, before)
    [error] = app.errors
    assert error.message.startswith("The project cannot be read.")
    assert "stay as they are" in error.message
    assert "cells (not merged)" in error.hint


def test_a_result_that_could_not_be_merged_is_kept_beside(
    app, segmented, monkeypatch, project
):
    draw(app, segmented)
    with monkeypatch.context() as patch:
        patch.setattr(project, "read", fails)
        for _ in range(2):
            app.run(segmented)
            app.wait()
    names = ["cells", "cells (not merged)", "cells (not merged) 2"]
    assert list(segmented.label_sets) == names
    expected = (segmented.masks.array > 0) & (segmented.masks.array < 500)
    for name in names[1:]:
        beside = segmented.label_sets[name]
        assert beside.record is not None
        np.testing.assert_array_equal(beside.array > 0, expected)
        np.testing.assert_array_equal(project.labels(beside.revision), beside.array)
    runs = project.read(lambda db: read_runs(db, segmented.id))
    assert [record.outcome for _, record in runs] == ["finished"] * 3
    assert app.session.undo_text == "Draw cell"


def test_thresholds_on_masks_that_cannot_be_compared_leave_them(
    app, segmented, monkeypatch
):
    draw(app, segmented)
    before = segmented.masks
    with monkeypatch.context() as patch:
        patch.setattr(app.session.project, "read", fails)
        app.thresholds.change(segmented, changed(segmented, cellprob_threshold=2.0))
        app.wait()
    assert segmented.masks is before
    assert segmented.preview_of is None
    [error] = app.errors
    assert error.message == "The project cannot be read."


def test_thresholds_need_flows(app, cells):
    image = app.open(cells("a.tif"))
    app.thresholds.change(image, PARAMETERS)
    labels = np.zeros((96, 128), np.uint32)
    masks = ImportedMasks(labels=labels, flows=None, path=image.source.path)
    label_set = imported_labels("masks", masks, image.source)
    app.session.replace_masks(image, label_set, "Import")
    app.thresholds.change(image, PARAMETERS)
    assert app.queue.jobs == ()


@pytest.mark.parametrize(
    ("shape", "axes"), [((96, 128), "YX"), ((2, 64, 64), "ZYX"), ((2, 64, 64), "TYX")]
)
def test_thresholds_of_a_saved_result_act_as_on_the_result_itself(
    app, cells, shape, axes
):
    image = app.open(cells("a.tif", shape, axes))
    app.run(image)
    app.wait()
    run = image.masks
    result = segment(image.source, shipped()[0], PARAMETERS, Checkpoint())
    save_segmentation(result, ["npy"])
    masks = read_masks(image.source.path.with_name("a_seg.npy"))
    imported = imported_labels("seg", masks, image.source)
    assert imported.cells == run.cells
    assert imported.origin == "from a_seg.npy"
    app.session.replace_masks(image, imported, "Import")
    wish = imported.parameters.model_copy(update={"cellprob_threshold": 2.0})
    app.thresholds.change(image, wish)
    app.wait()
    assert app.errors == []
    expected = run.maker.masks(
        run.parameters.model_copy(update=wish_of(wish)), Checkpoint()
    )
    np.testing.assert_array_equal(image.masks.array, expected)


def wish_of(parameters):
    names = ("flow_threshold", "cellprob_threshold", "min_size")
    return {name: getattr(parameters, name) for name in names}


def test_parameters_of_a_file_count_where_they_are_sensible(tmp_path):
    details = {
        "flow_threshold": 0.8,
        "cellprob_threshold": "much",
        "min_size": None,
        "diameter": 30.0,
    }
    masks = ImportedMasks(
        labels=np.zeros((2, 2), np.uint32), flows=None, path=tmp_path, details=details
    )
    assert parameters_of(masks) == SegmentationParameters(flow_threshold=0.8)
