"""Check boxes and buttons that follow the commands of the menus."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractButton, QCheckBox, QToolButton

from cellpose_studio.ui.commands.command import QAction


def check_box(text: str) -> QCheckBox:
    """Return a check box that leaves the keys to the canvas when it is clicked."""
    box = QCheckBox(text)
    box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return box


def tool_button(text: str, checkable: bool) -> QToolButton:
    """Return a button that leaves the keys to the canvas when it is clicked."""
    button = QToolButton(text=text, checkable=checkable, objectName="viewButton")
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


def follow(
    buttons: Mapping[str, QAbstractButton], actions: Mapping[str, QAction]
) -> None:
    """Let buttons do what the actions of the same names do, and show their state."""
    for name, button in buttons.items():
        action = actions[name]
        if not action.isCheckable():
            button.clicked.connect(lambda _=False, action=action: action.trigger())
            continue
        button.setChecked(action.isChecked())
        action.toggled.connect(button.setChecked)
        button.clicked.connect(action.setChecked)
