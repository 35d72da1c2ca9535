"""The menus of the window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtWidgets import QMenu

from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.ui.commands.command import Command, QAction, fill_recent
from cellpose_studio.ui.commands.command_set import CommandSet
from cellpose_studio.ui.commands.palette import CommandPalette
from cellpose_studio.ui.commands.shortcut_editor import ShortcutEditor
from cellpose_studio.ui.commands.shortcuts import Shortcuts
from cellpose_studio.ui.display.cell_text.menu import fill_cell_text_menu
from cellpose_studio.ui.tools.commands import tool_commands
from cellpose_studio.ui.tools.toolbox import mouse_gestures
from cellpose_studio.ui.window.commands import WindowCommands
from cellpose_studio.ui.window.menu_host import MenuHost

if TYPE_CHECKING:
    from cellpose_studio.ui.window.preferences.dialog import PreferencesDialog


class Menus(QObject):
    """The menus from File to Help, with all commands."""

    def __init__(self, window: MenuHost) -> None:
        super().__init__(window)
        self._window = window
        self._own = WindowCommands(window, self.show_preferences)
        self._preferences: PreferencesDialog | None = None
        self._commands = CommandSet(window)
        self._called: list[str] = []
        # Choosing a cell changes several states of the tab in turn, and refreshing all
        # commands takes milliseconds: that is done once afterwards.
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._refresh)
        self._file()
        self._edit()
        self._view()
        self._segment()
        self._curate()
        self._measure()
        self._train()
        self._help()
        self._commands.add_buttons(window.curate.tools.buttons)
        self._commands.add_buttons(window.curate.buttons)
        self._commands.add_buttons(window.display.buttons)
        self._commands.add_buttons(window.train.set.buttons)
        window.display.follow(self.actions)
        # After all commands were added, because it assigns the keys of all actions.
        self.keys = Shortcuts(self.actions, window.services.settings)
        self._connect()
        self._refresh()

    @property
    def actions(self) -> Mapping[str, QAction]:
        """Every action by the name of its command, in its present state."""
        self._refresh_now()
        return self._commands.actions

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Bring the commands up to date before a key looks for its own; for Qt."""
        # Keys that were pressed while the window was busy come before the timer.
        if event.type() == QEvent.Type.ShortcutOverride:
            self._refresh_now()
        return bool(super().eventFilter(watched, event))

    def _file(self) -> None:
        menu = self._menu("&File")
        self._commands.add(menu, self._own.open_commands())
        self.recent = menu.addMenu("Open &recent")
        self._commands.add(menu, self._own.file_commands())
        self._fill_recent()

    def _edit(self) -> None:
        self._commands.add(self._menu("&Edit"), self._own.edit_commands())

    def _view(self) -> None:
        menu = self._menu("&View")
        self._commands.add(menu, self._own.view_commands())
        channels = self._window.display.commands()
        self._commands.add(menu.addMenu("&Channels"), channels)
        self._channels = [command.name for command in channels if command]
        texts = menu.addMenu("Cell la&bels")
        fill_cell_text_menu(texts, self._window.cell_text, self._commands)
        self._commands.add(menu, self._own.navigation_commands())
        self._commands.add(menu.addMenu("&Theme"), self._own.theme_commands())
        panels = menu.addMenu("Pan&els")
        for dock in self._window.panels:
            panels.addAction(dock.toggleViewAction())

    def _segment(self) -> None:
        self._commands.add(self._menu("&Segment"), self._own.segment_commands())

    def _curate(self) -> None:
        window, add = self._window, self._commands.add
        menu = self._menu("&Curate")
        add(menu.addMenu("T&ools"), tool_commands(window.tools))
        add(menu.addMenu("&Cells"), window.cell_commands.commands())
        add(menu.addMenu("P&lanes and time"), window.plane_commands.commands())
        add(menu.addMenu("Track&s"), window.track_commands.commands())
        menu.addSeparator()
        add(menu, [*window.curate.commands(), None])
        add(menu, [*window.curate.masks.commands(), None])
        add(menu, window.image_actions.commands())

    def _measure(self) -> None:
        measure, menu = self._window.measure, self._menu("&Measure")
        self._commands.add(menu, measure.commands())
        self._commands.add(menu, self._window.image_actions.size_commands())
        self._commands.add(menu.addMenu("Cl&asses"), measure.class_commands())

    def _train(self) -> None:
        menu = self._menu("&Train")
        self._commands.add(
            menu, [*self._window.image_actions.training_commands(), None]
        )
        self._commands.add(menu, self._window.train.commands())

    def _help(self) -> None:
        commands = [
            Command(
                "palette",
                "Fi&nd a command…",
                self._show_palette,
                key="Ctrl+Shift+P",
                tip="Find any command by its words, and learn its key.",
            ),
            Command(
                "tour",
                "Take the &tour",
                self._window.tour.start,
                tip="See in a minute what is where.",
            ),
            Command(
                "keys",
                "&Keyboard shortcuts",
                lambda: self.show_preferences("keys"),
                key="?",
                tip="List all keys and mouse gestures, and change them.",
            ),
            *self._own.help_commands(),
        ]
        self._commands.add(self._menu("&Help"), commands)

    def _menu(self, title: str) -> QMenu:
        return self._window.menuBar().addMenu(title)

    def _connect(self) -> None:
        window = self._window
        settings = window.services.settings
        settings.events.recent.connect(self._fill_recent)
        settings.events.theme.connect(self._refresh)
        window.session.shown_changed.connect(self._refresh)
        window.session.masks_changed.connect(self._on_masks)
        window.session.image_changed.connect(self._refresh)
        window.session.class_list_changed.connect(self._refresh)
        window.services.training.image_changed.connect(self._soon_refreshed)
        window.background.run_queue.changed.connect(self._refresh)
        window.canvas.rendering.changed.connect(self._refresh)
        window.display.changed.connect(self._refresh_channels)
        window.curate.state_changed.connect(self._soon.start)
        # The tooltips of the buttons contain the keys and the gestures.
        self.keys.changed.connect(self._refresh)
        window.tools.gestures.changed.connect(self._refresh)
        window.session.undo_stack.changed.connect(self._refresh_undo)
        window.session.images_changed.connect(self._refresh_put_back)
        window.installEventFilter(self)

    def _on_masks(self, change: MasksChange) -> None:
        # Edits come with every stroke; `_refresh_undo` updates what depends on them.
        if change.edit is None:
            self._refresh()

    def _refresh(self, *_: object) -> None:
        """Enable the commands that can be called now; show why the others cannot."""
        self._soon.stop()
        self._commands.refresh()

    def _soon_refreshed(self, _: object) -> None:
        # Thousands of images may be marked at once.
        self._soon.start()

    def _refresh_now(self) -> None:
        """Do at once what waits."""
        if self._soon.isActive():
            self._refresh()

    def _refresh_undo(self, *_: object) -> None:
        # Emitted after every stroke: refreshing all commands would take too long.
        self._commands.refresh("undo", "redo")

    def _refresh_channels(self) -> None:
        # Emitted at each step of a slider.
        self._commands.refresh(*self._channels)

    def _refresh_put_back(self) -> None:
        self._commands.refresh("putBack")

    def _fill_recent(self) -> None:
        recent = self._window.services.settings.recent
        paths = [path for path in recent if path.exists()]
        fill_recent(self.recent, paths, lambda path: self._window.open([path]))

    def _show_palette(self) -> None:
        palette = CommandPalette(
            self._commands.records,
            self.actions,
            self._window.menuBar(),
            self._called,
            self._window,
        )
        # Otherwise the window would keep each closed palette as a child.
        palette.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        palette.show_over(self._window)

    def show_preferences(self, page: str = "") -> None:
        """Show the preferences at a page, or at the one shown last."""
        if self._preferences is None:
            self._preferences = self._make_preferences()
        self._preferences.show_page(page)

    def shut_down(self) -> None:
        """Stop what the preferences do."""
        if self._preferences is not None:
            self._preferences.close()

    def _make_preferences(self) -> PreferencesDialog:
        # Imported when they are first shown: the start of the window does not wait.
        from cellpose_studio.ui.window.preferences.opener import make_preferences

        window = self._window
        editor = ShortcutEditor(
            self.keys,
            self._commands.records,
            window.tools.gestures,
            mouse_gestures(),
            window.menuBar(),
        )
        return make_preferences(window, editor, self._own.dialogs.show_updates)
