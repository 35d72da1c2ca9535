"""Opens the dialogs of the Help menu, each once."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtWidgets import QDialog

from cellpose_studio.ui.window.help.guide_key import GuideKey
from cellpose_studio.ui.window.menu_host import MenuHost


class HelpDialogs:
    """Shows a dialog; a second call raises the one that is open.

    The dialogs are imported when they are shown: the start of the window does not wait
    for them.
    """

    def __init__(self, window: MenuHost) -> None:
        self._window = window
        self._guide_key = GuideKey(window, window.services.messages.note)

    def show_self_test(self) -> None:
        """Check the installation."""
        from cellpose_studio.ui.window.help.self_test.dialog import SelfTestDialog

        self._show(SelfTestDialog, lambda: SelfTestDialog(self._window))

    def show_about(self) -> None:
        """Show versions, devices, folders and licences."""
        from cellpose_studio.ui.window.help.about import AboutDialog

        self._show(AboutDialog, lambda: AboutDialog(self._window.services))

    def show_updates(self) -> None:
        """Offer to ask for a newer version."""
        from cellpose_studio.ui.window.help.updates import UpdateDialog

        parent = self._window.services.parent
        self._show(UpdateDialog, lambda: UpdateDialog(parent))

    def _show(self, kind: type[QDialog], make: Callable[[], QDialog]) -> None:
        for dialog in self._window.findChildren(kind):
            if dialog.isVisible():
                dialog.raise_()
                dialog.activateWindow()
                return
        make().show()
