"""A command as one record, which menus, buttons and the key sheet read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from html import escape
from pathlib import Path

from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QMenu, QPushButton, QWidget

try:  # Qt 6
    from qtpy.QtGui import QAction
except ImportError:  # Qt 5
    from qtpy.QtWidgets import QAction

__all__ = [
    "Command",
    "QAction",
    "fill",
    "fill_recent",
    "native_keys",
    "push_button",
    "rich",
    "show_state",
]


def _never() -> str:
    return ""


@dataclass(frozen=True)
class Command:
    """One thing that the user can do.

    Attributes
    ----------
    name
        Of its action; the settings remember a changed key under it.
    text
        In the menu, with the letter to press after an ampersand.
    call
        Called without arguments; with whether it is on, if ``checked`` is given.
    key
        As Qt writes keys, "; " between several; "" for none.
    icon
        A sign before the text of its button; "" for none.
    button
        The text of its button, where it is shorter than that of the menu.
    tip
        What it does, in a sentence; "" where the text says it all.
    detail
        Returns what it would act on, which follows the text in the menu.
    reason_disabled
        Returns why it is off at present; "" if it is not.
    checked
        Whether it is on: a function is asked at each refresh, a value counts at
        first; None if it is not a switch.
    """

    name: str
    text: str
    call: Callable[..., object]
    _: KW_ONLY
    key: str = ""
    icon: str = ""
    button: str = ""
    tip: str = ""
    detail: Callable[[], str] | None = None
    reason_disabled: Callable[[], str] = _never
    checked: Callable[[], bool] | bool | None = None

    @property
    def plain_text(self) -> str:
        """The text without the mark of its letter and without dots."""
        return self.text.replace("&", "").removesuffix("…")

    @property
    def button_text(self) -> str:
        """What a button says."""
        text = self.button or self.plain_text
        return f"{self.icon}  {text}" if self.icon else text


def fill(
    menu: QMenu, commands: Sequence[Command | None], owner: QWidget
) -> dict[str, QAction]:
    """Add ``commands`` to ``menu``, a line for each None; return actions by name."""
    menu.setToolTipsVisible(True)
    actions = {}
    for command in commands:
        if command is None:
            menu.addSeparator()
        else:
            actions[command.name] = action = _action(command, owner)
            menu.addAction(action)
    return actions


def show_state(command: Command, action: QAction) -> None:
    """Show whether a command can be called now, and whether it is on."""
    reason = command.reason_disabled()
    action.setEnabled(not reason)
    action.setToolTip(reason or rich(command.tip))
    if command.detail is not None:
        action.setText(f"{command.text} {command.detail()}".rstrip())
    if callable(command.checked):
        action.setChecked(command.checked())


def push_button(command: Command) -> QPushButton:
    """Return a button that calls a command; `CommandSet` keeps its state."""
    button = QPushButton(command.button_text, objectName=command.name)
    button.clicked.connect(lambda _=False, call=command.call: call())
    return button


def rich(tip: str) -> str:
    """Return a tooltip that breaks its lines; "" for none."""
    return f"<qt>{escape(tip, quote=False)}</qt>" if tip else ""


def native_keys(action: QAction) -> str:
    """Return the keys of an action as the system writes them."""
    native = QKeySequence.SequenceFormat.NativeText
    return " or ".join(key.toString(native) for key in action.shortcuts())


def fill_recent(menu: QMenu, paths: list[Path], call: Callable[[Path], object]) -> None:
    """Show ``paths`` in ``menu``, those that are still there."""
    menu.clear()
    for path in paths:
        action = menu.addAction(path.name)
        action.setToolTip(str(path))
        action.triggered.connect(lambda _=False, path=path: call(path))
    menu.setEnabled(bool(paths))
    menu.setToolTipsVisible(True)


def _action(command: Command, owner: QWidget) -> QAction:
    action = QAction(command.text, owner, objectName=command.name)
    if command.key:
        action.setShortcuts(QKeySequence.listFromString(command.key))
    if command.checked is not None:
        action.setCheckable(True)
        on = command.checked
        action.setChecked(on() if callable(on) else on)
    show_state(command, action)
    # Only now, so that the first state is shown without calling anything.
    if command.checked is None:
        action.triggered.connect(lambda _=False, call=command.call: call())
    else:
        action.toggled.connect(command.call)
    return action
