"""Opens the preferences of a window, which are made when they are first needed."""

from __future__ import annotations

from collections.abc import Callable

from cellpose_studio.ui.commands.shortcut_editor import ShortcutEditor
from cellpose_studio.ui.window.menu_host import MenuHost
from cellpose_studio.ui.window.preferences.compute import ComputePage
from cellpose_studio.ui.window.preferences.dialog import PageEntry, PreferencesDialog
from cellpose_studio.ui.window.preferences.display import DisplayPage
from cellpose_studio.ui.window.preferences.files import FilesPage
from cellpose_studio.ui.window.preferences.keys import KeysPage
from cellpose_studio.ui.window.preferences.numbers import NumbersPage
from cellpose_studio.ui.window.preferences.privacy import PrivacyPage


def make_preferences(
    window: MenuHost,
    editor: ShortcutEditor,
    check_for_updates: Callable[[], object],
) -> PreferencesDialog:
    """Return the preferences of a window.

    Parameters
    ----------
    editor
        That of its shortcuts and gestures.
    check_for_updates
        Opens the dialog that asks for a newer version.
    """
    services = window.services
    settings = services.settings
    pages = (
        ("compute", "Compute", ComputePage(services)),
        ("files", "Files and folders", FilesPage(services, window.projects.open)),
        ("display", "Display", DisplayPage(settings)),
        ("keys", "Keys", KeysPage(settings, editor)),
        ("numbers", "Numbers", NumbersPage(settings)),
        ("privacy", "Privacy", PrivacyPage(services, check_for_updates)),
    )
    entries = [PageEntry(name=n, title=title, page=page) for n, title, page in pages]
    return PreferencesDialog(services.parent, entries)
