"""The sheet of keys: what it lists, and keys that the user changes."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QTreeWidgetItem

from cellpose_studio.ui.key_sheet import KeySheet

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def sheet(user, qtbot):
    """Return the sheet that the key "?" opens."""
    user.window.menus.actions["keys"].trigger()
    [sheet] = user.window.findChildren(KeySheet)
    qtbot.waitExposed(sheet)
    yield sheet
    sheet.close()


def item(sheet, words: str) -> QTreeWidgetItem:
    flags = Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive
    [found] = sheet.tree.findItems(words, flags)
    return found


def give(sheet, qtbot, words: str, key: Qt.Key) -> None:
    """Choose a command, press a key and click the button."""
    sheet.tree.setCurrentItem(item(sheet, words))
    qtbot.keyClick(sheet.edit, key)
    qtbot.mouseClick(sheet.assign, LEFT)


def test_all_commands_are_listed_once_with_their_keys(user, sheet):
    actions = user.window.menus.actions
    keys = {}
    for n in range(sheet.tree.topLevelItemCount()):
        group = sheet.tree.topLevelItem(n)
        for k in range(group.childCount()):
            row = group.child(k)
            name = row.data(0, Qt.ItemDataRole.UserRole)
            if name:
                assert name not in keys
                keys[name] = row.text(1)
    assert keys.keys() == actions.keys()
    assert keys["brush"] == "B"
    assert keys["redo"] == "Ctrl+Shift+Z or Ctrl+Y"
    assert item(sheet, "Merge the cell with the chosen one").text(1) == "Alt+click"


def test_a_key_can_be_changed_and_is_remembered(user, sheet, qtbot):
    give(sheet, qtbot, "Brush", Qt.Key.Key_G)
    assert item(sheet, "Brush").text(1) == "G"
    qtbot.keyClick(user.window, Qt.Key.Key_B)
    assert user.window.tools.mode == "select"
    qtbot.keyClick(user.window, Qt.Key.Key_G)
    assert user.window.tools.mode == "brush"
    assert user.window.settings.keys("brush") == ["G"]
    assert "Key: G." in user.window.curate.tools.buttons["brush"].toolTip()


def test_a_key_that_is_taken_is_said_and_then_moved(user, sheet, qtbot):
    sheet.tree.setCurrentItem(item(sheet, "Brush"))
    qtbot.keyClick(sheet.edit, Qt.Key.Key_S)
    assert sheet.note.text() == "S is the key of “Split” until now."
    qtbot.mouseClick(sheet.assign, LEFT)
    assert item(sheet, "Split").text(1) == ""
    qtbot.keyClick(user.window, Qt.Key.Key_S)
    assert user.window.tools.mode == "brush"
    sheet.tree.setCurrentItem(item(sheet, "Split"))
    qtbot.mouseClick(sheet.reset, LEFT)
    assert (item(sheet, "Split").text(1), item(sheet, "Brush").text(1)) == ("S", "")


def test_a_command_can_be_without_a_key_and_all_can_be_reset(user, sheet, qtbot):
    sheet.tree.setCurrentItem(item(sheet, "Redo"))
    qtbot.mouseClick(sheet.none, LEFT)
    assert item(sheet, "Redo").text(1) == ""
    assert user.window.settings.keys("redo") == []
    qtbot.mouseClick(sheet.reset_all, LEFT)
    assert item(sheet, "Redo").text(1) == "Ctrl+Shift+Z or Ctrl+Y"
    assert user.window.settings.keys("redo") is None


def test_search_leaves_what_fits(sheet, qtbot):
    qtbot.keyClicks(sheet.search, "plane next")
    shown = [
        group.child(k).text(0)
        for group in map(sheet.tree.topLevelItem, range(sheet.tree.topLevelItemCount()))
        for k in range(group.childCount())
        if not group.isHidden() and not group.child(k).isHidden()
    ]
    assert "Next plane" in shown
    assert all("next" in words.lower() and "plane" in words.lower() for words in shown)
