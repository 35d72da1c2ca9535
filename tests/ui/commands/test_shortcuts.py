"""The shortcut editor: what it lists, and shortcuts that the user changes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QApplication,
    QComboBox,
    QLineEdit,
    QMenu,
    QMenuBar,
    QSpinBox,
    QTreeWidgetItem,
    QWidget,
)

from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.settings import Settings
from cellpose_studio.ui.commands.command import Command, fill
from cellpose_studio.ui.commands.gestures import Trigger
from cellpose_studio.ui.commands.reasons import NO_AXIS
from cellpose_studio.ui.commands.shortcut_editor import ShortcutEditor
from cellpose_studio.ui.commands.shortcuts import Shortcuts
from tests.ui.mouse import Mouse

LEFT = Qt.MouseButton.LeftButton
ESCAPE = Qt.Key.Key_Escape


@pytest.fixture
def sheet(user, qtbot):
    """Return the editor that the key "?" opens."""
    user.window.menus.actions["keys"].trigger()
    [sheet] = user.window.findChildren(ShortcutEditor)
    user.wait_for(sheet.isActiveWindow)
    yield sheet
    sheet.window().close()


def parts_of(keys: QKeySequence) -> tuple[Qt.Key, Qt.KeyboardModifier]:
    """Return the first key of a sequence, and what is held with it."""
    first = keys[0]
    if not isinstance(first, int):
        return first.key(), first.keyboardModifiers()
    mask = int(Qt.KeyboardModifier.KeyboardModifierMask)
    return Qt.Key(first & ~mask), Qt.KeyboardModifiers(first & mask)


def item(sheet, words: str) -> QTreeWidgetItem:
    flags = Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive
    [found] = sheet.tree.findItems(words, flags)
    return found


def press(user, qtbot, key: Qt.Key) -> None:
    """Press a key in the window, after a click on it."""
    user.window.activateWindow()
    user.wait_for(user.window.isActiveWindow)
    qtbot.keyClick(user.window, key)


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
    press(user, qtbot, Qt.Key.Key_B)
    assert user.window.tools.mode == "select"
    press(user, qtbot, Qt.Key.Key_G)
    assert user.window.tools.mode == "brush"
    assert user.window.services.settings.keys["brush"] == ["G"]
    assert "Shortcut: G." in user.window.curate.tools.buttons["brush"].toolTip()


def test_a_key_that_is_taken_is_said_and_then_moved(user, sheet, qtbot):
    sheet.tree.setCurrentItem(item(sheet, "Brush"))
    qtbot.keyClick(sheet.edit, Qt.Key.Key_S)
    assert sheet.note.text() == "S is assigned to “Split”."
    qtbot.mouseClick(sheet.assign, LEFT)
    assert item(sheet, "Split").text(1) == ""
    press(user, qtbot, Qt.Key.Key_S)
    assert user.window.tools.mode == "brush"
    sheet.tree.setCurrentItem(item(sheet, "Split"))
    qtbot.mouseClick(sheet.reset, LEFT)
    assert (item(sheet, "Split").text(1), item(sheet, "Brush").text(1)) == ("S", "B")


def test_a_command_can_be_without_a_key_and_all_can_be_reset(user, sheet, qtbot):
    sheet.tree.setCurrentItem(item(sheet, "Redo"))
    qtbot.mouseClick(sheet.none, LEFT)
    assert item(sheet, "Redo").text(1) == ""
    assert user.window.services.settings.keys["redo"] == []
    qtbot.mouseClick(sheet.reset_all, LEFT)
    assert item(sheet, "Redo").text(1) == "Ctrl+Shift+Z or Ctrl+Y"
    assert "redo" not in user.window.services.settings.keys


@pytest.mark.slow
def test_a_gesture_is_changed_in_the_sheet_and_acts(user, sheet, qtbot, cells):
    window, effect = user.window, "Delete the cell"
    sheet.tree.setCurrentItem(item(sheet, effect))
    sheet.gesture.checks["Ctrl"].setChecked(False)
    sheet.gesture.checks["Alt"].setChecked(True)
    assert sheet.note.text() == (
        "Alt+click is the gesture of “Merge the cell with the chosen one” already. "
        "Change that one first, or choose another."
    )
    assert not sheet.assign.isEnabled()
    sheet.gesture.checks["Alt"].setChecked(False)
    sheet.gesture.checks["Shift"].setChecked(True)
    qtbot.mouseClick(sheet.assign, LEFT)
    assert item(sheet, effect).text(1) == "Shift+click"
    assert item(sheet, "Draw a lasso around cells to delete").text(1) == "Shift+drag"
    assert window.services.settings.gestures == {"delete": "Shift+left"}
    tip = window.curate.tools.buttons["select"].toolTip()
    assert "Shift+click to delete it" in tip
    image = user.open(cells("a.tif"))[0]
    labels = np.zeros(image.source.label_shape, "u4")
    labels[4:20, 4:20], labels[30:50, 30:50] = 1, 2
    masks = LabelSet(name="cells", pixels=LabelImage(labels), origin="a test", cells=2)
    window.session.replace_masks(image, masks, "Import")
    user.wait_idle()
    mouse, held = Mouse(window), Qt.KeyboardModifier
    mouse.click((10, 10), held.ControlModifier)
    assert image.masks.cells == 2
    mouse.click((10, 10), held.ShiftModifier)
    assert image.masks.cells == 1
    sheet.tree.setCurrentItem(item(sheet, effect))
    qtbot.mouseClick(sheet.reset, LEFT)
    mouse.click((40, 40), held.ControlModifier)
    assert image.masks.cells == 0
    # The tools and the outline follow their gestures, too.
    gestures = window.tools.gestures
    gestures.set("outline", Trigger.parse("Shift+right"))
    gestures.set("useTool", Trigger.parse("right"))
    window.tools.take("brush")
    mouse.drag([(10, 10), (10, 20)])
    assert image.masks.cells == 0
    mouse.drag([(10, 10), (10, 20)], Qt.MouseButton.RightButton)
    assert image.masks.cells == 1
    assert window.session.undo_text == "Brush"


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


def test_the_sheet_is_opened_once(user, sheet):
    assert not sheet.isHidden()
    user.window.activateWindow()
    user.window.menus.actions["keys"].trigger()
    assert user.window.findChildren(ShortcutEditor) == [sheet]
    user.wait_for(sheet.isActiveWindow)


FIRST = {"undo": "Ctrl+Z", "redo": "Ctrl+Shift+Z; Ctrl+Y", "brush": "B", "split": "S"}
GIVEN = ("", "B", "S", "G", "Ctrl+Z", "Ctrl+Y")


@pytest.fixture
def menu(qtbot):
    menu = QMenu()
    qtbot.addWidget(menu)
    return menu


def keys_of(menu, settings: Settings) -> Shortcuts:
    commands = [Command(name, name, print, key=key) for name, key in FIRST.items()]
    return Shortcuts(fill(menu, commands, menu), settings)


@pytest.fixture
def kept(tmp_path):
    return tmp_path / "keys.json"


@pytest.fixture
def keys(menu, kept):
    return keys_of(menu, Settings.load(kept))


def test_a_command_gets_its_first_key_back_and_so_does_the_one_that_had_it(keys):
    keys.set("brush", QKeySequence("Ctrl+Z"))
    assert (keys.text("undo"), keys.text("brush")) == ("", "Ctrl+Z")
    keys.reset("undo")
    assert (keys.text("undo"), keys.text("brush")) == ("Ctrl+Z", "B")
    keys.set("brush", QKeySequence("Ctrl+Y"))
    keys.set("redo", QKeySequence("B"))
    keys.reset("brush")
    assert keys.text("brush") == "B"
    assert keys.text("redo") == "Ctrl+Shift+Z or Ctrl+Y"


def test_a_key_taken_from_a_command_gives_it_its_first_one(keys):
    keys.set("brush", QKeySequence("G"))
    keys.set("split", QKeySequence("G"))
    assert (keys.text("brush"), keys.text("split")) == ("B", "G")


def test_a_first_key_that_was_given_away_is_not_taken_back(menu, tmp_path):
    settings = Settings.load(tmp_path / "keys.json")
    settings.set_keys("brush", ["Ctrl+Y"])
    keys = keys_of(menu, settings)
    assert (keys.text("brush"), keys.text("redo")) == ("Ctrl+Y", "Ctrl+Shift+Z")


@pytest.mark.slow
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(sorted(FIRST)), st.sampled_from([None, *GIVEN])),
        max_size=12,
    )
)
def test_no_key_calls_two_commands_whatever_is_set_and_reset(keys, menu, kept, steps):
    keys.reset_all()
    first = {name: keys.text(name) for name in FIRST}
    for name, key in steps:
        if key is None:
            keys.reset(name)
            assert keys.text(name) == first[name]
        else:
            keys.set(name, QKeySequence(key))
            assert keys.text(name) == key
        shown = [k.toString() for a in keys.actions.values() for k in a.shortcuts()]
        assert len(shown) == len(set(shown))
        again = keys_of(menu, Settings.load(kept))
        assert all(again.text(name) == keys.text(name) for name in FIRST)
    keys.reset_all()
    assert {name: keys.text(name) for name in FIRST} == first


def menus_of(menu: QMenu | QMenuBar) -> Iterator[QMenu | QMenuBar]:
    yield menu
    for action in menu.actions():
        if action.menu() is not None:
            yield from menus_of(action.menu())


def test_no_letter_is_given_twice_in_a_menu(user):
    for menu in menus_of(user.window.menuBar()):
        shown = [action.text() for action in menu.actions()]
        letters = [
            text[text.index("&") + 1].lower()
            for text in (text.replace("&&", "") for text in shown)
            if "&" in text
        ]
        assert len(letters) == len(set(letters)), shown


@pytest.fixture
def stack(user, cells):
    """Return the entry of a stack with two cells, the first of which is chosen."""
    [image] = user.open(cells("stack.tif", (5, 64, 64), "ZYX"))
    labels = np.zeros((5, 64, 64), "u4")
    labels[:, 4:20, 4:20], labels[:, 30:50, 30:50] = 1, 2
    masks = LabelSet(name="cells", pixels=LabelImage(labels), origin="a test", cells=2)
    user.window.session.replace_masks(image, masks, "Import")
    user.wait_idle()
    user.window.tabs.setCurrentWidget(user.window.curate)
    user.wait_idle()
    user.window.selection.select(1)
    return image


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "modifier"),
    [
        (Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_Enter, Qt.KeyboardModifier.KeypadModifier),
    ],
)
def test_both_enter_keys_accept(user, stack, key, modifier):
    QTest.keyClick(user.window, key, modifier)
    assert stack.statuses["cells"][1] == "accepted"


def field(user, kind: type[QWidget]) -> QWidget:
    """Return a field in the window that has the focus, with a text in it."""
    found = kind(user.window)
    found.show()
    if kind is QSpinBox:
        found.setRange(0, 1000)
        found.setValue(50)
    else:
        found.setText("a text")
    found.setFocus()
    user.wait_for(found.hasFocus)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", [QSpinBox, QLineEdit])
def test_keys_that_edit_text_do_nothing_else_while_a_field_has_the_focus(
    user, stack, kind
):
    window = user.window
    window.canvas.set_planes({"Z": 2})
    widget = field(user, kind)
    called = []
    for name, action in window.menus.actions.items():
        action.triggered.connect(lambda *_, name=name: called.append(name))
    modifiers = Qt.KeyboardModifier
    keypad = modifiers.KeypadModifier
    for key in (
        *(Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Home, Qt.Key.Key_Return),
        *(Qt.Key.Key_Enter, Qt.Key.Key_Delete, Qt.Key.Key_Backspace, Qt.Key.Key_3),
        *(Qt.Key.Key_Question, Qt.Key.Key_Comma, Qt.Key.Key_Period, Qt.Key.Key_B),
    ):
        for held in (modifiers.NoModifier, modifiers.ShiftModifier, keypad):
            QTest.keyClick(widget, key, held)
    control = modifiers.ControlModifier
    for key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Home):
        QTest.keyClick(widget, key, control)
        QTest.keyClick(widget, key, control | modifiers.ShiftModifier)
    for key in (Qt.Key.Key_Z, Qt.Key.Key_Y):
        QTest.keyClick(widget, key, control)
    for action in window.menus.actions.values():
        for shortcut in action.shortcuts():
            key, held = parts_of(shortcut)
            # Esc and F1 mean the same everywhere.
            everywhere = key in (ESCAPE, Qt.Key.Key_F1)
            if not held & (control | modifiers.AltModifier) and not everywhere:
                QTest.keyClick(widget, key, held)
    QApplication.processEvents()
    assert called == []
    assert window.canvas.planes["Z"] == 2
    assert window.session.undo_text == "Import"


@pytest.mark.slow
def test_page_up_moves_a_number(user, stack):
    box = field(user, QSpinBox)
    QTest.keyClick(box, Qt.Key.Key_PageUp)
    assert box.value() == 60


@pytest.mark.slow
def test_keys_with_control_act_while_a_field_has_the_focus(user, stack):
    box = field(user, QSpinBox)
    QTest.keyClick(box, Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier)
    assert user.window.session.shown is None


@pytest.mark.slow
def test_keys_act_on_the_open_list_of_a_combo_box_alone(user, stack):
    window = user.window
    called = []
    for name, action in window.menus.actions.items():
        action.triggered.connect(lambda *_, name=name: called.append(name))
    box = QComboBox(window)
    box.addItems(["first", "second"])
    box.show()
    box.showPopup()
    opened = box.view()
    user.wait_for(opened.hasFocus)
    for key in (Qt.Key.Key_B, Qt.Key.Key_Home, Qt.Key.Key_Down, Qt.Key.Key_Return):
        QTest.keyClick(opened, key)
    assert called == []
    assert box.currentText() == "second"
    assert stack.statuses == {}


@pytest.mark.slow
def test_a_list_has_the_keys_that_go_far_in_it(user, cells):
    images = user.open(*(cells(f"{name}.tif") for name in "abc"))
    view, session = user.window.images.view, user.window.session
    view.setFocus()
    # Home shows the whole image, and the keys of pages change planes, but not here.
    for key, n in (("End", 2), ("Home", 0), ("PageDown", 2), ("PageUp", 0)):
        QTest.keyClick(view, getattr(Qt.Key, f"Key_{key}"))
        user.wait_for(lambda n=n: session.shown is images[n])
    action = user.window.menus.actions["planeUp"]
    assert (action.isEnabled(), action.toolTip()) == (False, NO_AXIS["Z"])
