"""Published models in the browser, downloaded from a real server on loopback."""

from __future__ import annotations

import pytest
import torch
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QDialogButtonBox

from cellpose_studio.app.settings import Settings
from cellpose_studio.engine.networks.unet import UNet
from cellpose_studio.engine.networks.weights import save_weights
from cellpose_studio.io.storage import room_text
from tests.io.support.downloads.file_servers import FileServer, server

OK = QDialogButtonBox.StandardButton.Ok


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CELLPOSE_LOCAL_MODELS_PATH", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A server of weights that the test makes."""
    torch.manual_seed(3)
    save_weights(UNet((2, 4, 8)), tmp_path / "served")
    served = FileServer({"CPx": (tmp_path / "served").read_bytes()})
    with server(served) as (address, _):
        monkeypatch.setenv("CELLPOSE_STUDIO_MODELS_URL", address)
        yield served


@pytest.fixture
def browser(user):
    user.window.segment.model.show_browser()
    found = user.window.segment.model.browser
    user.window.downloads.confirm = lambda *_: True
    user.window.downloads.confirm_deletion = lambda *_: True
    yield found
    found.reject()


def rows(browser):
    listed = browser.published.list
    return [listed.item(n).text() for n in range(listed.count())]


def wait_end(browser, qtbot):
    qtbot.waitUntil(lambda: not browser.downloading)


def test_a_model_is_downloaded_and_used(user, browser, files, folder, qtbot):
    panel = user.window.segment.model
    asked = []
    user.window.downloads.confirm = lambda model, _: asked.append(model) or True
    browser.published.choose("CPx")
    assert "Not on this computer" in browser.card.toPlainText()
    assert "for non-commercial use only" in browser.card.toPlainText()
    assert not browser.buttons.button(OK).isEnabled()
    qtbot.mouseClick(browser.download, Qt.MouseButton.LeftButton)
    wait_end(browser, qtbot)
    user.wait_idle()
    assert [model.name for model in asked] == ["CPx"]
    assert (folder / "CPx").read_bytes() == files.files["CPx"]
    assert "✓ CPx" in rows(browser)
    assert panel.combo.currentText() == "CPx"
    assert panel.model.licence == asked[0].licence


@pytest.mark.slow
def test_without_agreement_nothing_is_downloaded(user, browser, files, folder):
    user.window.downloads.confirm = lambda *_: False
    browser.published.choose("CPx")
    browser.download.click()
    assert files.asked == []
    assert not folder.exists()


@pytest.mark.slow
def test_a_download_is_cancelled_and_goes_on_later(browser, files, folder, qtbot):
    files.stall_after = 500
    browser.published.choose("CPx")
    browser.download.click()
    part = folder / ".CPx.part"
    qtbot.waitUntil(lambda: part.exists() and part.stat().st_size == 500)
    assert browser.progress.isVisible()
    assert browser.download.text() == "Cancel download"
    browser.download.click()
    wait_end(browser, qtbot)
    assert not browser.progress.isVisible()
    assert part.stat().st_size == 500
    files.stall_after = None
    browser.download.click()
    wait_end(browser, qtbot)
    assert files.asked[-1][1] == "bytes=500-"
    assert (folder / "CPx").read_bytes() == files.files["CPx"]


@pytest.mark.slow
def test_an_installed_model_is_used_and_deleted(user, browser, files, folder, qtbot):
    panel = user.window.segment.model
    folder.mkdir()
    (folder / "CPx").write_bytes(files.files["CPx"])
    user.window.downloads.refresh()
    browser.published.choose("CPx")
    assert not browser.download.isEnabled()
    browser.buttons.button(OK).click()
    user.wait_idle()
    assert panel.combo.currentText() == "CPx"
    panel.show_browser()
    browser.published.choose("CPx")
    browser.delete.click()
    user.wait_idle()
    assert not (folder / "CPx").exists()
    assert "CPx" not in [model.name for model in panel.models]
    assert "CPx" in rows(browser)
    assert "CPx was deleted" in user.message


@pytest.mark.slow
def test_what_does_not_run_here_says_why_and_a_filter_finds_it(browser):
    browser.published.filter.setText("noise")
    listed = browser.published.list
    shown = [
        listed.item(n).text()
        for n in range(listed.count())
        if not listed.item(n).isHidden()
    ]
    assert "denoise_cyto3" in shown
    assert "cyto3" not in shown
    browser.published.choose("denoise_cyto3")
    assert "It finds no cells" in browser.card.toPlainText()
    assert browser.download.isEnabled()
    assert not browser.buttons.button(OK).isEnabled()
    browser.published.filter.setText("transformer")
    browser.published.choose("transformer_cp3")
    assert "transformer_cp3 " in browser.card.toPlainText()
    assert not browser.download.isEnabled()
    assert not browser.buttons.button(OK).isEnabled()


@pytest.fixture
def own_file(tmp_path):
    torch.manual_seed(8)
    save_weights(UNet((2, 4, 8)), tmp_path / "mine")
    return tmp_path / "mine"


def drop(widget, path):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    where = QPointF(widget.rect().center())
    at = where if hasattr(QDropEvent, "position") else where.toPoint()
    actions, none = Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    event = QDropEvent(at, actions, data, Qt.MouseButton.LeftButton, none)
    widget.dropEvent(event)


@pytest.mark.slow
@pytest.mark.parametrize("onto", ["window", "browser"])
def test_a_dropped_weight_file_becomes_a_model(user, own_file, onto):
    panel = user.window.segment.model
    drop(user.window if onto == "window" else panel.browser, own_file)
    user.wait_idle()
    assert panel.combo.currentText() == "mine"
    assert not user.message


@pytest.mark.slow
def test_a_model_of_a_file_is_renamed_and_removed_but_its_file_stays(
    user, browser, own_file
):
    window, panel = user.window, user.window.segment.model
    window.models.add(own_file)
    user.wait_idle()
    assert browser.list.currentItem().text() == "mine"
    window.models.rename(panel.model, "Yeast of Tuesday")
    assert browser.list.currentItem().text() == "Yeast of Tuesday"
    assert panel.combo.currentText() == "Yeast of Tuesday"
    settings = window.services.settings
    stored = Settings.load(settings._file)
    assert stored.model_titles == {str(own_file): "Yeast of Tuesday"}
    window.models.add(own_file)
    user.wait_idle()
    assert panel.combo.currentText() == "Yeast of Tuesday"
    browser.list.setCurrentRow(panel.combo.currentIndex())
    browser.remove.click()
    assert "Yeast of Tuesday" not in [model.label for model in panel.models]
    stored = Settings.load(settings._file)
    assert (stored.model_files, stored.model_titles) == ([], {})
    assert own_file.exists()
    # The shipped ones cannot be removed.
    browser.list.setCurrentRow(0)
    assert not browser.remove.isEnabled()
    assert not browser.rename.isEnabled()


@pytest.mark.slow
def test_the_start_page_leads_to_the_newest_model(user, qtbot):
    qtbot.mouseClick(user.window.welcome.models, Qt.MouseButton.LeftButton)
    browser = user.window.segment.model.browser
    qtbot.waitUntil(browser.isActiveWindow)
    qtbot.waitUntil(lambda: browser.published.chosen is not None)
    model = browser.published.chosen
    assert model.title.startswith("Cellpose-SAM")
    assert (
        f"Cellpose-SAM ({room_text(model.size)})" in user.window.welcome.models.text()
    )
    assert browser.chosen == -1
    browser.reject()
