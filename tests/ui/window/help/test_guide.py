"""F1 opens the page about the tab."""

from __future__ import annotations

from pathlib import Path

import pytest
from qtpy.QtCore import Qt, QUrl
from qtpy.QtGui import QDesktopServices

import cellpose_studio
from cellpose_studio.ui.widgets.message_bar import DialogNote
from cellpose_studio.ui.window.help.guide import (
    DIALOGS,
    NOT_BUILT,
    PAGES,
    SECTIONS,
    page_about,
)

DOCS = Path(__file__).parents[4] / "docs"
PACKAGE = Path(cellpose_studio.__file__).parent


@pytest.fixture
def opened(monkeypatch):
    """The addresses that the system was asked to open; a test opens no browser."""
    found: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: not found.append(url))
    return found


def test_each_tab_has_a_page(user):
    tabs = user.window.tabs
    titles = [tabs.tabText(n) for n in range(tabs.count())]
    assert sorted(titles) == sorted(PAGES)
    assert [t for t in titles if not (DOCS / f"{page_about(t)}.md").is_file()] == []


def test_sections_with_a_page_of_their_own_have_one():
    pages = [page_about("Measure", title) for title in SECTIONS]
    assert [page for page in pages if not (DOCS / f"{page}.md").is_file()] == []
    assert page_about("Measure", "Cells") == PAGES["Measure"]


def test_each_dialog_has_a_page_and_is_one():
    missing = [page for page in DIALOGS.values() if not (DOCS / f"{page}.md").is_file()]
    assert missing == []
    code = [file.read_text() for file in PACKAGE.rglob("*.py")]
    for name in DIALOGS:
        assert any(f"class {name}(QDialog)" in text for text in code), name


@pytest.mark.slow
def test_f1_in_a_dialog_opens_the_page_about_it(user, qtbot, monkeypatch, opened):
    monkeypatch.setattr(
        "cellpose_studio.ui.window.help.guide.resource", lambda name: Path("/") / name
    )
    user.window.segment.model.show_browser()
    browser = user.window.segment.model.browser
    qtbot.waitUntil(browser.isActiveWindow)
    qtbot.keyClick(browser.list, Qt.Key.Key_F1)
    assert [url.fileName() for url in opened] == ["models.html"]

    def not_built(name: str) -> Path:
        raise FileNotFoundError(name)

    monkeypatch.setattr("cellpose_studio.ui.window.help.guide.resource", not_built)
    qtbot.keyClick(browser.list, Qt.Key.Key_F1)
    (note,) = browser.findChildren(DialogNote)
    assert note.isVisible()
    assert note.text.text() == NOT_BUILT
    browser.reject()
    assert NOT_BUILT in user.message


def test_f1_opens_the_page_about_the_tab(user, qtbot, monkeypatch, opened, tmp_path):
    page = tmp_path / "guide/correcting.html"
    page.parent.mkdir()
    page.touch()

    def built(name: str) -> Path:
        if not (tmp_path / name).exists():
            raise FileNotFoundError(name)
        return tmp_path / name

    monkeypatch.setattr("cellpose_studio.ui.window.help.guide.resource", built)
    user.window.tabs.setCurrentWidget(user.window.curate)
    qtbot.keyClick(user.window, Qt.Key.Key_F1)
    assert [url.toLocalFile() for url in opened] == [str(page)]
    page.unlink()
    qtbot.keyClick(user.window, Qt.Key.Key_F1)
    assert len(opened) == 1
    assert NOT_BUILT in user.message
