"""The whole window by keyboard, by its names, and with large letters."""

from __future__ import annotations

from datetime import datetime

import pytest
from qtpy.QtCore import QPoint, QSize
from qtpy.QtWidgets import QApplication, QDialog, QMenu

from cellpose_studio.app.project.known_projects import ProjectSummary
from cellpose_studio.ui.window.welcome.offers import Offer
from tests.ui.controls import cut_off, focusable, out_of_order, wrong_with

SIZE = QSize(1366, 768)

OPENED_BY = (
    "save",
    "figure",
    "imageSizes",
    "experiment",
    "exportMeasurements",
    "measureColumns",
    "searchParameters",
    "cluster",
    "models",
    "keys",
    "palette",
    "storage",
    "about",
    "updates",
)
"""Commands that open a dialog."""


@pytest.fixture
def opened(user):
    """Return the window with the sample project, all of whose tabs were shown."""
    window = user.window
    window.files.open_sample_project()
    user.wait_for(lambda: window.session.shown is not None)
    user.wait_for(lambda: window.session.shown.masks.pixels.loaded)
    user.wait_idle()
    window.resize(SIZE)
    for n in range(window.tabs.count()):
        window.tabs.setCurrentIndex(n)
        user.wait_idle()
    return window


def look_at_dialogs(window, monkeypatch, user, look):
    """Call ``look`` with the name of a command and the dialog that it opens, each."""
    name, seen = "", []

    def see(dialog):
        # What arrives first may change the layout.
        for _ in range(3):
            QApplication.processEvents()
        seen.append(name)
        look(name, dialog)

    def instead_of_exec(dialog):
        dialog.show()
        see(dialog)
        dialog.hide()
        return QDialog.DialogCode.Rejected

    monkeypatch.setattr(QDialog, "exec", instead_of_exec)
    window.tabs.setCurrentWidget(window.measure)
    user.wait_idle()
    for name in OPENED_BY:
        window.menus.actions[name].trigger()
        user.wait_idle()
        tops = QApplication.topLevelWidgets()
        for one in [x for x in tops if isinstance(x, QDialog) and x.isVisible()]:
            see(one)
            one.close()
    assert seen == list(OPENED_BY)


@pytest.mark.slow
def test_each_control_has_a_name_a_tooltip_and_its_place(opened, user, monkeypatch):
    wrong = wrong_with(opened)
    for n in range(opened.tabs.count()):
        opened.tabs.setCurrentIndex(n)
        wrong += out_of_order(opened.tabs.currentWidget())
    for dock in opened.panels:
        wrong += out_of_order(dock.widget())

    def look(name, dialog):
        both = [*wrong_with(dialog), *out_of_order(dialog)]
        wrong.extend(f"{name}: {one}" for one in both)

    look_at_dialogs(opened, monkeypatch, user, look)
    assert not wrong, "\n".join(sorted(set(wrong)))


@pytest.mark.slow
def test_no_two_entries_of_a_menu_have_the_same_letter(opened):
    def letter(text):
        text = text.replace("&&", "")
        at = text.find("&")
        return text[at + 1].casefold() if at >= 0 else ""

    for menu in opened.menuBar().findChildren(QMenu):
        letters = [letter(action.text()) for action in menu.actions()]
        known = [one for one in letters if one]
        assert len(known) == len(set(known)), (menu.title(), sorted(known))


@pytest.mark.slow
def test_what_has_the_keyboard_is_seen(opened):
    wrong, seen = [], 0
    for n in range(opened.tabs.count()):
        opened.tabs.setCurrentIndex(n)
        QApplication.processEvents()
        for one in focusable(opened):
            if not one.isVisible() or not one.isEnabled():
                continue
            opened.setFocus()
            QApplication.processEvents()
            box = one.rect().translated(one.mapTo(opened, QPoint(0, 0)))
            before = opened.grab(box).toImage()
            one.setFocus()
            QApplication.processEvents()
            seen += 1
            if before == opened.grab(box).toImage():
                wrong.append(f"{type(one).__name__}#{one.objectName()}")
    assert seen > 60
    assert not wrong


@pytest.mark.slow
def test_the_start_page_fits_with_large_letters(user, tmp_path):
    window, settings = user.window, user.window.services.settings
    window.resize(SIZE)
    project = ProjectSummary(
        path=tmp_path / "all_the_fields_of_the_second_plate.cpstudio",
        changed=datetime(2027, 2, 28, 22, 58),
        images=1200,
    )
    offers = [Offer(project=project, picture=None)]
    window.welcome.offer(offers, offers)
    settings.text_size = 150
    try:
        assert window.welcome.isVisible()
        # The layout takes some turns to settle.
        user.wait_for(lambda: not cut_off(window))
    finally:
        settings.text_size = 100


@pytest.mark.slow
@pytest.mark.parametrize("percent", [100, 150])
def test_nothing_is_cut_off(opened, user, monkeypatch, percent):
    settings = opened.services.settings
    settings.text_size = percent
    try:
        opened.resize(SIZE)
        QApplication.processEvents()
        wrong = []
        if opened.width() > SIZE.width() or opened.height() > SIZE.height():
            wrong.append(f"the window: {opened.width()} × {opened.height()}")
        for n in range(opened.tabs.count()):
            opened.tabs.setCurrentIndex(n)
            user.wait_idle()
            QApplication.processEvents()
            wrong += [f"{opened.tabs.tabText(n)}: {one}" for one in cut_off(opened)]

        def look(name, dialog):
            if dialog.height() > SIZE.height() or dialog.width() > SIZE.width():
                wrong.append(f"{name}: {dialog.width()} × {dialog.height()}")
            wrong.extend(f"{name}: {one}" for one in cut_off(dialog))

        look_at_dialogs(opened, monkeypatch, user, look)
        assert not wrong, "\n".join(sorted(set(wrong)))
    finally:
        settings.text_size = 100
