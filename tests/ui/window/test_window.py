"""The window itself: menus, keys, messages, models, and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QLabel, QLineEdit, QMenu

from cellpose_studio.app.jobs import Job
from cellpose_studio.app.project.scratch import new_unnamed
from cellpose_studio.app.settings import Settings
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.ui.window.main_window import MainWindow
from tests.waiting import LONG


def shown_colours(user):
    """Return how opaque the fill and the outlines of cells are."""
    table = user.window.canvas.model.layers["cells"].colormap.colors
    return float(table[1, 3]), float(table[129, 3])


def test_the_menus_hold_every_command_once(window):
    bar = window.menuBar()
    titles = [action.text().replace("&", "") for action in bar.actions()]
    assert " ".join(titles) == "File Edit View Segment Curate Measure Train Help"
    menus = bar.findChildren(QMenu)
    texts = [a.text() for menu in menus for a in menu.actions() if a.text()]
    assert len(texts) == len(set(texts))


def test_an_image_opens_while_code_is_compiled_ahead(user, cells):
    window, compiled = user.window, threading.Event()
    jobs = window.services.warm_up_jobs
    jobs.start(Job("Compiling", lambda _: compiled.wait(LONG)))
    window.warm_up()
    window.open([cells("a.tif")])
    user.wait_for(lambda: window.session.shown is not None)
    first, *others = (job.title for job in jobs.jobs)
    assert (first, set(others)) == ("Compiling", {"Warming up"})
    compiled.set()
    user.wait_idle()
    assert window.status.device.text()


@pytest.mark.slow
def test_x_and_z_switch_masks_and_outlines(user, cells, qtbot):
    user.open(cells("a.tif"))
    user.run()
    assert shown_colours(user) == pytest.approx((0.4, 1.0))
    qtbot.keyClick(user.window, Qt.Key.Key_X)
    assert shown_colours(user) == pytest.approx((0.0, 1.0))
    qtbot.keyClick(user.window, Qt.Key.Key_Z)
    assert shown_colours(user) == (0.0, 0.0)
    qtbot.keyClick(user.window, Qt.Key.Key_X)
    assert shown_colours(user) == pytest.approx((0.4, 0.4))


@pytest.mark.slow
def test_cells_are_seen_on_the_screen(user, cells, qtbot):
    user.open(cells("a.tif"))
    viewer = user.window.canvas.widget
    before = viewer.screenshot(flash=False)
    user.run()
    after = viewer.screenshot(flash=False)
    coloured = np.ptp(after[..., :3].astype(int), axis=-1) > 60
    assert np.ptp(before[..., :3].astype(int), axis=-1).max() <= 60
    assert coloured.mean() > 0.02


@pytest.mark.slow
def test_a_key_does_nothing_while_text_is_written(user, cells, qtbot):
    user.open(cells("a.tif"), cells("b.tif"))
    user.run()
    before = shown_colours(user), user.window.session.shown
    field = user.window.images.filter
    field.setFocus()
    qtbot.keyClicks(field, "xzda")
    assert field.text() == "xzda"
    assert (shown_colours(user), user.window.session.shown) == before


def test_a_and_d_go_through_the_images(user, cells, qtbot):
    first, second = user.open(cells("a.tif"), cells("b.tif"))
    session = user.window.session
    user.window.canvas.widget.setFocus()
    qtbot.keyClick(user.window, Qt.Key.Key_D)
    assert session.shown is second
    qtbot.keyClick(user.window, Qt.Key.Key_D)
    assert session.shown is second
    qtbot.keyClick(user.window, Qt.Key.Key_A)
    assert session.shown is first


@pytest.mark.slow
def test_page_keys_go_through_the_planes(user, cells, qtbot):
    user.open(cells("stack.tif", (5, 64, 64), "ZYX"))
    dims = user.window.canvas.model.dims
    assert dims.axis_labels == ("Z", "Y", "X")
    assert dims.current_step[0] == 2
    qtbot.keyClick(user.window, Qt.Key.Key_PageUp)
    assert dims.current_step[0] == 3
    for _ in range(9):
        qtbot.keyClick(user.window, Qt.Key.Key_PageDown)
    assert dims.current_step[0] == 0


def test_the_filter_shortens_the_list(user, cells, qtbot):
    user.open(cells("apple.tif"), cells("pear.tif"))
    qtbot.keyClicks(user.window.images.filter, "PEA")
    view = user.window.images.view.model()
    assert [view.index(n, 0).data() for n in range(view.rowCount())] == ["pear.tif"]


@pytest.mark.slow
def test_nothing_is_cut_off_on_a_small_screen(user, cells, tmp_path):
    bad = tmp_path / ("a long name that goes on and on " * 4 + ".tif")
    bad.write_bytes(b"no image")
    stack = cells(
        "another long name of a stack of planes " * 3 + ".tif", (5, 64, 64), "ZYX"
    )
    user.open(stack, bad)
    user.run()
    window = user.window
    assert window.minimumSizeHint().width() <= 1350
    assert window.minimumSizeHint().height() <= 720
    panel = window.segment
    window.resizeDocks(window.panels[-1:], [1], Qt.Orientation.Horizontal)
    user.wait_idle()
    for box in filter(QAbstractSpinBox.isVisible, panel.findChildren(QAbstractSpinBox)):
        line = box.findChild(QLineEdit)
        assert line.fontMetrics().horizontalAdvance(line.text()) < line.width(), box
    assert panel.widget().minimumSizeHint().width() <= panel.viewport().width()


def test_what_is_unexpected_is_shown_with_its_details(user, qtbot):
    try:
        raise ValueError("the moon is full")
    except ValueError as error:
        user.window.services.show_error(error)
    assert "the moon is full" in user.message
    assert user.window.services.messages.details.isVisible()
    qtbot.mouseClick(user.window.services.messages.dismiss, Qt.MouseButton.LeftButton)
    assert user.message == ""


@pytest.mark.slow
def test_a_weight_file_becomes_a_model(user, cells, tmp_path):
    copy = tmp_path / "my_model"
    # Other bytes, or it would be known as the model that ships.
    import torch

    weights = torch.load(shipped()[0].path, weights_only=True)
    torch.save({name: value.clone() for name, value in weights.items()}, copy)
    user.window.models.add(copy)
    user.wait_idle()
    panel = user.window.segment.model
    assert panel.combo.currentText() == "my_model"
    assert user.window.services.settings.model_files == [copy]
    user.open(cells("a.tif"))
    assert user.run().masks.record.model.path == str(copy)


def test_a_file_that_is_no_model_is_refused(user, tmp_path):
    path = tmp_path / "letter"
    path.write_text("Dear Sir")
    before = user.window.segment.model.combo.count()
    user.window.models.add(path)
    user.wait_idle()
    assert "letter" in user.message
    assert user.window.segment.model.combo.count() == before
    assert user.window.services.settings.model_files == []


@pytest.mark.slow
def test_channels_of_the_image_are_offered_by_name(user, shared_data):
    user.open(shared_data / "formats/ht29_3ch.ome.tif")
    panel = user.window.segment.model
    combo = panel.channel_combos()[0]
    texts = [combo.itemText(n) for n in range(combo.count())]
    assert texts[:3] == ["DNA", "PH3", "cellbody"]


def test_the_theme_can_be_light(user):
    dark = user.window.grab().toImage().pixelColor(400, 8).lightness()
    user.window.menus.actions["light"].trigger()
    light = user.window.grab().toImage().pixelColor(400, 8).lightness()
    assert dark < 80 < 180 < light
    assert user.window.services.settings.theme == "light"


def test_the_arrangement_is_remembered(user, tmp_path):
    user.window.resize(1200, 700)
    user.window.panels[0].hide()
    user.window.close()
    again = MainWindow(Settings.load(tmp_path / "settings.json"), new_unnamed())
    again.show()
    assert (again.width(), again.height()) == (1200, 700)
    assert not again.panels[0].isVisible()
    again.close()


def test_the_step_of_a_job_with_a_long_name_is_read_to_its_end(user):
    done = threading.Event()

    def work(checkpoint):
        checkpoint.reached(0, 256, "tile")
        assert done.wait(LONG)

    text = user.window.jobs.text
    user.window.services.gpu_jobs.start(Job("Segmenting " + "a_long_name" * 20, work))
    user.wait_for(lambda: "tile" in text.text())
    shown = QLabel.text(text)
    done.set()
    assert shown.endswith(": tile 0 of 256")
    # napari's style sheet has a padding of 2 to 4 px on each side.
    assert text.fontMetrics().horizontalAdvance(shown) <= text.width() - 8


@pytest.mark.slow
def test_closing_stops_what_runs(user, cells):
    user.open(cells("large.tif", (1600, 1600)))
    user.window.segment.parameters.main.set_values({"diameter": 20.0})
    user.click_run()
    user.wait_for(lambda: "tile" in user.window.jobs.text.text())
    user.window.close()
    assert not user.window.isVisible()
    assert user.window.services.gpu_jobs.jobs == ()


_START = """
import sys, threading, time
from cellpose_studio.__main__ import main

def close_when_shown():
    # Qt 6 takes the thread that loads it first for that of the windows.
    while "cellpose.vit" not in sys.modules:
        time.sleep(0.05)
    from qtpy.QtCore import QObject, QTimer, Qt, Signal
    from qtpy.QtWidgets import QApplication

    # Widgets may be touched in the thread of the windows only.
    class Closer(QObject):
        asked = Signal()

        def close(self):
            for window in QApplication.instance().topLevelWidgets():
                if hasattr(window, "session") and window.session.shown:
                    print(window.session.shown.source.name)
                    window.close()
                    return
            QTimer.singleShot(50, self.close)

    closer = Closer()
    closer.moveToThread(QApplication.instance().thread())
    closer.asked.connect(closer.close, Qt.ConnectionType.QueuedConnection)
    closer.asked.emit()
    threading.Event().wait()

threading.Thread(target=close_when_shown, daemon=True).start()
sys.exit(main(["--sample"]))
"""


@pytest.mark.slow
def test_the_program_starts_and_ends(tmp_path):
    """All the way: arguments, window, sample, warm-up, end; napari's settings stay."""
    user_config = tmp_path / "config"
    environment = os.environ | {
        "CELLPOSE_STUDIO_HOME": str(tmp_path / "studio"),
        "XDG_CONFIG_HOME": str(user_config),
        "HOME": str(tmp_path),
    }
    environment.pop("NAPARI_CONFIG")
    done = subprocess.run(
        [sys.executable, "-c", _START],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "nuclei.tif\n"
    assert not list(user_config.rglob("*napari*"))
    assert (tmp_path / "studio/config/settings.json").is_file()


@pytest.mark.slow
def test_the_window_needs_neither_torch_nor_cellpose_to_open():
    code = (
        "import sys, cellpose_studio.ui.window.main_window\n"
        "print({'torch', 'cellpose', 'skimage.io'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
    assert Path(shipped()[0].path).is_file()


@pytest.mark.slow
def test_automatic_anisotropy_is_shown(user, cells):
    user.open(cells("stack.tif", (5, 64, 64), "ZYX"))
    stack = user.window.segment.parameters.stack
    assert stack.values()["anisotropy"] is None
    assert stack.widget_of("anisotropy").findChild(QDoubleSpinBox).value() == 2.0
