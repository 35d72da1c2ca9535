"""One record is enough: a tool, a command and an export format made up for a test."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QMenu, QPushButton

from cellpose_studio.cli.main import parser
from cellpose_studio.io.masks.export import save_all
from cellpose_studio.io.masks.export_format import ExportFormat
from cellpose_studio.io.masks.export_formats import FORMATS
from cellpose_studio.ui.commands.command import Command, QAction, push_button
from cellpose_studio.ui.commands.command_set import CommandSet
from cellpose_studio.ui.commands.shortcut_editor import ShortcutEditor
from cellpose_studio.ui.files.export_dialog import ExportDialog
from cellpose_studio.ui.tools.tool import Tool
from cellpose_studio.ui.tools.toolbox import TOOLS, ToolInfo


class Pointing(Tool):
    """Remembers where the mouse went down."""

    pressed: tuple[float, float] | None = None

    def press(self, event):
        self.pressed = event.point
        return True


POINTING = ToolInfo(
    mode="pointing",
    text="Poin&ting",
    key="F6",
    tip="Points at a cell.",
    make=lambda context, _: Pointing(context),
    gestures=(("Shift+click", "Point at the cell"),),
)


@pytest.fixture
def with_tool(monkeypatch):
    """Return a tool that was added before the window is made."""
    monkeypatch.setitem(TOOLS, POINTING.mode, POINTING)
    return POINTING


def rows(sheet: ShortcutEditor) -> list[tuple[str, str]]:
    """Return what the sheet lists, with its keys."""
    tree = sheet.tree
    groups = map(tree.topLevelItem, range(tree.topLevelItemCount()))
    children = [group.child(n) for group in groups for n in range(group.childCount())]
    return [(row.text(0), row.text(1)) for row in children]


def test_a_tool_is_one_record(with_tool, user, qtbot):
    window = user.window
    button = window.curate.tools.buttons["pointing"]
    assert button.text() == "Pointing"
    assert "Points at a cell. Shortcut: F6." in button.toolTip()
    assert window.menus.actions["pointing"].text() == with_tool.text
    window.activateWindow()
    user.wait_for(window.isActiveWindow)
    qtbot.keyClick(window, Qt.Key.Key_F6)
    assert window.tools.mode == "pointing"
    assert isinstance(window.tools.tool, Pointing)
    assert button.isChecked()
    qtbot.keyClick(window, Qt.Key.Key_F6)
    assert window.tools.mode == "select"
    window.menus.actions["keys"].trigger()
    [sheet] = window.findChildren(ShortcutEditor)
    listed = rows(sheet)
    assert ("Pointing", "F6") in listed
    assert ("Point at the cell", "Shift+click") in listed
    sheet.window().close()


def test_a_command_is_one_record(user, qtbot):
    called, why = [], ["Count first."]
    command = Command(
        "count",
        "&Count cells…",
        lambda: called.append("count"),
        key="Ctrl+Shift+C",
        icon="#",
        button="Count",
        tip="Counts <all> cells.",
        detail=lambda: "of two" if not why[0] else "",
        reason_disabled=lambda: why[0],
    )
    menu, button = QMenu(user.window), push_button(command)
    qtbot.addWidget(button)
    commands = CommandSet(user.window)
    commands.add(menu, [command])
    commands.add_buttons({"count": button})
    commands.refresh()
    action = commands.actions["count"]
    assert (action.isEnabled(), action.toolTip()) == (False, "Count first.")
    assert (button.isEnabled(), button.text()) == (False, "#  Count")
    tip = "<qt>Counts &lt;all&gt; cells. Shortcut: Ctrl+Shift+C. Count first.</qt>"
    assert button.toolTip() == tip
    button.click()
    assert called == []
    why[0] = ""
    commands.refresh("count")
    assert action.text() == "&Count cells… of two"
    assert action.toolTip() == "<qt>Counts &lt;all&gt; cells.</qt>"
    assert "Count first" not in button.toolTip()
    button.click()
    action.trigger()
    assert called == ["count", "count"]
    assert command.plain_text == "Count cells"


def test_a_switch_follows_what_it_shows_without_calling_it(qtbot):
    menu, on, called = QMenu(), [True], []
    qtbot.addWidget(menu)
    commands = CommandSet(menu)
    commands.add(
        menu, [Command("on", "On", called.append, checked=lambda: on[0]), None]
    )
    action = commands.actions["on"]
    assert isinstance(action, QAction)
    assert action.isChecked()
    assert called == []
    action.trigger()
    assert called == [False]


def test_every_disabled_command_of_the_menus_says_why(user):
    off = [a for a in user.window.menus.actions.values() if not a.isEnabled()]
    assert {"save", "run", "undo", "accept"} <= {a.objectName() for a in off}
    assert [a.objectName() for a in off if not a.toolTip().endswith(".")] == []


def test_every_button_for_a_command_has_its_state_and_its_key(user):
    window = user.window
    for name, button in window.curate.buttons.items():
        assert isinstance(button, QPushButton)
        assert button.isEnabled() == window.menus.actions[name].isEnabled()
        if keys := window.menus.keys.text(name):
            assert f"Shortcut: {keys}." in button.toolTip()


COUNTS = ExportFormat(
    name="counts",
    ending="_counts.txt",
    text="Numbers of cells (_counts.txt), single planes",
    write=lambda part, masks: part.write_text(f"{masks.count}\n", "ascii"),
    most_axes=2,
    reason_too_many_axes="it holds one plane",
)


@pytest.mark.slow
def test_an_export_format_is_one_record(user, cells, tmp_path, monkeypatch):
    monkeypatch.setitem(FORMATS, COUNTS.name, COUNTS)
    options = parser().parse_args(["segment", "a.tif", "--save", "counts"])
    assert options.save == ["counts"]
    user.open(cells("a.tif"))
    image, stack = user.open(cells("stack.tif", (3, 64, 64), "ZYX"))
    dialog = ExportDialog([image], ["counts"], "", user.window)
    check = dialog.findChild(QCheckBox, "save_counts")
    assert (check.text(), dialog.kinds) == (COUNTS.text, ["counts"])
    of_stack = ExportDialog([stack], ["counts"], "", user.window)
    assert not of_stack.findChild(QCheckBox, "save_counts").isEnabled()
    labels = np.zeros(image.source.label_shape, np.uint32)
    labels[2:5, 2:5], labels[8:9, 8:9] = 1, 7
    [path, table] = save_all(
        tmp_path / "a", labels, None, dialog.kinds, image=image.source
    )
    assert (path.name, path.read_text()) == ("a_counts.txt", "2\n")
    assert table.name == "a_cp_masks_ids.csv"
