"""The page with the editor of keyboard shortcuts and mouse gestures."""

from __future__ import annotations

from cellpose_studio.app.settings import Settings
from cellpose_studio.ui.commands.shortcut_editor import ShortcutEditor
from cellpose_studio.ui.window.preferences.page import Page


class KeysPage(Page):
    """The editor, which scrolls by itself."""

    def __init__(self, settings: Settings, editor: ShortcutEditor) -> None:
        super().__init__(settings, ("keys", "gestures"))
        self.editor = editor
        self.scroll.hide()
        self.layout().addWidget(editor)

    def reset(self) -> None:
        """Give all commands and gestures their defaults."""
        self.editor.set_all_back()
