"""The Segment panel follows the image: its model, its stack mode, its parameters."""

from __future__ import annotations

import pytest

from cellpose_studio.app.jobs import JobQueue
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.runs.runner import Runs
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.edits.whole import delete_cells
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.project.tables.runs import read_run
from cellpose_studio.ui.segment.followed_image import FollowedImage
from cellpose_studio.ui.segment.panel import SegmentPanel

NUCLEI, PHASE = shipped()[:2]
SET = SegmentationParameters(diameter=20.0)


class Panel:
    """The panel on a session, connected as in the window."""

    def __init__(self, qtbot, session, models=(NUCLEI, PHASE)) -> None:
        self.qtbot = qtbot
        self.session = session
        self.queue = JobQueue()
        self.runs = Runs(session, self.queue)
        self.widget = SegmentPanel()
        qtbot.addWidget(self.widget)
        session.shown_changed.connect(self.widget.show_image)
        session.masks_changed.connect(self._on_masks)
        self.followed = FollowedImage(session, self.widget)
        for model in models:
            self.widget.model.add_model(model)

    def _on_masks(self, change):
        if change.image is self.session.shown:
            self.widget.show_labels(change.image.masks)

    def open(self, path):
        [image] = self.session.add(open_images(path))
        self.show(image)
        return image

    def show(self, image):
        self.session.show(image.source.key)

    def run(self, image, model=NUCLEI, parameters=SET):
        self.runs.start(image, model, parameters)
        self.qtbot.waitUntil(lambda: not self.queue.jobs)

    def run_shown(self):
        self.run(self.session.shown, *self.widget.run_request())

    @property
    def model(self):
        return self.widget.model.model.name

    @property
    def diameter(self):
        return self.widget.parameters.main.values()["diameter"]

    @property
    def diameter_box(self):
        return self.widget.parameters.main._editors["diameter"].box

    def set_diameter(self, value):
        """Type a diameter, as a user does."""
        editor = self.widget.parameters.main._editors["diameter"]
        editor.check.setChecked(False)
        editor.box.setValue(value)

    def choose(self, model):
        assert self.widget.model.choose(model.name)


@pytest.fixture
def session(qapp, tmp_path):
    project = Project.create(tmp_path / "p.cpstudio")
    yield Session(project)
    project.close()


@pytest.fixture
def panel(qtbot, session):
    panel = Panel(qtbot, session)
    yield panel
    panel.queue.shut_down()


@pytest.mark.slow
def test_the_panel_shows_what_the_masks_of_the_image_were_made_with(panel, cells):
    a, b = panel.open(cells("a.tif")), panel.open(cells("b.tif"))
    panel.run(a, PHASE, SET.model_copy(update={"augment": True}))
    panel.run(b, NUCLEI, SET.model_copy(update={"diameter": 18.0}))
    panel.show(a)
    assert (panel.model, panel.diameter) == (PHASE.name, 20.0)
    assert panel.widget.parameters.advanced.values()["augment"]
    model, parameters = panel.widget.run_request()
    assert model is PHASE
    # Only the anisotropy was automatic, which planes do not use.
    made_with = a.masks.parameters.model_copy(update={"anisotropy": None})
    assert parameters == made_with
    panel.show(b)
    assert (panel.model, panel.diameter) == (NUCLEI.name, 18.0)
    assert not panel.widget.parameters.advanced.values()["augment"]


def test_what_was_automatic_is_automatic_again_and_shows_what_was_measured(
    panel, cells
):
    a, b = panel.open(cells("a.tif")), panel.open(cells("b.tif"))
    panel.run(a, NUCLEI, SegmentationParameters())
    panel.show(a)
    measured = a.masks.parameters.diameter
    assert panel.diameter is None
    assert panel.diameter_box.value() == measured != 30.0
    # Neither the image without a run nor a run that is set knows of a measurement.
    panel.show(b)
    assert panel.diameter_box.value() == 30.0
    panel.show(a)
    panel.widget.parameters.main._editors["diameter"].check.setChecked(False)
    assert panel.diameter == measured
    # Back from another value, it is there again.
    panel.set_diameter(200.0)
    panel.widget.parameters.main._editors["diameter"].check.setChecked(True)
    assert panel.diameter_box.value() == measured


@pytest.mark.slow
def test_what_the_user_changes_stays_with_the_image_until_its_next_run(panel, cells):
    a, b = panel.open(cells("a.tif")), panel.open(cells("b.tif"))
    panel.run(a)
    panel.run(b)
    panel.show(a)
    panel.choose(PHASE)
    panel.set_diameter(25.0)
    panel.show(b)
    assert (panel.model, panel.diameter) == (NUCLEI.name, 20.0)
    panel.show(a)
    assert (panel.model, panel.diameter) == (PHASE.name, 25.0)
    # Edits of masks change nothing about it.
    table = a.masks.pixels.cell_table()
    panel.session.edit(a, delete_cells(a.masks.array, table, [1]))
    assert (panel.model, panel.diameter) == (PHASE.name, 25.0)
    panel.run_shown()
    panel.show(b)
    panel.show(a)
    assert (panel.model, panel.diameter) == (PHASE.name, 25.0)
    # Undone, the masks are those of the run before, and so is the panel.
    panel.session.undo()
    assert (panel.model, panel.diameter) == (NUCLEI.name, 20.0)


def test_a_change_during_a_run_outlives_the_run(panel, cells):
    a = panel.open(cells("a.tif"))
    job = panel.runs.start(a, NUCLEI, SET)
    # Its end comes with a later turn of the event loop.
    panel.qtbot.waitSignal(job.started).wait()
    panel.set_diameter(33.0)
    panel.qtbot.waitUntil(lambda: not panel.queue.jobs)
    assert a.masks.parameters.diameter == 20.0
    assert panel.diameter == 33.0


def test_an_image_without_a_run_shows_what_the_user_set_last(panel, cells):
    a, b, c = (panel.open(cells(name)) for name in ("a.tif", "b.tif", "c.tif"))
    panel.run(a)
    panel.show(b)
    panel.choose(PHASE)
    panel.set_diameter(41.0)
    panel.show(a)
    assert (panel.model, panel.diameter) == (NUCLEI.name, 20.0)
    panel.show(c)
    assert (panel.model, panel.diameter) == (PHASE.name, 41.0)


def test_the_stack_mode_follows_stacks_and_is_left_alone_by_planes(panel, cells):
    flat = panel.open(cells("a.tif"))
    stack = panel.open(cells("z.tif", (3, 48, 64), "ZYX"))
    joined = SET.model_copy(update={"stitch_threshold": 0.3})
    panel.run(stack, NUCLEI, joined)
    panel.run(flat)
    panel.show(flat)
    panel.show(stack)
    assert panel.widget.parameters.mode_key == "joined"
    assert panel.widget.run_request()[1].stitch_threshold == 0.3
    panel.show(flat)
    assert panel.widget.parameters.mode_key == "joined"


@pytest.mark.slow
def test_an_opened_project_shows_it_again(panel, cells, qtbot, tmp_path):
    a, b = panel.open(cells("a.tif")), panel.open(cells("b.tif"))
    panel.run(a, PHASE)
    panel.show(b)
    panel.set_diameter(17.0)
    panel.session.seal_all()
    panel.session.project.close()
    other = Panel(qtbot, Session(Project.create(tmp_path / "q.cpstudio")))
    empty = other.session.project
    other.session.use(Project.open(panel.session.project.path))
    for image in other.session.images:
        read_record(other.session, image)
    other.show(other.session.image(a.source.key))
    assert (other.model, other.diameter) == (PHASE.name, 20.0)
    other.show(other.session.image(b.source.key))
    assert (other.model, other.diameter) == (NUCLEI.name, 17.0)
    other.queue.shut_down()
    other.session.project.close()
    empty.close()


def read_record(session, image):
    """Read the record of masks, as the loader of the window does."""
    masks = image.masks
    if masks is not None:
        record = session.project.read(lambda db: read_run(db, masks.run))
        session.complete(image, masks, record=record)


def test_a_model_that_is_not_listed_is_named_and_taken_once_it_is(
    qtbot, session, cells
):
    panel = Panel(qtbot, session, models=[NUCLEI])
    a = panel.open(cells("a.tif"))
    panel.run(a, PHASE)
    note = panel.widget.model.note
    assert f"made with {PHASE.label}, which is not in this list" in note.text()
    panel.widget.model.add_model(PHASE)
    assert panel.model == PHASE.name
    assert note.text() == ""
    panel.queue.shut_down()


def test_the_hint_counts_the_cells_that_are_there(panel, cells):
    a = panel.open(cells("a.tif"))
    panel.run(a, NUCLEI, SegmentationParameters(diameter=150.0))
    hint = panel.widget.result.hint.text()
    record = a.masks.record
    assert record.measured_diameter is not None
    assert hint.startswith(
        f"The diameter was set to 150 px, but the cells of this image measure about "
        f"{record.measured_diameter:g} px. Choose Automatic"
    )
    assert "unlike those that" not in hint
    # Set by hand, so the automatic value that is offered is the measured one.
    assert panel.diameter == 150.0
    panel.widget.parameters.main._editors["diameter"].check.setChecked(True)
    assert panel.diameter_box.value() == record.measured_diameter
