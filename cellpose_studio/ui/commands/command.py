"""The record of a command, from which menus, buttons and shortcuts are made."""

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
    "plain_text",
    "push_button",
    "rich",
    "show_state",
]


def _never() -> str:
    return ""


@dataclass(frozen=True)
class Command:
    """One command of the user.

    Attributes
    ----------
    name
        Object name of the action, and key of its shortcut in the settings.
    text
        Text in the menu, with an ampersand before the mnemonic.
    call
        Called without arguments; if ``checked`` is given, with the new state.
    key
        Shortcuts in Qt's portable notation, separated by "; "; "" for none.
    icon
        Symbol before the text of the button; "" for none.
    button
        Text of the button; "" for the text of the menu.
    tip
        Tooltip, one sentence; "" where the text needs no explanation. A function is
        called at each refresh.
    detail
        Returns the object of the command, appended to the text in the menu.
    reason_disabled
        Returns why the command cannot be called now; "" if it can.
    checked
        State of a switch: a function is called at each refresh, a value is the
        initial state; None for a command that is no switch.
    """

    name: str
    text: str
    call: Callable[..., object]
    _: KW_ONLY
    key: str = ""
    icon: str = ""
    button: str = ""
    tip: str | Callable[[], str] = ""
    detail: Callable[[], str] | None = None
    reason_disabled: Callable[[], str] = _never
    checked: Callable[[], bool] | bool | None = None

    @property
    def tip_text(self) -> str:
        """The tooltip now."""
        return self.tip() if callable(self.tip) else self.tip

    def run(self) -> None:
        """Call a command that is no switch, unless it cannot be called now.

        Actions and buttons may still show for a moment that it can.
        """
        if not self.reason_disabled():
            self.call()

    @property
    def plain_text(self) -> str:
        """The text without ampersand and without ellipsis."""
        return plain_text(self.text)

    @property
    def button_text(self) -> str:
        """The text of the button, with the icon."""
        text = self.button or self.plain_text
        return f"{self.icon}  {text}" if self.icon else text


def fill(
    menu: QMenu, commands: Sequence[Command | None], owner: QWidget
) -> dict[str, QAction]:
    """Add ``commands`` to ``menu``, a separator for None; return actions by name."""
    # Off by default in menus, but tooltips show why a command is disabled.
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
    """Update the action of a command: enabled, tooltip, text, checked."""
    reason = command.reason_disabled()
    action.setEnabled(not reason)
    action.setToolTip(reason or rich(command.tip_text))
    if command.detail is not None:
        action.setText(f"{command.text} {command.detail()}".rstrip())
    # A changed state emits `toggled`, which calls the command. A command must therefore
    # do nothing if it already has the state.
    if callable(command.checked):
        action.setChecked(command.checked())


def push_button(command: Command) -> QPushButton:
    """Return a button that calls a command; `CommandSet` updates its state."""
    button = QPushButton(command.button_text, objectName=command.name)
    button.setToolTip(command.tip_text)
    # Qt passes the state of the button, which `call` does not take.
    button.clicked.connect(lambda _=False, run=command.run: run())
    return button


def plain_text(text: str) -> str:
    """Return the text of a menu without ampersand and without ellipsis."""
    return text.replace("&", "").removesuffix("…")


def rich(tip: str) -> str:
    """Return a tooltip as rich text, which Qt wraps; "" for none."""
    return f"<qt>{escape(tip, quote=False)}</qt>" if tip else ""


def native_keys(action: QAction) -> str:
    """Return the shortcuts of an action in the notation of the system."""
    native = QKeySequence.SequenceFormat.NativeText
    return " or ".join(key.toString(native) for key in action.shortcuts())


def fill_recent(menu: QMenu, paths: list[Path], call: Callable[[Path], object]) -> None:
    """Fill ``menu`` with ``paths``; each calls ``call`` with its path."""
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
    # Connected last, so that setting the initial state does not call the command.
    if command.checked is None:
        action.triggered.connect(lambda _=False, run=command.run: run())
    else:
        action.toggled.connect(command.call)
    return action
