"""Saving from the window, read back with the readers of Cellpose and roifile."""

from __future__ import annotations

import threading

import numpy as np
import roifile
import tifffile
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication, QCheckBox, QDialogButtonBox

from cellpose_studio.app.jobs import Job
from cellpose_studio.engine.torchvision_ops import make_importable
from cellpose_studio.ui.files.dialogs import SaveDialog


def answer(user, fill):
    """Fill the next save dialog in by ``fill`` and press Save."""

    def look():
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, SaveDialog):
            timer.stop()
            fill(dialog)
            buttons = dialog.findChild(QDialogButtonBox)
            buttons.button(QDialogButtonBox.StandardButton.Ok).click()

    timer = QTimer(user.window, interval=20)
    timer.timeout.connect(look)
    timer.start()


def tick(dialog, *kinds):
    for box in dialog.findChildren(QCheckBox):
        box.setChecked(box.objectName().removeprefix("save_") in kinds)


def test_results_are_saved_for_other_programs(user, cells, qtbot, tmp_path):
    path = cells("a.tif")
    user.open(path)
    image = user.run()
    answer(user, lambda d: tick(d, "tif", "png", "npy", "rois", "outlines"))
    qtbot.keyClick(user.window, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    user.wait_idle()
    assert "Saved" in user.message

    make_importable()
    from cellpose import io

    labels = image.masks.array
    np.testing.assert_array_equal(io.imread(tmp_path / "a_cp_masks.tif"), labels)
    np.testing.assert_array_equal(io.imread(tmp_path / "a_cp_masks.png"), labels)
    seg = np.load(tmp_path / "a_seg.npy", allow_pickle=True).item()
    np.testing.assert_array_equal(seg["masks"], labels)
    assert len(roifile.roiread(tmp_path / "a_rois.zip")) == 12
    assert len((tmp_path / "a_cp_outlines.txt").read_text().splitlines()) == 12
    assert io.get_image_files(str(tmp_path), "_masks", look_one_level_down=False)


def test_save_is_off_without_masks(user, cells):
    assert not user.window.menus.actions["save"].isEnabled()
    user.open(cells("a.tif"))
    assert not user.window.menus.actions["save"].isEnabled()
    user.run()
    assert user.window.menus.actions["save"].isEnabled()


def test_kinds_for_single_planes_are_off_for_a_stack(user, cells):
    user.open(cells("stack.tif", (3, 64, 64), "ZYX"))
    user.run()
    seen = {}

    def look(dialog):
        seen.update(
            {b.objectName(): b.isEnabled() for b in dialog.findChildren(QCheckBox)}
        )
        tick(dialog, "tif")

    answer(user, look)
    user.window.save()
    user.wait_idle()
    assert not seen["save_png"]
    assert not seen["save_outlines"]
    assert seen["save_npy"]
    masks = user.window.session.shown.source.path.with_name("stack_cp_masks.tif")
    assert tifffile.imread(masks).shape == (3, 64, 64)


def test_a_folder_that_is_not_there_is_said(user, cells, tmp_path):
    user.open(cells("a.tif"))
    user.run()
    answer(user, lambda d: d.folder.setText(str(tmp_path / "nowhere")))
    user.window.save()
    user.wait_idle()
    assert user.message == (
        "<b>a_cp_masks.tif could not be saved: there is no such folder.</b> "
        "Choose another folder."
    )


def test_saved_masks_come_back_with_their_flows(user, cells, tmp_path):
    path = cells("a.tif")
    user.open(path)
    before = user.run().masks
    answer(user, lambda d: tick(d, "npy"))
    user.window.save()
    user.wait_idle()
    user.window.projects.new()
    [image] = user.open(path)
    assert list(image.label_sets) == ["seg"]
    np.testing.assert_array_equal(image.masks.array, before.array)
    slider = user.window.segment.result.sliders["cellprob_threshold"]
    assert slider.isEnabled()
    slider.set_value(2.5)
    user.wait_for(lambda: image.masks.parameters.cellprob_threshold == 2.5)
    user.wait_idle()
    assert np.count_nonzero(image.masks.array) < np.count_nonzero(before.array)


def test_what_is_drawn_after_saving_is_not_in_the_file(user, cells, tmp_path):
    user.open(cells("a.tif"))
    image = user.run()
    before = image.masks.array.copy()
    user.window.session.project.writer.flush(10)
    gate = threading.Event()
    user.window.services.io_jobs.start(Job("Waiting", lambda _: gate.wait(60)))
    user.window.saver.save(image, ["tif"], tmp_path)
    user.window.tools.edits.delete([3])
    gate.set()
    user.wait_idle()
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a_cp_masks.tif"), before)
    assert 3 not in image.masks.array
    saved = image.masks.array
    user.window.tools.edits.delete([4])
    assert image.masks.array is saved
