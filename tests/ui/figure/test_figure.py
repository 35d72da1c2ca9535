"""Figures as files: what is in them, read by other means."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import QTimer
from qtpy.QtGui import QColor, QImage
from qtpy.QtWidgets import QApplication, QDialogButtonBox

from cellpose_studio.app.session.classes import add_class, put_into_class
from cellpose_studio.core.display.figure import FigureOptions
from cellpose_studio.core.errors import ImageUnreadable
from cellpose_studio.ui.figure.dialog import FigureDialog
from cellpose_studio.ui.figure.making import make_figure

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def two(user, tmp_path):
    """Return an image of 0.5 µm pixels with two squares of 20 × 20, 3 and 7."""
    labels = np.zeros((80, 100), np.uint16)
    labels[10:30, 10:30] = 3
    labels[40:60, 60:80] = 7
    about = {"resolution": (2, 2), "imagej": True, "metadata": {"unit": "um"}}
    tifffile.imwrite(tmp_path / "a.tif", np.full((80, 100), 90, np.uint8), **about)
    tifffile.imwrite(tmp_path / "a_masks.tif", labels)
    user.open(tmp_path / "a.tif")
    user.wait_for(lambda: user.window.session.shown.masks is not None)
    user.wait_idle()
    return user.window.session.shown


def export(user, image, path: Path, **options) -> Path:
    figures = user.window.figures
    figures.export(figures.scene(image), FigureOptions(**options), path)
    user.wait_idle()
    return path


def colour(image: QImage, x: int, y: int) -> tuple[int, int, int]:
    return image.pixelColor(x, y).getRgb()[:3]


@pytest.mark.slow
def test_a_png_has_outlines_at_the_edges_and_a_bar_of_its_length(user, two, tmp_path):
    path = export(
        user, two, tmp_path / "f.png", scale=4, line_colour="#ff0000", bar_length=10
    )
    assert "Saved f.png" in user.message
    image = QImage(str(path))
    assert (image.width(), image.height()) == (400, 320)
    assert abs(image.dotsPerMeterX() - 300 / 0.0254) < 1
    assert image.text("Title") == "a.tif: 2 cells, from a_masks.tif"
    # Cell 3 begins at pixel 10, on the line; inside and outside there is only grey.
    assert colour(image, 40, 80) == (255, 0, 0)
    inside = colour(image, 60, 80)
    assert len(set(inside)) == 1
    # 10 µm are 20 pixels of the image, and 80 of the figure.
    white = [
        sum(colour(image, x, y) == (255, 255, 255) for x in range(400))
        for y in range(250, 320)
    ]
    assert 80 in white


def test_cells_are_filled_with_the_colours_of_the_canvas(user, two, tmp_path):
    path = export(user, two, tmp_path / "f.png", fill=True, outlines=False, bar=False)
    image = QImage(str(path))
    assert len(set(colour(image, 50, 20))) == 1
    assert len(set(colour(image, 20, 20))) > 1
    assert colour(image, 20, 20) != colour(image, 70, 50)


@pytest.mark.slow
def test_an_svg_has_a_path_for_each_cell_and_text(user, two, tmp_path):
    user.window.cell_text.choose("cell")
    path = export(user, two, tmp_path / "f.svg", scale=2, words=True)
    root = ET.parse(path).getroot()
    paths = root.findall(f".//{SVG}path")
    assert [shape.get("id") for shape in paths] == ["cell-3", "cell-7"]
    corners = set(re.findall(r"[\d.]+,[\d.]+", paths[0].get("d")))
    assert corners == {"20,20", "60,20", "60,60", "20,60"}
    assert [shape.find(f"{SVG}title").text for shape in paths] == ["Cell 3", "Cell 7"]
    words = root.find(f"{SVG}g[@id='words']")
    assert [text.text for text in words] == ["3", "7", "10 µm"]
    bar = root.find(f"{SVG}rect[@id='scale-bar']")
    assert float(bar.get("width")) == 40
    assert root.find(f"{SVG}title").text.startswith("a.tif: 2 cells")


@pytest.mark.slow
def test_a_pdf_has_a_page_of_its_size(user, two, tmp_path):
    path = export(user, two, tmp_path / "f.pdf", scale=8, dpi=200)
    content = path.read_bytes()
    assert content.startswith(b"%PDF-")
    box = re.search(rb"/MediaBox \[\s*0 0 ([\d.]+) ([\d.]+)", content)
    width, height = (float(side) / 72 * 200 for side in box.groups())
    assert (width, height) == pytest.approx((800, 640), abs=3)


@pytest.mark.slow
def test_what_is_in_view_alone(user, two, tmp_path):
    camera = user.window.canvas.model.scene.camera
    camera.zoom *= 4
    camera.center = (10, 10)  # µm: the middle of cell 3
    part = user.window.canvas.camera.part_in_view()
    path = export(user, two, tmp_path / "f.svg", whole=False, bar=False)
    root = ET.parse(path).getroot()
    rows, columns = part
    size = f"0 0 {columns.stop - columns.start} {rows.stop - rows.start}"
    assert root.get("viewBox") == size
    assert len(root.findall(f".//{SVG}path")) == 1


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_a_failure_says_why_and_leaves_nothing(user, two, tmp_path, ending):
    export(user, two, tmp_path / "none" / f"f.{ending}")
    assert f"f.{ending} could not be saved: there is no such folder." in user.message
    assert not (tmp_path / "none").exists()
    (tmp_path / f"f.{ending}").mkdir()
    export(user, two, tmp_path / f"f.{ending}")
    assert "there is a folder of that name" in user.message
    assert not list(tmp_path.glob(".saving-*"))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full disk")
def test_a_pdf_for_which_there_is_no_room_says_so(user, two, tmp_path, monkeypatch):
    opened = Path.open

    def full(path, *mode, **more):
        small = path.suffix == ".pdf" and mode == ("wb",)
        return opened(Path("/dev/full") if small else path, *mode, **more)

    monkeypatch.setattr(Path, "open", full)
    export(user, two, tmp_path / "f.pdf")
    assert "f.pdf could not be saved: the disk is full." in user.message
    assert not list(tmp_path.glob("*f.pdf"))


@pytest.fixture
def dialog(user, two):
    """Return the dialog of a figure of ``two``, which is 1200 × 960 pixels large."""
    scene = user.window.figures.scene(two)
    options = FigureOptions(scale=12, line_colour="#ff0000")
    made = FigureDialog(
        Path("f.png"), options, scene, False, user.window.services.io_jobs
    )
    made.show()
    yield made
    made.reject()
    made.deleteLater()


def drawn(user, dialog) -> None:
    """Wait until nothing is drawn, and nothing is about to be."""
    user.wait_for(lambda: not dialog.preview._timer.isActive())
    user.wait_idle()


def preview(user, dialog) -> QImage:
    """Return the preview that the user sees when nothing is drawn any more."""
    drawn(user, dialog)
    return dialog.preview.pixmap().toImage()


def test_the_dialog_shows_the_figure_in_small(user, dialog):
    seen = preview(user, dialog)
    assert (seen.width(), seen.height()) == (380, 304)
    # One pixel of the image is 3.8 of the preview. The outline of cell 3 is red.
    edge = [colour(seen, x, 76) for x in range(34, 42)]
    assert max(red - green for red, green, _ in edge) > 100
    assert len({*colour(seen, 76, 76)}) == 1
    dialog.outlines.setChecked(False)
    dialog.fill.setChecked(True)
    filled = preview(user, dialog)
    assert len({*colour(filled, 76, 76)}) > 1
    assert max(r - g for r, g, _ in (colour(filled, x, 76) for x in range(34))) < 50


@pytest.mark.slow
def test_a_choice_that_comes_meanwhile_is_the_one_that_is_shown(
    user, dialog, monkeypatch
):
    first = preview(user, dialog)
    going_on = [threading.Event(), threading.Event()]
    waiting = iter(going_on)

    def held(*args):
        next(waiting).wait(60)
        return make_figure(*args)

    monkeypatch.setattr("cellpose_studio.ui.figure.preview.make_figure", held)
    queue = user.window.services.io_jobs
    dialog.bar.setChecked(False)
    user.wait_for(lambda: len(queue.jobs) == 1)
    dialog.fill.setChecked(True)
    user.wait_for(lambda: len(queue.jobs) == 2)
    going_on[0].set()
    user.wait_for(lambda: len(queue.jobs) == 1)
    assert dialog.preview.pixmap().toImage() == first
    going_on[1].set()
    seen = preview(user, dialog)
    assert len({*colour(seen, 76, 76)}) > 1
    assert (255, 255, 255) not in {
        colour(seen, x, y) for x in range(380) for y in range(250, 304)
    }


@pytest.mark.slow
def test_a_preview_says_why_there_is_none(user, two, dialog, monkeypatch):
    def gone(*_):
        raise ImageUnreadable("a.tif has gone.", "Put it back.")

    monkeypatch.setattr("cellpose_studio.ui.figure.preview.make_figure", gone)
    dialog.fill.setChecked(True)
    drawn(user, dialog)
    assert dialog.preview.text() == "a.tif has gone."


@pytest.mark.slow
def test_the_dialog_exports_and_remembers(user, two, tmp_path):
    def answer():
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, FigureDialog)
        seen.append(dialog.size_text.text())
        ok = dialog.buttons.button(QDialogButtonBox.StandardButton.Ok)
        dialog.file.setText(str(tmp_path / "f.gif"))
        seen.append((ok.isEnabled(), dialog.wrong.text()))
        dialog.scale.setValue(2)
        dialog.fill.setChecked(True)
        dialog.file.setText(str(tmp_path / "f.svg"))
        ok.click()

    seen: list[object] = []
    QTimer.singleShot(100, answer)
    user.window.menus.actions["figure"].trigger()
    user.wait_idle()
    assert seen == [
        "1,200 × 960 pixels, 102 × 81 mm",
        (False, "The file name must end in .png, .svg or .pdf."),
    ]
    assert (tmp_path / "f.svg").exists()
    assert user.window.services.settings.figure["fill"] is True
    assert user.window.services.settings.figure_ending == ".svg"


def test_a_figure_has_the_colours_of_classes_and_says_what_they_mean(
    user, two, tmp_path
):
    window, session = user.window, user.window.session
    for cell, name in ((3, "round"), (7, "odd & long")):
        number = add_class(session, name).id
        put_into_class(session, two, [cell], number)
    add_class(session, "unused")
    window.measure.classes.colour()
    content = export(user, two, tmp_path / "f.svg").read_text("utf-8")
    root = ET.fromstring(content)
    legend = next(g for g in root.iter(f"{SVG}g") if g.get("id") == "legend")
    box, *swatches = legend
    texts = {
        text.text: float(text.get("x"))
        for text in root.iter(f"{SVG}text")
        if text.get("text-anchor") == "start" and text.get("fill") == "#ffffff"
    }
    # The keys of classes, which the canvas shows, are left out.
    assert [*texts] == ["round", "odd & long"]
    classes = session.masks.classes.present
    assert [one.get("fill") for one in swatches] == [one.colour for one in classes[:2]]
    outlines = {p.get("id"): p.get("stroke") for p in root.iter(f"{SVG}path")}
    assert outlines == {"cell-3": classes[0].colour, "cell-7": classes[1].colour}
    # All of it lies in the box, and the box in the figure.
    right = float(box.get("x")) + float(box.get("width"))
    assert all(float(box.get("x")) < x < right for x in texts.values())
    path = export(user, two, tmp_path / "f.png", scale=8, fill=True)
    image = QImage(str(path))
    found = {colour(image, x, y) for x in range(0, 300, 3) for y in range(400, 640, 3)}
    assert QColor(classes[0].colour).getRgb()[:3] in found
    assert "legend" not in export(
        user, two, tmp_path / "g.svg", legend=False
    ).read_text("utf-8")
    window.measure.classes._colouring.choose(None)
    assert "legend" not in export(user, two, tmp_path / "h.svg").read_text("utf-8")
