"""Runs: what a user sees of them, and where their results go."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication, QLineEdit

from cellpose_studio.app.jobs import Job
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.ui.window.job_bar import IDLE


def labels_layer(window, name="cells"):
    return window.canvas.model.layers[name]


@pytest.mark.slow
def test_a_run_shows_its_cells_over_the_image(user, cells):
    user.open(cells("a.tif"))
    image = user.run()
    assert image.masks.cells == 12
    layer = labels_layer(user.window)
    source = user.window.canvas.model.layers["a.tif"]
    np.testing.assert_array_equal(layer.data, image.masks.array)
    np.testing.assert_allclose(layer.scale, source.scale)
    np.testing.assert_allclose(layer.scale, (0.25, 0.25))
    np.testing.assert_allclose(layer.translate, source.translate)
    assert layer.visible
    assert "12 cells" in user.window.segment.result.count.text()


@pytest.mark.slow
def test_a_run_says_what_it_does(user, cells, qtbot):
    user.open(cells("a.tif"))
    said = []
    user.window.services.gpu_jobs.queued.connect(
        lambda job: job.progress.connect(
            lambda *_: said.append(user.window.jobs.text.text())
        )
    )
    user.run()
    assert any("tile" in text for text in said)
    assert user.window.jobs.text.text() == "Nothing is running."


@pytest.mark.slow
def test_run_is_off_without_an_image(user, cells):
    run = user.window.segment.parameters.run
    assert not run.isEnabled()
    assert "Open an image first" in run.toolTip()
    scope = user.window.segment.parameters.scope
    assert scope.toolTip() == "Choose the images to run on."
    assert scope.accessibleName() == "Images to run on"
    user.open(cells("a.tif"))
    assert run.isEnabled()
    assert run.text() == "Run on a.tif"


@pytest.mark.slow
def test_cancel_leaves_everything_as_it_was(user, cells, qtbot):
    [image] = user.open(cells("large.tif", (1600, 1600)))
    user.window.segment.parameters.main.set_values({"diameter": 20.0})
    tiles = []
    user.window.services.gpu_jobs.queued.connect(
        lambda job: job.progress.connect(
            lambda done, total, _: tiles.append((done, total))
        )
    )
    user.click_run()
    bar = user.window.jobs
    user.wait_for(lambda: "tile" in bar.text.text())
    qtbot.mouseClick(bar.cancel, Qt.MouseButton.LeftButton)
    user.wait_idle()
    done, total = tiles[-1]
    assert done < total
    assert image.label_sets == {}
    assert bar.text.text() == IDLE
    assert user.message == ""


@pytest.mark.slow
def test_escape_cancels(user, cells, qtbot):
    [image] = user.open(cells("large.tif", (1600, 1600)))
    user.window.segment.parameters.main.set_values({"diameter": 20.0})
    user.click_run()
    user.wait_for(lambda: "tile" in user.window.jobs.text.text())
    qtbot.keyClick(user.window, Qt.Key.Key_Escape)
    user.wait_idle()
    assert image.label_sets == {}


@pytest.mark.slow
def test_a_result_goes_to_the_image_it_was_started_on(user, cells):
    user.open(cells("a.tif"))
    user.open(cells("b.tif", (64, 64)))
    a, b = user.window.session.images
    user.window.session.show(a.source.key)
    user.click_run()
    user.window.session.show(b.source.key)
    user.wait_idle()
    assert a.masks.cells == 12
    assert b.masks is None
    assert user.window.session.shown is b
    assert [layer.name for layer in user.window.canvas.model.layers] == ["b.tif"]
    user.window.session.show(a.source.key)
    assert labels_layer(user.window).data.shape == (96, 128)


@pytest.mark.slow
def test_a_result_for_a_closed_image_goes_nowhere(user, cells):
    user.open(cells("a.tif"))
    user.click_run()
    user.window.close_image()
    user.wait_idle()
    assert tuple(user.window.session.images) == ()
    assert user.message.startswith("Removed a.tif from the project.")


@pytest.mark.slow
def test_a_channel_may_be_called_as_the_masks_are(user, tmp_path):
    path = tmp_path / "named.tif"
    pixels = np.zeros((2, 64, 64), np.uint16)
    metadata = {"axes": "CYX", "Channel": {"Name": ["cells", "nuclei"]}}
    tifffile.imwrite(path, pixels, ome=True, metadata=metadata)
    [image] = user.open(path)
    assert image.source.channel_names == ("cells", "nuclei")
    user.run()
    user.run()
    channel, _, masks = user.window.canvas.model.layers
    np.testing.assert_array_equal(np.asarray(channel.data), pixels[0])
    assert masks.data is image.masks.array


@pytest.mark.slow
def test_two_runs_queue(user, cells):
    user.open(cells("a.tif"))
    user.open(cells("b.tif", (64, 64)))
    a, b = user.window.session.images
    for image in (a, b):
        user.window.session.show(image.source.key)
        user.click_run()
    assert len(user.window.services.gpu_jobs.jobs) == 2
    user.wait_idle()
    assert (a.masks.cells, b.masks.cells) == (12, 4)


@pytest.mark.slow
def test_thresholds_remake_the_masks_without_the_network(user, cells, qtbot):
    user.open(cells("a.tif"))
    image = user.run()
    before = image.masks
    slider = user.window.segment.result.sliders["cellprob_threshold"]
    number = slider.findChild(QLineEdit)
    number.setFocus()
    number.selectAll()
    qtbot.keyClicks(number, "2.5")
    qtbot.keyClick(number, Qt.Key.Key_Return)
    user.wait_for(lambda: image.masks is not before)
    user.wait_idle()
    after = image.masks
    assert after.flows is before.flows
    assert after.parameters.cellprob_threshold == 2.5
    assert np.count_nonzero(after.array) < np.count_nonzero(before.array)
    expected = before.maker.masks(after.parameters, Checkpoint())
    np.testing.assert_array_equal(after.array, expected)
    np.testing.assert_array_equal(labels_layer(user.window).data, after.array)


@pytest.mark.slow
def test_undo_and_redo_go_back_and_forth_between_results(user, cells, qtbot):
    user.open(cells("a.tif"))
    image = user.run()
    first = image.masks
    diameter = user.window.segment.parameters.main
    diameter.set_values({"diameter": 60.0})
    user.run()
    second = image.masks
    control = Qt.KeyboardModifier.ControlModifier
    qtbot.keyClick(user.window, Qt.Key.Key_Z, control)
    assert image.masks is first
    np.testing.assert_array_equal(labels_layer(user.window).data, first.array)
    qtbot.keyClick(user.window, Qt.Key.Key_Z, control)
    assert image.masks is None
    assert "cells" not in user.window.canvas.model.layers
    for _ in range(2):
        qtbot.keyClick(
            user.window, Qt.Key.Key_Z, control | Qt.KeyboardModifier.ShiftModifier
        )
    assert image.masks is second


@pytest.mark.slow
def test_the_panel_decides_the_parameters(user, cells):
    user.open(cells("a.tif"))
    panel = user.window.segment.parameters
    panel.main.set_values({"diameter": 21.0})
    panel.normalization.set_values({"percentile": (2.0, 98.0)})
    panel.advanced.set_values({"exclude_on_edges": True})
    image = user.run()
    assert image.masks.record.parameters == SegmentationParameters(
        channels=(1, None),
        diameter=21.0,
        anisotropy=1.0,  # what automatic came to
        normalization={"percentile": (2.0, 98.0)},
        exclude_on_edges=True,
        postprocessing="clean",  # what automatic is for a model that ships
    )
    assert "postprocessing" in image.masks.record.automatic


@pytest.mark.slow
def test_exactly_cellpose_is_a_choice_that_follows_the_image(user, cells):
    user.open(cells("a.tif"))
    advanced = user.window.segment.parameters.advanced
    finish = advanced.widget_of("postprocessing")
    assert finish.currentText() == "Automatic"
    finish.setCurrentText("Exactly Cellpose")
    image = user.run()
    record = image.masks.record
    assert record.parameters.postprocessing == "cellpose"
    assert record.steps == int(200 / (17 / record.parameters.diameter))
    # A record of an earlier version has neither, and is shown as what it was.
    assert "postprocessing" not in record.parameters.model_dump()
    advanced.set_values({"postprocessing": "automatic"})
    user.window.segment.show_masks(image.masks)
    assert finish.currentText() == "Exactly Cellpose"


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["volume", "joined", "planes"])
def test_a_stack_runs_as_the_user_says(user, cells, mode):
    [image] = user.open(cells("stack.tif", (4, 64, 64), "ZYX"))
    panel = user.window.segment.parameters
    panel.mode.setCurrentIndex(panel.mode.findData(mode))
    panel.main.set_values({"diameter": 20.0})
    user.run()
    assert image.masks.array.shape == (4, 64, 64)
    assert image.masks.record.parameters.do_3D == (mode == "volume")
    if mode == "joined":
        planes = image.masks.array
        assert all(set(np.unique(p)) == {0, 1, 2, 3, 4} for p in planes)
    if mode == "planes":
        assert image.masks.cells == 16
    np.testing.assert_allclose(labels_layer(user.window).scale, (0.5, 0.25, 0.25))


@pytest.mark.slow
def test_a_time_series_runs_frame_by_frame(user, cells):
    [image] = user.open(cells("series.tif", (3, 64, 64), "TYX"))
    assert not user.window.segment.parameters.stack_section.isVisible()
    user.run()
    assert image.masks.array.shape == (3, 64, 64)
    assert image.masks.cells == 12


@pytest.mark.slow
def test_what_is_opened_meanwhile_does_not_hide_a_run(user, cells):
    user.open(cells("large.tif", (1600, 1600)))
    user.window.segment.parameters.main.set_values({"diameter": 20.0})
    user.click_run()
    bar = user.window.jobs
    user.wait_for(lambda: "tile" in bar.text.text())
    shown = []
    user.window.services.io_jobs.queued.connect(
        lambda job: job.ended.connect(lambda: shown.append(bar.text.text()))
    )
    user.window.open([cells("a.tif")])
    user.wait_for(lambda: bool(shown) and len(user.window.session.images) == 2)
    assert all("large.tif" in text for text in shown)
    bar.cancel.click()
    user.wait_idle()
    assert bar.text.text() == IDLE


@pytest.mark.slow
def test_only_the_chosen_masks_are_shown(user, cells):
    path = cells("a.tif")
    masks = np.zeros((96, 128), np.uint16)
    masks[10:20, 10:20] = 1
    tifffile.imwrite(path.with_name("a_masks.tif"), masks)
    [image] = user.open(path)
    user.run()
    assert image.active == "cells"
    layers = user.window.canvas.model.layers
    session = user.window.session
    session.choose_label_set(image, "masks")
    assert image.active == "masks"
    assert (layers["masks"].visible, layers["cells"].visible) == (True, False)
    assert "1 cell" in user.window.segment.result.count.text()
    session.choose_label_set(image, "cells")
    assert "12 cells" in user.window.segment.result.count.text()


@pytest.mark.slow
def test_undoing_a_run_brings_the_masks_before_it_back(user, cells, qtbot):
    path = cells("a.tif")
    masks = np.zeros((96, 128), np.uint16)
    masks[10:20, 10:20] = 1
    tifffile.imwrite(path.with_name("a_masks.tif"), masks)
    [image] = user.open(path)
    user.run()
    qtbot.keyClick(user.window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert image.active == "masks"
    assert labels_layer(user.window, "masks").visible
    assert "1 cell" in user.window.segment.result.count.text()


@pytest.mark.parametrize(
    ("button", "leaves"), [("Stop the run", True), ("Keep", False)]
)
def test_a_run_is_stopped_only_when_the_user_agrees(user, button, leaves):
    projects, over = user.window.projects, threading.Event()
    projects.stops_runs_unasked = False
    user.window.services.gpu_jobs.start(Job("A run", lambda _: over.wait(60)))

    def answer():
        box = QApplication.activeModalWidget()
        assert "A run is going on. Stop it?" in box.text()
        found = [b for b in box.buttons() if button in b.text().replace("&", "")]
        found[0].click()

    QTimer.singleShot(100, answer)
    assert projects.may_leave() is leaves
    projects.stops_runs_unasked = True
    assert projects.may_leave()
    over.set()
    user.wait_idle()
    projects.stops_runs_unasked = False
    assert projects.may_leave()
