"""The preferences: one window, pages by keys, settings that act at once."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from qtpy.QtCore import QLocale, Qt
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QWidget

from cellpose_studio.app.settings import RECENT, Settings
from cellpose_studio.engine import device as engine_device
from cellpose_studio.engine.device import CPU, Device
from cellpose_studio.engine.networks.network import Network
from cellpose_studio.io.support.log import NAME, clear_logs
from cellpose_studio.ui.measure.table.model import number_text
from cellpose_studio.ui.window.preferences.dialog import PreferencesDialog

LEFT = Qt.MouseButton.LeftButton
PAGES = ["Compute", "Files and folders", "Display", "Keys", "Numbers", "Privacy"]


@pytest.fixture
def dialog(user, qtbot):
    """The preferences, as their key opens them."""
    user.wait_for(user.window.isActiveWindow)
    qtbot.keyClick(user.window, Qt.Key.Key_Comma, Qt.KeyboardModifier.ControlModifier)
    [dialog] = user.window.findChildren(PreferencesDialog)
    user.wait_for(dialog.isActiveWindow)
    user.wait_idle()
    yield dialog
    dialog.close()


def choose(combo, value) -> None:
    combo.setCurrentIndex(combo.findData(value))


@pytest.mark.slow
def test_pages_are_reached_by_keys_and_found_by_words(user, dialog, qtbot):
    pages = dialog.list
    assert [pages.item(n).text() for n in range(pages.count())] == PAGES
    assert dialog.focusWidget() is pages
    for n in range(1, len(PAGES)):
        qtbot.keyClick(pages, Qt.Key.Key_Down)
        assert dialog.stack.currentIndex() == n
    qtbot.keyClick(dialog, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert dialog.focusWidget() is dialog.search
    qtbot.keyClicks(dialog.search, "opacity")
    assert [n for n in range(len(PAGES)) if not pages.item(n).isHidden()] == [2]
    assert pages.currentRow() == 2
    dialog.search.setText("flux capacitor")
    assert dialog.nothing.isVisible()
    dialog.search.clear()
    assert not any(pages.item(n).isHidden() for n in range(len(PAGES)))
    # Each command shows its page in the same window.
    for command, row in (("keys", 3), ("storage", 1), ("cluster", 0)):
        user.window.menus.actions[command].trigger()
        assert pages.currentRow() == row
    assert user.window.findChildren(PreferencesDialog) == [dialog]
    # Every control has a name for screen readers, and explains itself.
    for name in ("compute", "display", "numbers"):
        for setting in dialog.page(name)._names:
            for widget in dialog.page(name).findChildren(QWidget, setting):
                assert widget.accessibleName()
                assert widget.toolTip()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


@pytest.mark.slow
def test_the_display_follows_at_once_and_a_page_can_be_reset(user, dialog, cells):
    window = user.window
    settings, page = window.services.settings, dialog.page("display")
    user.open(cells("a.tif"))

    def ground() -> int:
        return window.grab().toImage().pixelColor(400, 8).lightness()

    assert ground() < 80
    choose(page.theme, "light")
    assert ground() > 180
    assert window.menus.actions["light"].isChecked()
    assert window.canvas.model.theme == "light"
    page.opacity.setValue(70)
    assert window.display.masks.opacity.value() == 70
    page.outlined.click()
    assert not window.menus.actions["outlines"].isChecked()
    page.scale_bar.click()
    assert not window.canvas.model.canvas.overlays.scale_bar.visible
    height = window.segment.fontMetrics().height()
    choose(page.text_size, 150)
    try:
        # Qt 6 passes a font on with the next events.
        user.wait_for(lambda: window.segment.fontMetrics().height() > 1.3 * height)
        dialog.show_page("display")
        dialog.reset.click()
    finally:
        settings.text_size = 100
    user.wait_for(lambda: window.segment.fontMetrics().height() == height)
    assert window.display.masks.opacity.value() == 40
    assert window.menus.actions["outlines"].isChecked()
    assert settings.theme == "system"
    assert not page.is_changed
    # What was chosen is what the next start begins with.
    settings.mask_opacity = 70
    assert Settings.load(settings._file).mask_opacity == 70


@pytest.mark.slow
def test_numbers_are_written_as_chosen(user, dialog):
    page, before = dialog.page("numbers"), QLocale()
    try:
        choose(page.point, ",")
        box = user.window.segment.parameters.main.widget_of("diameter").parent()
        assert number_text(12345.67, 2) == "12345,67"
        page.grouped.click()
        assert number_text(12345.67, 2) == "12.345,67"
        assert box.locale().decimalPoint() in (",", QLocale("de_DE").decimalPoint())
        choose(page.csv, "semicolon")
        assert page.sample.text() == (
            "Shown: 12.345,67. Copied: 12345,67. In CSV files: 12345,67 between "
            "semicolons."
        )
        choose(page.point, ".")
        assert number_text(12345.67, 2) == "12,345.67"
    finally:
        QLocale.setDefault(before)


@pytest.mark.slow
def test_recent_files_are_forgotten_and_not_remembered_any_more(user, dialog, cells):
    settings, page = user.window.services.settings, dialog.page("privacy")
    path = cells("a.tif")
    user.open(path)
    assert settings.recent == [path]
    page.keep_recent.click()
    assert not any(getattr(settings, name) for name in RECENT)
    user.open(cells("b.tif"))
    assert settings.recent == []


def test_the_log_is_cleared(tmp_path):
    for name in (NAME, f"{NAME}.1", "other"):
        (tmp_path / name).write_text("a failure")
    assert clear_logs(tmp_path) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


@pytest.mark.slow
def test_a_run_uses_the_device_and_the_threads_that_were_chosen(
    user, dialog, cells, monkeypatch
):
    used = []
    start = Network.start

    def with_little_memory(network, tiles):
        used.append((network.device.title, torch.get_num_threads()))
        if network.device == little:
            raise RuntimeError("MPS backend out of memory (MPS allocated: 1 GB).")
        return start(network, tiles)

    # torch takes "cpu:0" for the processor, too.
    little = Device("cpu:0", "Little GPU")
    monkeypatch.setattr(Network, "start", with_little_memory)
    monkeypatch.setattr(engine_device, "available_devices", lambda: [CPU, little])
    page = dialog.page("compute")
    page.refresh()
    user.wait_idle()
    assert "Little GPU: " in page.memory.text()
    choose(page.device, "cpu:0")
    page.threads.setValue(1)
    user.open(cells("a.tif"))
    record = user.run().masks.record
    assert used[0] == ("Little GPU", 1)
    note = "Little GPU had too little memory, so the CPU was used."
    assert (record.device, record.notes) == ("cpu", (note,))
    assert user.message == note
    # A device that is there no more is no reason to fail.
    monkeypatch.setattr(engine_device, "available_devices", lambda: [CPU])
    record = user.run().masks.record
    assert record.notes == ("This computer has no device cpu:0. CPU was used.",)
    page.refresh()
    user.wait_idle()
    assert "not found" in page.device.currentText()


@pytest.mark.slow
def test_a_device_is_tested_against_the_cpu(user, dialog, qtbot, monkeypatch):
    page = dialog.page("compute")
    qtbot.mouseClick(page.test, LEFT)
    user.wait_idle()
    said = page.result.text()
    assert said.startswith("CPU gives the same as the CPU.")
    assert "Largest difference of flows: " in said
    assert "0.00% of pixels differ" in said
    # One that computes nonsense is found out.
    wrong = Device("cpu:0", "Wrong GPU")
    start = Network.start

    def nonsense(network, tiles):
        return (
            (lambda: start(network, tiles)() + 1)
            if network.device == wrong
            else (start(network, tiles))
        )

    monkeypatch.setattr(Network, "start", nonsense)
    monkeypatch.setattr(engine_device, "available_devices", lambda: [wrong, CPU])
    user.window.services.settings.device = "cpu:0"
    qtbot.mouseClick(page.test, LEFT)
    user.wait_idle()
    assert page.result.text().startswith("Wrong GPU differs from the CPU.")
    assert "choose the CPU" in page.result.text()


@pytest.mark.slow
def test_the_guide_and_the_palette_lead_there(user, dialog, qtbot, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "cellpose_studio.ui.window.preferences.dialog.open_page",
        lambda page: asked.append(page) or "There is no browser.",
    )
    qtbot.keyClick(dialog, Qt.Key.Key_F1)
    [page] = asked
    assert (Path(__file__).parents[4] / "docs" / f"{page}.md").is_file()
    assert dialog.rule.text() == "There is no browser."
    record = user.window.menus._commands.records["preferences"]
    assert record.plain_text == "Preferences"
    assert QGuiApplication.focusWindow() is not None
