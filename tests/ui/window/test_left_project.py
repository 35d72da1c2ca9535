"""Work that ends when another project is open, or its image has been removed.

Its result goes to the project that it belongs to, or to none, and a sentence says so.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import tifffile
from qtpy.QtWidgets import QApplication, QDialog

from cellpose_studio.app.jobs import JobQueue
from cellpose_studio.app.session.classes import add_class, put_into_class
from cellpose_studio.engine.networks.unet import UNet
from cellpose_studio.engine.networks.weights import save_weights
from cellpose_studio.io.project.tables.training.rounds import read_rounds
from cellpose_studio.ui.segment.search import job as search_job
from tests.ui.conftest import User
from tests.ui.train.test_train_tab import click, from_scratch, project
from tests.waiting import LONG

__all__ = ["project"]

_LEFT = ": another project was opened meanwhile, so nothing was done."


@contextmanager
def held(user: User, queue: JobQueue) -> Iterator[None]:
    """Let what is started in a queue wait until the end of the block."""
    going = threading.Event()
    user.window.services.run("Waiting", lambda _: going.wait(LONG), queue=queue)
    try:
        yield
    finally:
        going.set()


def leave(user: User) -> None:
    """Start another project, and wait until it is there."""
    before = user.window.session.project
    user.window.menus.actions["newProject"].trigger()
    user.wait_for(lambda: user.window.session.project is not before)


@pytest.fixture
def masked(user, cells, tmp_path):
    """Return a path of an image with masks of 6 cells beside it."""

    def write(name: str):
        path = cells(name)
        masks = np.zeros((96, 128), np.uint16)
        for n in range(6):
            y, x = 6 + 30 * (n // 3), 6 + 40 * (n % 3)
            side = 20 if n % 2 else 10
            masks[y : y + side, x : x + side] = n + 1
        tifffile.imwrite(path.with_name(f"{path.stem}_masks.tif"), masks)
        return path

    return write


def test_a_folder_is_imported_into_no_other_project(user, masked):
    window = user.window
    user.open(masked("first.tif"))
    folder = masked("work/a.tif").parent
    window.train.set.folders.ask = lambda *_: folder
    with held(user, window.services.io_jobs):
        window.train.set.buttons["importTraining"].click()
        leave(user)
    user.wait_idle()
    assert not window.session.images
    assert user.message == f"Importing work{_LEFT}"
    # Opened here, the images are those of any folder.
    [image] = user.open(folder)
    assert window.services.training.role(image) is None


def test_the_sample_is_opened_in_no_other_project(user, cells):
    window = user.window
    user.open(cells("a.tif"))
    with held(user, window.services.io_jobs):
        window.menus.actions["openSample"].trigger()
        leave(user)
    user.wait_idle()
    assert not window.session.images
    assert user.message == f"Opening the sample{_LEFT}"


def test_images_are_relinked_in_no_other_project(user, cells):
    window = user.window
    path = cells("a.tif")
    user.open(path)
    path.rename(path.with_name("moved.tif"))
    with held(user, window.services.io_jobs):
        window.relinker.search(path.parent)
        leave(user)
    user.wait_idle()
    assert user.message == f"Searching for images in {path.parent.name}{_LEFT}"


def test_masks_of_an_image_that_was_removed_are_left_out(user, masked):
    window = user.window
    paths = [masked("a.tif"), masked("b.tif")]
    images = user.open(*paths)
    masks = [path.with_name(f"{path.stem}_masks.tif") for path in paths]
    offers = list(zip([image.source for image in images], masks, strict=True))
    with held(user, window.services.io_jobs):
        window._opener.add_masks(offers)
        window.session.close(images[0].source.key)
    user.wait_idle()
    assert sorted(images[1].label_sets) == ["masks", "masks 2"]
    text = "Masks of a.tif were left out: it was removed from the project meanwhile."
    assert user.message == text
    with held(user, window.services.io_jobs):
        window._opener.add_masks(offers[1:])
        leave(user)
    user.wait_idle()
    assert user.message == f"Adding masks{_LEFT}"


def test_an_offer_is_withdrawn_with_its_project(user, masked):
    window = user.window
    path = masked("a.tif")
    [image] = user.open(path)
    window.image_actions.remove([image])
    bar = window.services.messages
    assert bar.action.isVisible()
    leave(user)
    assert not bar.isVisible()
    assert not window.session.images
    assert image.source.path == path


def test_a_project_is_opened_after_the_question_about_the_one_before(
    user, cells, tmp_path
):
    window = user.window
    user.open(cells("a.tif"))
    named = tmp_path / "named.cpstudio"
    window.projects.save_as(named)
    user.wait_idle()
    leave(user)
    user.wait_idle()
    unnamed = window.session.project
    dialog = QDialog(window)
    dialog.setModal(True)
    dialog.show()
    user.wait_for(lambda: QApplication.activeModalWidget() is dialog)
    seen = []
    window.projects.open(named).ended.connect(lambda: seen.append(True))
    user.wait_for(lambda: bool(seen))
    # A note that is written in the dialog is one on what was open then.
    user.qtbot.wait(1)
    assert window.session.project is unnamed
    dialog.accept()
    user.wait_for(lambda: window.session.project.path == named)
    user.wait_idle()


def test_a_copy_of_a_project_that_was_left_is_not_what_is_open(user, cells, tmp_path):
    window = user.window
    user.open(cells("a.tif"))
    copy = tmp_path / "copy.cpstudio"
    opened = []
    with held(user, window.services.io_jobs):
        window.projects.save_as(copy)
        leave(user)
        saved = window.status.saved.text()
        window.projects.opened.connect(lambda: opened.append(True))
    user.wait_idle()
    assert copy.exists()
    assert user.message.startswith("Saved as copy.cpstudio")
    assert window.status.saved.text() == saved
    assert not opened


def test_a_model_that_arrives_late_is_listed_and_not_chosen(user, cells, tmp_path):
    window = user.window
    user.open(cells("a.tif"))
    weights = tmp_path / "late"
    save_weights(UNet((2, 4, 8)), weights)
    chosen = window.segment.model.model
    with held(user, window.services.io_jobs):
        window.models.add(weights)
        leave(user)
    user.wait_idle()
    assert weights in [model.path for model in window.segment.model.models]
    assert window.segment.model.model == chosen


def test_what_cannot_be_read_of_a_project_that_was_left_is_no_error(
    user, masked, monkeypatch
):
    window = user.window
    [image] = user.open(masked("a.tif"))
    window.services.training.set_role([image], "train")
    window.menus.actions["showTraining"].trigger()
    user.wait_idle()
    before = window.session.project
    jobs = window.services.stack_jobs
    with held(user, jobs):
        window.services.training.set_role([image], "validation")
        titles = "Reading the training set"
        user.wait_for(lambda: titles in [job.title for job in jobs.jobs])
        leave(user)
        user.wait_for(lambda: before.is_closed)
        before.path.unlink()
    user.wait_idle()
    assert user.message == ""


@pytest.mark.slow
def test_a_classifier_is_trained_for_no_other_project(user, masked):
    window, session = user.window, user.window.session
    [image] = user.open(masked("a.tif"))
    user.wait_for(lambda: image.masks is not None and image.masks.pixels.loaded)
    classes = [add_class(session, name) for name in ("large", "small")]
    put_into_class(session, image, [2, 4, 6], classes[0].id)
    put_into_class(session, image, [1, 3, 5], classes[1].id)
    panel = window.measure.open_classes()
    user.wait_for(panel.train.isEnabled)
    with held(user, window.services.measure_jobs):
        panel.train.click()
        leave(user)
    user.wait_idle()
    assert panel.training.record is None
    assert not panel.training.busy
    assert user.message == f"Training the classifier{_LEFT}"


@pytest.mark.slow
def test_a_search_is_of_no_other_project(user, cells, monkeypatch):
    window = user.window
    user.open(cells("a.tif"))
    image = user.run()
    window.session.set_reviewed(image, True)
    window.menus.actions["searchParameters"].trigger()
    dialog = window.parameter_search.dialog
    user.wait_for(dialog.search.isEnabled)
    begun, going, ready = threading.Event(), threading.Event(), search_job.searchable

    def slow(*given):
        begun.set()
        going.wait(LONG)
        return ready(*given)

    monkeypatch.setattr(search_job, "searchable", slow)
    dialog.search.click()
    user.wait_for(begun.is_set)
    leave(user)
    going.set()
    user.wait_idle()
    assert dialog.found is None
    assert dialog.table.rowCount() == 0
    assert not dialog.apply_button.isEnabled()
    assert "Searching parameters" in user.message
    assert user.message.endswith(_LEFT)
    dialog.close()


@pytest.mark.slow
def test_the_search_counts_runs_alone(user, masked, cells):
    window = user.window
    imported, other = user.open(masked("a.tif"), cells("b.tif"))
    window.session.set_reviewed(imported, True)
    window.menus.actions["searchParameters"].trigger()
    dialog = window.parameter_search.dialog
    user.wait_for(lambda: not dialog._soon.isActive())
    assert not dialog.search.isEnabled()
    assert "No corrected image yet" in dialog.result.text()
    window.session.show(other.source.key)
    image = user.run()
    window.session.set_reviewed(image, True)
    user.wait_for(dialog.search.isEnabled)
    assert dialog.search.toolTip().startswith("Try settings on 1 image ")
    dialog.close()


@pytest.mark.slow
def test_a_run_is_repeated_for_no_other_project(user, cells):
    window = user.window
    user.open(cells("a.tif"))
    user.run()
    panel = window.history
    window.tabs.setCurrentWidget(panel)
    user.wait_for(lambda: any(panel.tree.row_items()))
    panel.tree.setCurrentItem(next(iter(panel.tree.row_items())))
    again = next(one for one in panel.how.actions() if one.objectName() == "again")
    user.wait_for(again.isEnabled)
    with held(user, window.services.gpu_jobs):
        again.trigger()
        user.wait_for(lambda: len(window.services.gpu_jobs.jobs) == 2)
        leave(user)
    user.wait_idle()
    assert user.message == f"Running revision 1 again{_LEFT}"


@pytest.mark.slow
def test_a_training_and_an_export_begin_in_no_other_project(user, project, tmp_path):
    window, folder = user.window, tmp_path / "exported"
    folder.mkdir()
    from_scratch(project, "tiny", 3)
    window.train.set.folders.ask = lambda *_: folder
    with held(user, window.services.io_jobs):
        click(user, project, "start")
        leave(user)
    user.wait_for(lambda: user.message == f"Training tiny{_LEFT}")
    user.wait_idle()
    assert project.trainings.request is None
    user.open(tmp_path / "a.tif")
    [image] = window.session.images
    window.services.training.set_role([image], "train")
    with held(user, window.services.io_jobs):
        window.train.set.folders.export()
        leave(user)
    user.wait_for(lambda: user.message == f"Exporting to exported{_LEFT}")
    user.wait_idle()
    assert not [*folder.iterdir()]


@pytest.mark.slow
def test_a_training_that_ends_elsewhere_tells_its_verdict_in_its_own_project(
    user, project, tmp_path
):
    window, content, trainings = user.window, project.content, project.trainings
    own = tmp_path / "own.cpstudio"
    window.projects.save_as(own)
    user.wait_idle()
    from_scratch(project, "tiny", 3)
    chosen = window.segment.model.model
    with held(user, window.services.train_jobs):
        click(user, project, "start")
        user.wait_for(lambda: trainings.request is not None)
        leave(user)
        user.wait_for(lambda: "Training tiny of own:" in content.progress.text.text())
    user.wait_for(lambda: trainings.request is None)
    user.wait_for(lambda: "tiny is ready." in user.message)
    assert user.message == "tiny is ready. own lists it when it is open again."
    user.wait_idle()
    assert not content.after.isVisibleTo(content)
    assert not any(content.curve.points.values())
    assert not content.samples.isVisibleTo(content)
    assert content.lineage.topLevelItemCount() == 0
    assert content.form.name.text() != "tiny"
    assert window.segment.model.model == chosen
    window.projects.open(own)
    user.wait_for(lambda: content.lineage.topLevelItemCount() == 1)
    user.wait_for(lambda: "tiny is ready." in content.after.verdict.text())
    assert content.after.isVisibleTo(content)
    user.wait_idle()
    assert [one.name for one in window.session.project.read(read_rounds)] == ["tiny"]


@pytest.mark.slow
def test_curves_come_back_with_the_project_while_it_trains(user, project, tmp_path):
    window, content, trainings = user.window, project.content, project.trainings
    own = tmp_path / "own.cpstudio"
    window.projects.save_as(own)
    user.wait_idle()
    from_scratch(project, "tiny", 200)
    click(user, project, "start")
    user.wait_for(lambda: len(content.curve.points["AP"]) >= 2)
    click(user, project, "pause")
    user.wait_for(lambda: trainings.paused)
    leave(user)
    user.wait_for(lambda: not any(content.curve.points.values()))
    assert content.progress.text.text() == "Training tiny of own: Paused."
    window.projects.open(own)
    user.wait_for(lambda: len(content.curve.points["AP"]) >= 2)
    assert content.progress.text.text() == "Paused."
    click(user, project, "finish")
    user.wait_for(lambda: trainings.request is None)
    user.wait_for(lambda: content.after.isVisibleTo(content))
    user.wait_idle()
    # It is the same project, though opened anew: the training is listed at once.
    assert [one.name for one in window.session.project.read(read_rounds)] == ["tiny"]
    assert content.lineage.topLevelItemCount() == 1


def test_a_failure_goes_when_the_same_action_succeeds(user, masked):
    window, session = user.window, user.window.session
    [image] = user.open(masked("a.tif"))
    user.wait_for(lambda: image.masks is not None and image.masks.pixels.loaded)
    classes = [add_class(session, name) for name in ("large", "small")]
    put_into_class(session, image, [2], classes[0].id)
    put_into_class(session, image, [1], classes[1].id)
    panel = window.measure.open_classes()
    user.wait_for(panel.train.isEnabled)
    panel.train.click()
    assert "So far: large 1, small 1." in user.message
    put_into_class(session, image, [4, 6], classes[0].id)
    put_into_class(session, image, [3, 5], classes[1].id)
    panel.train.click()
    user.wait_for(lambda: panel.training.record is not None)
    user.wait_for(lambda: user.message == "")


def test_the_failure_of_a_file_goes_when_it_is_opened(user, cells):
    good = cells("a.tif").read_bytes()
    path = cells("b.tif")
    path.write_bytes(b"II*\0")
    user.open(path)
    assert "b.tif" in user.message
    # Another file does not mend it.
    user.open(cells("c.tif"))
    assert "b.tif" in user.message
    path.write_bytes(good)
    user.open(path)
    assert user.message == ""
    assert len(user.window.session.images) == 2
