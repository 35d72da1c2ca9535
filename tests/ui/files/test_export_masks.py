"""Saving from the window, read back with the readers of Cellpose and roifile."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import roifile
import tifffile
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication, QCheckBox, QDialogButtonBox
from skimage.segmentation import relabel_sequential

from cellpose_studio.app.jobs import Job
from cellpose_studio.engine.torchvision_ops import make_importable
from cellpose_studio.ui.files.export_dialog import ExportDialog


def answer(user, fill):
    """Fill the next dialog of an export in by ``fill`` and press Export."""

    def look():
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, ExportDialog):
            timer.stop()
            fill(dialog)
            buttons = dialog.findChild(QDialogButtonBox)
            buttons.button(QDialogButtonBox.StandardButton.Ok).click()

    timer = QTimer(user.window, interval=20)
    timer.timeout.connect(look)
    timer.start()


def tick(dialog, *kinds):
    for box in dialog.findChildren(QCheckBox):
        if box.objectName().startswith("save_"):
            box.setChecked(box.objectName().removeprefix("save_") in kinds)


@pytest.mark.slow
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


@pytest.mark.slow
def test_save_is_off_without_masks(user, cells):
    assert not user.window.menus.actions["save"].isEnabled()
    user.open(cells("a.tif"))
    assert not user.window.menus.actions["save"].isEnabled()
    user.run()
    assert user.window.menus.actions["save"].isEnabled()


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_folder_is_made_and_remembered(user, cells, tmp_path):
    user.open(cells("a.tif"))
    image = user.run()
    folder = tmp_path / "results" / "today"
    answer(user, lambda d: (tick(d, "tif"), d.folder.setText(str(folder))))
    user.window.save()
    user.wait_idle()
    assert user.message == f"Saved a_cp_masks.tif in {folder}."
    np.testing.assert_array_equal(
        tifffile.imread(folder / "a_cp_masks.tif"), image.masks.array
    )
    seen = []
    answer(user, lambda d: (seen.append(d.folder.text()), d.folder.clear()))
    user.window.save()
    user.wait_idle()
    assert seen == [str(folder)]
    assert (tmp_path / "a_cp_masks.tif").exists()


@pytest.mark.slow
def test_a_folder_that_cannot_be_made_is_said(user, cells, tmp_path):
    path = cells("a.tif")
    user.open(path)
    user.run()
    answer(user, lambda d: d.folder.setText(str(path / "results")))
    user.window.save()
    user.wait_idle()
    assert user.message == (
        "<b>results could not be saved: there is no such folder.</b> "
        "Choose another folder."
    )


@pytest.mark.slow
def test_selected_images_are_exported_together(user, cells, tmp_path):
    (tmp_path / "other").mkdir()
    twins = [cells("a.tif"), cells("other/a.tif"), cells("none.tif")]
    images = user.open(*twins)
    for image in images[:2]:
        user.window.session.show(image.source.key)
        user.wait_idle()
        user.run()
    user.window.images.view.selectAll()
    asked = []
    folder = tmp_path / "out"

    def fill(dialog):
        asked.append(dialog.what.text())
        tick(dialog, "tif")
        dialog.folder.setText(str(folder))

    answer(user, fill)
    user.window.save()
    user.wait_idle()
    assert asked == ["a.tif and a.tif: 24 cells"]
    for name, image in (("a", images[0]), ("a_2", images[1])):
        np.testing.assert_array_equal(
            tifffile.imread(folder / f"{name}_cp_masks.tif"), image.masks.array
        )
    assert (folder / "export_names.csv").read_text(encoding="utf-8") == (
        f"name,image,scene\na_2,{twins[1]},\n"
    )
    assert sorted(p.name for p in folder.iterdir()) == [
        "a_2_cp_masks.tif",
        "a_cp_masks.tif",
        "export_names.csv",
    ]


@pytest.mark.slow
def test_files_that_exist_are_replaced_only_when_the_user_says_so(
    user, cells, tmp_path
):
    user.open(cells("a.tif"))
    image = user.run()
    drawn = tmp_path / "a_seg.npy"
    drawn.write_bytes(b"drawn by hand")
    asked = []

    def export(answer_given):
        def ask(files, _):
            asked.append([file.name for file in files])
            return answer_given

        user.window.saver.ask_if_exists = ask
        user.window.saver.save([image], ["tif", "npy"])
        user.wait_idle()
        return sorted(p.name for p in tmp_path.glob("a*_*"))

    assert export(None) == ["a_seg.npy"]
    assert export("skip") == ["a_seg.npy"]
    assert user.message == "1 image was skipped: the files exist."
    assert export("number") == ["a_2_cp_masks.tif", "a_2_seg.npy", "a_seg.npy"]
    assert drawn.read_bytes() == b"drawn by hand"
    assert "a_cp_masks.tif" in export("replace")
    seg = np.load(drawn, allow_pickle=True).item()
    np.testing.assert_array_equal(seg["masks"], image.masks.array)
    assert asked == [["a_seg.npy"]] * 4


@pytest.mark.slow
def test_rejected_cells_are_left_out_unless_they_are_asked_for(user, cells, tmp_path):
    user.open(cells("a.tif"))
    image = user.run()
    user.window.session.set_cell_status(image, [2, 3], "rejected")
    masks = tmp_path / "a_cp_masks.tif"
    boxes = []

    def leave_out(dialog):
        assert dialog.what.text() == "a.tif: 10 cells (masks “cells”)"
        dialog.rejected.setChecked(True)
        assert dialog.what.text() == "a.tif: 12 cells (masks “cells”)"
        dialog.rejected.setChecked(False)
        boxes.append((dialog.rejected.text(), dialog.rejected.isChecked()))
        tick(dialog, "tif")

    answer(user, leave_out)
    user.window.save()
    user.wait_idle()
    assert boxes == [("Include 2 cells that you rejected", False)]
    assert user.message.endswith(" 2 cells that you rejected were left out.")
    labels = image.masks.array
    # Numbers in the file have no gaps; the list beside it says which cell is which.
    expected, _, _ = relabel_sequential(np.where(np.isin(labels, (2, 3)), 0, labels))
    np.testing.assert_array_equal(tifffile.imread(masks), expected)
    user.window.saver.ask_if_exists = lambda *_: "replace"
    answer(user, lambda d: d.rejected.setChecked(True))
    user.window.save()
    user.wait_idle()
    np.testing.assert_array_equal(tifffile.imread(masks), labels)


@pytest.mark.slow
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


@pytest.mark.slow
def test_what_is_drawn_after_saving_is_not_in_the_file(user, cells, tmp_path):
    user.open(cells("a.tif"))
    image = user.run()
    before = image.masks.array.copy()
    user.window.session.project.writer.flush(60)
    gate = threading.Event()
    user.window.services.io_jobs.start(Job("Waiting", lambda _: gate.wait(60)))
    user.window.saver.save([image], ["tif"], tmp_path)
    user.window.tools.edits.delete([3])
    gate.set()
    user.wait_idle()
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a_cp_masks.tif"), before)
    assert 3 not in image.masks.array
    saved = image.masks.array
    user.window.tools.edits.delete([4])
    assert image.masks.array is saved


@pytest.mark.slow
def test_formats_for_planes_are_written_for_the_planes_among_stacks(
    user, cells, tmp_path
):
    paths = cells("plane.tif"), cells("stack.tif", (3, 32, 32), "ZYX")
    for path in paths:
        masks = np.zeros(tifffile.imread(path).shape, np.uint16)
        masks[..., 2:9, 2:9] = 1
        tifffile.imwrite(path.with_name(f"{path.stem}_masks.tif"), masks)
    images = user.open(*paths)
    seen = []

    def fill(dialog):
        box = dialog.findChild(QCheckBox, "save_png")
        seen.append((box.isEnabled(), box.toolTip()))
        tick(dialog, "png", "ome-tiff")

    answer(user, fill)
    user.window.saver.ask_and_save(images)
    user.wait_idle()
    ((enabled, tip),) = seen
    assert enabled
    assert "Not for all of these images: it holds one plane" in tip
    assert sorted(p.name for p in tmp_path.glob("*cp_masks*")) == [
        "plane.ome_cp_masks.tif",
        "plane_cp_masks.png",
        "stack.ome_cp_masks.tif",
    ]
    assert "stack_cp_masks.png could not be saved: it holds one plane" in user.message
