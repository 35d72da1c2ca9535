"""The command palette, with the keyboard."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from cellpose_studio.ui.commands.palette import CommandPalette
from cellpose_studio.ui.commands.search import Entry, found

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def palette(user, qtbot):
    """Open the palette with its key; it closes with Escape."""

    def shown() -> list[CommandPalette]:
        found = user.window.findChildren(CommandPalette)
        return [one for one in found if one.isVisible()]

    def opened() -> CommandPalette:
        # A window is not active at once, nor again when a palette has closed.
        user.window.activateWindow()
        user.wait_for(lambda: QApplication.activeWindow() is user.window)
        qtbot.keyClick(user.window, Qt.Key.Key_P, CONTROL | SHIFT)
        user.wait_for(lambda: bool(shown()))
        [one] = shown()
        return one

    return opened


def texts(palette) -> list[str]:
    tree = palette.list
    return [tree.topLevelItem(n).text(0) for n in range(tree.topLevelItemCount())]


def test_words_find_a_command_and_enter_calls_it(user, qtbot, cells, palette):
    user.open(cells("a.tif", (64, 64)))
    display = user.window.menus.actions["outlines"]
    was = display.isChecked()
    first = palette()
    assert len(texts(first)) == len(user.window.menus.actions)
    qtbot.keyClicks(first.field, "outlines")
    chosen = first.list.currentItem()
    assert chosen.text(2) == "Z"
    text = chosen.text(0)
    qtbot.keyClick(first.field, Qt.Key.Key_Return)
    user.wait_for(lambda: display.isChecked() != was)
    again = palette()
    assert texts(again)[0] == text, "the command called last comes first"
    qtbot.keyClick(again.field, Qt.Key.Key_Escape)
    assert not again.isVisible()


def test_a_command_that_cannot_be_called_says_why_and_stays(user, qtbot, palette):
    shown = palette()
    qtbot.keyClicks(shown.field, "delete selected")
    assert shown.note.text() == "No masks yet. Run a model, or draw some cells."
    qtbot.keyClick(shown.field, Qt.Key.Key_Return)
    assert shown.isVisible()
    qtbot.keyClicks(shown.field, " xyzzy")
    assert texts(shown) == []
    assert shown.note.text().startswith("No command has these words.")
    qtbot.keyClick(shown.field, Qt.Key.Key_Return)
    qtbot.keyClick(shown.field, Qt.Key.Key_Escape)
    assert not shown.isVisible()


def test_up_and_down_move_in_the_list(qtbot, palette):
    shown = palette()
    qtbot.keyClick(shown.field, Qt.Key.Key_Down)
    qtbot.keyClick(shown.field, Qt.Key.Key_Down)
    assert shown.list.currentItem() is shown.list.topLevelItem(2)
    qtbot.keyClick(shown.field, Qt.Key.Key_Up)
    assert shown.list.currentItem() is shown.list.topLevelItem(1)
    qtbot.keyClick(shown.field, Qt.Key.Key_Escape)


def entry(name: str, text: str, tip: str = "", menu: str = "File") -> Entry:
    return Entry(name=name, text=text, menu=menu, keys="", tip=tip)


def test_words_in_the_text_come_before_those_in_the_tip():
    entries = [
        entry("a", "Export", tip="Writes masks."),
        entry("b", "Show the masks"),
        entry("c", "Masks on and off"),
        entry("d", "Unmasks nothing"),
    ]
    assert [one.name for one in found(entries, "masks", [])] == ["c", "b", "d", "a"]
    assert [one.name for one in found(entries, "masks", ["a", "b"])][-1] == "a"
    assert [one.name for one in found(entries, "", ["b"])] == ["b", "a", "c", "d"]
    assert [one.name for one in found(entries, "file mask", [])]
    assert found(entries, "mask nowhere", []) == []


def test_commands_that_can_be_called_come_first_among_equals():
    first, second = entry("a", "Delete cell"), entry("b", "Delete masks")
    assert found([replace(first, enabled=False), second], "delete", []) == [
        second,
        replace(first, enabled=False),
    ]


@given(st.lists(st.text(max_size=8), max_size=6), st.text(max_size=6))
def test_what_is_found_has_all_words(titles, words):
    entries = [entry(str(n), title) for n, title in enumerate(titles)]
    names = [one.name for one in found(entries, words, [])]
    fits = [
        one.name
        for one in entries
        if all(
            w in f"{one.text.lower()} {one.menu.lower()}" for w in words.lower().split()
        )
    ]
    assert sorted(names) == sorted(fits)
