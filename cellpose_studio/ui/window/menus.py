"""The menus of the window."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMenu, QMessageBox

from cellpose_studio import __version__
from cellpose_studio.ui.canvas.rendering import reason_2d_only
from cellpose_studio.ui.cell_text.menu import fill_cell_text_menu
from cellpose_studio.ui.commands.command import Command, QAction, fill, fill_recent
from cellpose_studio.ui.commands.shortcut_editor import KeySheet
from cellpose_studio.ui.commands.shortcuts import Keys
from cellpose_studio.ui.tools.commands import tool_commands
from cellpose_studio.ui.window.menu_host import MenuHost

_FROM_THE_SIDE = ("ortho", "rendering")


class Menus:
    """File, Edit, View, Segment and Help, with every command once."""

    def __init__(self, window: MenuHost) -> None:
        self._window = window
        self.actions: dict[str, QAction] = {}
        self._file()
        self._edit()
        self._view()
        self._segment()
        self._curate()
        self._help()
        self.keys = Keys(self.actions, window.services.settings)
        self.keys.explain(window.curate.tips)
        window.session.shown_changed.connect(self._on_state)
        window.session.labels_changed.connect(self._on_state)
        window.session.image_changed.connect(self._on_state)
        window.background.run_queue.changed.connect(self._on_state)
        window.canvas.rendering.changed.connect(self._on_state)
        self._on_state()

    def _file(self) -> None:
        window = self._window
        menu = window.menuBar().addMenu("&File")
        projects = window.projects
        self._add(
            menu,
            Command("newProject", "&New project", projects.new, "Ctrl+N"),
            Command("open", "&Open…", window.files.choose_images, "Ctrl+O"),
            Command("openProject", "Open a &project…", projects.choose_and_open),
        )
        self.recent = menu.addMenu("Open &recent")
        self._add(
            menu,
            Command(
                "openFolder",
                "Import a &folder…",
                window.files.choose_folder,
                "Ctrl+Shift+O",
            ),
            Command("openSample", "Open the sa&mple", window.files.open_sample),
            None,
            Command("relink", "Relin&k images…", window.relinker.ask),
            None,
            Command("saveAs", "&Save project as…", projects.ask_and_save, "Ctrl+S"),
            Command("save", "&Export masks…", window.save, "Ctrl+E"),
            Command("figure", "Export fi&gure…", window.figures.ask_and_export),
            None,
            Command(
                "closeImage", "&Take image off the list", window.close_image, "Ctrl+W"
            ),
            Command("rescue", "Rescue a &damaged project…", projects.choose_and_rescue),
            Command("closeProject", "&Close project", projects.close, "Ctrl+Shift+W"),
            Command("quit", "&Quit", window.close, "Ctrl+Q"),
        )
        window.services.settings.events.recent.connect(self._fill_recent)
        self._fill_recent()

    def _edit(self) -> None:
        window = self._window
        menu = window.menuBar().addMenu("&Edit")
        session = window.session
        self._add(
            menu,
            Command("undo", "&Undo", session.undo, "Ctrl+Z"),
            Command("redo", "&Redo", session.redo, "Ctrl+Shift+Z; Ctrl+Y"),
        )
        session.undo_stack.changed.connect(self._name_steps)
        self._name_steps()
        menu.addSeparator()
        version = window.revisions.save_version
        self._add(menu, Command("saveVersion", "Save a &version…", version))

    def _view(self) -> None:
        window, canvas = self._window, self._window.canvas
        menu = window.menuBar().addMenu("&View")

        def step(by: int) -> Callable[[], None]:
            return lambda: window.images.step(by)

        def move(axis: str, by: int) -> Callable[[], None]:
            return lambda: canvas.step(axis, by)

        self._add(
            menu,
            Command("masks", "&Masks", canvas.masks.set_filled, "X", checked=True),
            Command(
                "outlines", "&Outlines", canvas.masks.set_outlines, "Z", checked=True
            ),
            Command(
                "uncertainty",
                "Colour by &uncertainty",
                canvas.masks.set_coloured_by_uncertainty,
                "K",
                checked=False,
            ),
            Command(
                "ortho", "Ortho&gonal views", window.ortho.set_on, "O", checked=False
            ),
            Command(
                "rendering",
                "&3D rendering",
                canvas.rendering.set_on,
                "3",
                checked=False,
            ),
        )
        words = menu.addMenu("&Words at cells")
        self.actions |= fill_cell_text_menu(words, window.words, window)
        self._add(
            menu,
            None,
            Command("previous", "&Previous image", step(-1), "A"),
            Command("next", "&Next image", step(1), "D"),
            Command("planeUp", "Next plane", move("Z", 1), "PgUp"),
            Command("planeDown", "Previous plane", move("Z", -1), "PgDown"),
            Command("timeUp", "Next time point", move("T", 1), "Shift+PgUp"),
            Command("timeDown", "Previous time point", move("T", -1), "Shift+PgDown"),
            Command("home", "&All in view", canvas.reset_view, "Home"),
            None,
            Command(
                "light",
                "&Light colours",
                lambda on: window.set_theme("light" if on else "dark"),
                checked=window.services.settings.theme == "light",
            ),
        )
        # Napari has a button for it, too.
        canvas.rendering.changed.connect(self.actions["rendering"].setChecked)
        menu.setToolTipsVisible(True)
        panels = menu.addMenu("Pan&els")
        for dock in window.panels:
            panels.addAction(dock.toggleViewAction())

    def _segment(self) -> None:
        window = self._window
        menu, queue = window.menuBar().addMenu("&Segment"), window.background.run_queue
        self._add(
            menu,
            Command("run", "&Run", window.run, "Ctrl+R"),
            Command("cancel", "&Cancel", self._cancel, "Esc"),
            None,
            Command("howMade", "&How did I run this?", window.history.show_head),
            None,
            Command(
                "pauseQueue",
                "&Pause or resume the queue",
                window.batch_panel.pause_or_resume,
            ),
            Command("cancelQueue", "Cancel the &queue", queue.cancel),
            None,
            Command("models", "&Models…", window.segment.model.show_browser, "M"),
            Command("addModel", "&Add a model file…", window.models.choose),
        )

    def _curate(self) -> None:
        menu = self._window.menuBar().addMenu("&Curate")
        self._add(menu.addMenu("T&ools"), *tool_commands(self._window.tools))
        cells = menu.addMenu("&Cells")
        cells.setToolTipsVisible(True)
        self._add(cells, *self._window.cell_commands.commands())
        beyond = menu.addMenu("P&lanes and time")
        beyond.setToolTipsVisible(True)
        self._add(beyond, *self._window.plane_commands.commands())
        menu.addSeparator()
        self._add(menu, *self._window.curate.commands(), None)
        self._add(menu, *self._window.image_actions.commands())

    def _help(self) -> None:
        menu = self._window.menuBar().addMenu("&Help")
        self._add(
            menu,
            Command("keys", "&Keys", self._show_keys, "?"),
            Command("about", "&About Cellpose Studio", self._show_about),
        )

    def _add(self, menu: QMenu, *commands: Command | None) -> None:
        self.actions |= fill(menu, list(commands), self._window)

    def _name_steps(self) -> None:
        """Show what would be undone and redone."""
        session = self._window.session
        undo, redo = self.actions["undo"], self.actions["redo"]
        undo.setText(f"&Undo {session.undo_text}".rstrip())
        redo.setText(f"&Redo {session.redo_text}".rstrip())
        undo.setEnabled(session.can_undo)
        redo.setEnabled(session.can_redo)

    def _fill_recent(self) -> None:
        paths = [
            path for path in self._window.services.settings.recent if path.exists()
        ]
        fill_recent(self.recent, paths, lambda path: self._window.open([path]))

    def _on_state(self, *_: object) -> None:
        """Switch off what makes no sense without an image or masks."""
        image = self._window.session.shown
        for name in ("closeImage", "previous", "next", "home", "run", "figure"):
            self.actions[name].setEnabled(image is not None)
        self.actions["reviewed"].setEnabled(image is not None)
        self.actions["reviewed"].setChecked(image is not None and image.reviewed)
        for name in ("train", "test", "noTraining"):
            masks = image is not None and image.masks is not None
            self.actions[name].setEnabled(masks)
        flat = reason_2d_only(image.source if image else None)
        reasons = {
            **dict.fromkeys(_FROM_THE_SIDE, flat),
            **self._window.cell_commands.reason_disabled(),
            **self._window.plane_commands.reason_disabled(),
        }
        for name, why in reasons.items():
            self.actions[name].setEnabled(not why)
            self.actions[name].setToolTip(why)
        for name in ("pauseQueue", "cancelQueue"):
            self.actions[name].setEnabled(self._window.background.run_queue.left > 0)
        for name in ("save", "saveVersion", "howMade"):
            masks = image is not None and image.masks is not None
            self.actions[name].setEnabled(masks)

    def _cancel(self) -> None:
        """Leave a comparison or a tool, or stop what runs."""
        window = self._window
        if not (window.comparing.leave() or window.tools.leave()):
            window.jobs.cancel_job()

    def _show_keys(self) -> None:
        for sheet in self._window.findChildren(KeySheet):
            if sheet.isVisible():
                sheet.raise_()
                sheet.activateWindow()
                return
        sheet = KeySheet(self.keys, self._window.menuBar(), self._window)
        sheet.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        sheet.show()

    def _show_about(self) -> None:
        QMessageBox.about(
            self._window,
            "About Cellpose Studio",
            f"<b>Cellpose Studio {__version__}</b><br>Segments cells with Cellpose's "
            "networks, and shows them with napari.<br>Free software under the GNU "
            "General Public License, version 3 or later.",
        )
