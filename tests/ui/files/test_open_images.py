"""Opening: files, folders, masks beside images, and what cannot be opened."""

from __future__ import annotations

from html import unescape

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication, QDialogButtonBox, QMenu

from cellpose_studio.ui.files.dialogs import AxesDialog
from cellpose_studio.ui.images.model import CELLS
from tests.vendor_samples import write_lif


def drop(user, *paths):
    """Drop files on the window, as a file manager does."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    how = (
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(user.window, QDragEnterEvent(QPoint(50, 50), *how))
    QApplication.sendEvent(user.window, QDropEvent(QPointF(50, 50), *how))
    user.wait_idle()


def names(user):
    """Return what the image list shows."""
    view = user.window.images.view.model()
    return [view.index(row, 0).data() for row in range(view.rowCount())]


def layers(user):
    return [layer.name for layer in user.window.canvas.model.layers]


def answer(user, choose):
    """Answer the next question about axes by ``choose``, which gets the dialog."""
    asked = []

    def look():
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, AxesDialog):
            timer.stop()
            asked.append(dialog)
            choose(dialog)

    timer = QTimer(user.window, interval=20)
    timer.timeout.connect(look)
    timer.start()
    return asked


def accept(dialog):
    dialog.findChild(QDialogButtonBox).button(
        QDialogButtonBox.StandardButton.Ok
    ).click()


def test_a_dropped_image_is_shown(user, cells):
    drop(user, cells("a.tif"))
    assert names(user) == ["a.tif"]
    assert layers(user) == ["a.tif"]
    layer = user.window.canvas.model.layers[0]
    np.testing.assert_allclose(layer.scale, (0.25, 0.25))
    np.testing.assert_array_equal(
        np.asarray(layer.data), tifffile.imread(user.window.session.shown.source.path)
    )
    assert user.window.windowTitle() == "a.tif - Cellpose Studio"


@pytest.mark.slow
def test_a_dropped_folder_pairs_images_with_their_masks(user, cells, tmp_path):
    folder = cells("a.tif").parent
    cells("b.tif")
    masks = np.zeros((96, 128), np.uint16)
    masks[10:20, 10:20] = 1
    masks[40:60, 40:60] = 2
    tifffile.imwrite(folder / "a_masks.tif", masks)
    tifffile.imwrite(folder / "b_cp_masks.tif", masks)
    for derived in ("a_flows.tif", "a_outlines_cp_masks.png", "a_cp_outlines.txt"):
        (folder / derived).write_bytes(b"x")
    drop(user, folder)
    a, b = user.window.session.images
    assert names(user) == ["a.tif", "b.tif"]
    rows = user.window.images.filtered
    assert [rows.index(row, 0).data(CELLS) for row in range(2)] == [2, 2]
    assert (list(a.label_sets), list(b.label_sets)) == (["masks"], ["cp_masks"])
    np.testing.assert_array_equal(a.masks.array, masks)
    assert layers(user) == ["a.tif", "masks"]
    slider = user.window.segment.result.sliders["flow_threshold"]
    assert not slider.isEnabled()
    assert "needs a run" in slider.toolTip()


@pytest.mark.slow
def test_a_bare_stack_is_asked_about(user, tmp_path):
    path = tmp_path / "bare.tif"
    tifffile.imwrite(path, np.zeros((7, 40, 50), np.uint8), photometric="minisblack")
    asked = answer(user, accept)
    drop(user, path)
    user.wait_for(lambda: bool(user.window.session.images))
    assert asked[0].choice.currentData() == "ZYX"
    assert user.window.session.shown.source.shape == (1, 1, 7, 40, 50)


@pytest.mark.slow
def test_the_answer_about_axes_decides(user, tmp_path):
    paths = [tmp_path / "one.tif", tmp_path / "two.tif"]
    for path in paths:
        tifffile.imwrite(
            path, np.zeros((7, 40, 50), np.uint8), photometric="minisblack"
        )

    def say_time(dialog):
        assert "7 × 40 × 50" in dialog.text.text()
        dialog.choice.setCurrentIndex(dialog.choice.findData("TYX"))
        accept(dialog)

    asked = answer(user, say_time)
    drop(user, *paths)
    user.wait_for(lambda: len(user.window.session.images) == 2)
    assert len(asked) == 1  # "the same for all files of this shape" is ticked
    shapes = {image.source.shape for image in user.window.session.images}
    assert shapes == {(7, 1, 1, 40, 50)}


def test_no_answer_about_axes_opens_nothing(user, tmp_path):
    path = tmp_path / "bare.tif"
    tifffile.imwrite(path, np.zeros((7, 40, 50), np.uint8), photometric="minisblack")
    asked = answer(user, lambda dialog: dialog.reject())
    drop(user, path)
    user.wait_for(lambda: bool(asked))
    user.wait_idle()
    assert tuple(user.window.session.images) == ()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("broken.tif", b"II*\0 and then nonsense"),
        ("empty.png", b""),
        ("text.txt", b"hello"),
        ("a <i>&lt;b.tif", b"nothing"),
        ("scan.czi", b"ZISRAWFILE"),
    ],
)
def test_what_cannot_be_opened_is_said_and_changes_nothing(
    user, cells, tmp_path, name, content
):
    user.open(cells("a.tif"))
    path = tmp_path / name
    path.write_bytes(content)
    drop(user, path)
    assert name in unescape(user.message)
    assert names(user) == ["a.tif"]
    assert layers(user) == ["a.tif"]


@pytest.mark.slow
def test_the_images_of_a_dropped_microscope_file_are_listed(user, tmp_path):
    write_lif(tmp_path / "a.lif")
    drop(user, tmp_path / "a.lif")
    assert names(user) == ["a.lif [one]", "a.lif [two]"]
    assert layers(user) == ["Green", "Magenta"]


@pytest.mark.slow
def test_one_broken_file_does_not_keep_others_out(user, cells, tmp_path):
    broken = tmp_path / "broken.tif"
    broken.write_bytes(b"II*\0 and then nonsense")
    drop(user, broken, cells("a.tif"))
    assert names(user) == ["a.tif"]
    assert "broken.tif" in user.message


@pytest.mark.slow
def test_what_a_folder_holds_besides_images_is_said(user, cells, qtbot):
    folder = cells("a.tif").parent / "day"
    folder.mkdir()
    cells("day/a.tif")
    for name in ("b.vsi", "c.vsi", "notes.docx"):
        (folder / name).write_bytes(b"x")
    drop(user, folder)
    assert names(user) == ["a.tif"]
    assert user.message == (
        "3 files left out: 2 × .vsi (not supported; export as OME-TIFF), 1 × .docx."
    )
    bar = user.window.services.messages
    assert "b.vsi" in bar._details
    assert bar.details.isVisible()
    (folder / "broken.tif").write_bytes(b"II*\0 and then nonsense")
    drop(user, folder)
    assert "broken.tif is damaged" in user.message
    assert "files could not be opened" not in user.message
    assert "notes.docx" in bar._details
    assert bar._details.count("× .docx") == 1


@pytest.mark.slow
def test_a_file_that_went_away_is_said(user, cells):
    path = cells("a.tif")
    user.open(path, cells("b.tif"))
    first, second = user.window.session.images
    user.window.session.show(second.source.key)
    path.unlink()
    user.window.session.show(first.source.key)
    assert "a.tif" in user.message


@pytest.mark.slow
def test_channels_and_colours_are_shown_as_such(user, tmp_path):
    several = tmp_path / "several.tif"
    tifffile.imwrite(
        several,
        np.zeros((2, 40, 50), np.uint16),
        imagej=True,
        metadata={"axes": "CYX", "Labels": ["DAPI", "GFP"]},
    )
    colour = tmp_path / "colour.tif"
    tifffile.imwrite(colour, np.zeros((40, 50, 3), np.uint8), photometric="rgb")
    user.open(several)
    assert len(layers(user)) == 2
    user.open(colour)
    user.window.session.step(1)
    assert layers(user) == ["colour.tif"]
    assert user.window.canvas.model.layers[0].rgb


@pytest.mark.slow
def test_recent_files_open_again(user, cells):
    user.open(cells("a.tif"))
    user.window.close_image()
    assert tuple(user.window.session.images) == ()
    menu: QMenu = user.window.menus.recent
    assert [action.text() for action in menu.actions()] == ["a.tif"]
    menu.actions()[0].trigger()
    user.wait_idle()
    assert names(user) == ["a.tif"]


@pytest.mark.slow
def test_the_sample_opens_from_the_empty_window(user, qtbot):
    assert user.window.welcome.isVisible()
    qtbot.mouseClick(user.window.welcome.button, Qt.MouseButton.LeftButton)
    user.wait_idle()
    assert names(user) == ["nuclei.tif"]
    assert not user.window.welcome.isVisible()


@pytest.mark.slow
def test_real_images_open(user, shared_data):
    for path in (
        "2d_nuclei_fluo/nuc_0b0d57.tif",
        "2d_nuclei_histology/histo_00ae65.tif",
        "3d_nuclei_mouse_embryo/mouse_embryo_16cell.tif",
        "formats/mouse_embryo_16cell_v04.ome.zarr",
        "formats/mouse_embryo_16cell_v05.ome.zarr",
        "formats/ht29_3ch.ome.tif",
    ):
        user.open(shared_data / path)
        assert user.message == ""
        image = user.window.session.images[-1]
        user.window.session.show(image.source.key)
        assert user.window.canvas.model.layers
