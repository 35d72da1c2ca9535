"""Commands of the menus File, Edit, View, Segment and Help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from cellpose_studio.app.settings import Theme
from cellpose_studio.ui.canvas.rendering import reason_2d_only
from cellpose_studio.ui.commands.command import Command
from cellpose_studio.ui.commands.reasons import needs_axis, needs_image, needs_masks
from cellpose_studio.ui.window.help.dialogs import HelpDialogs
from cellpose_studio.ui.window.help.guide import open_page, page_about
from cellpose_studio.ui.window.menu_host import MenuHost

_NO_UNDO = "Nothing to undo on this image."
_NO_REDO = "Nothing to redo on this image."

Commands = Sequence[Command | None]


class WindowCommands:
    """Builds the records of the window's own commands, one method for each group.

    Parameters
    ----------
    show_preferences
        Shows them at a page; "" for the one shown last.

    Attributes
    ----------
    dialogs
        Those of the Help menu.
    """

    def __init__(
        self, window: MenuHost, show_preferences: Callable[[str], object]
    ) -> None:
        self._window = window
        self._show_preferences = show_preferences
        self.dialogs = HelpDialogs(window)
        self._image = needs_image(window.session)
        self._masks = needs_masks(window.session)

    def open_commands(self) -> Commands:
        """Return the commands that open a project or images."""
        window, projects = self._window, self._window.projects
        return [
            Command("newProject", "&New project", projects.new, key="Ctrl+N"),
            Command("open", "&Open…", window.files.choose_images, key="Ctrl+O"),
            Command("openProject", "Open a &project…", projects.choose_and_open),
        ]

    def file_commands(self) -> Commands:
        """Return the other commands of the menu File: import, export, close."""
        window, projects = self._window, self._window.projects
        return [
            Command(
                "openFolder",
                "Open a &folder…",
                window.files.choose_folder,
                key="Ctrl+Shift+O",
                tip="List the images of a folder, with the masks beside them.",
            ),
            Command("openSample", "Open the sa&mple", window.files.open_sample),
            Command(
                "openSampleProject",
                "Open the sample pro&ject",
                window.files.open_sample_project,
                tip="Open nuclei with masks that were corrected, a history of "
                "revisions, and something left to do.",
            ),
            None,
            Command("relink", "Relin&k images…", window.relinker.ask),
            None,
            Command("saveAs", "&Save project as…", projects.ask_and_save, key="Ctrl+S"),
            Command(
                "save",
                "&Export masks…",
                window.save,
                key="Ctrl+E",
                tip="Write masks for Cellpose, ImageJ, QuPath and other programs.",
                reason_disabled=self._masks,
            ),
            Command(
                "figure",
                "Export fi&gure…",
                window.figures.ask_and_export,
                tip="Write the image with outlines and a scale bar: PNG, SVG, PDF.",
                reason_disabled=self._image,
            ),
            None,
            Command(
                "closeImage",
                "Remove &image from project",
                window.close_image,
                key="Ctrl+W",
                tip="Take it off the list. Its file stays; Edit puts it back.",
                reason_disabled=self._image,
            ),
            Command("rescue", "Rescue a &damaged project…", projects.choose_and_rescue),
            Command(
                "closeProject", "&Close project", projects.close, key="Ctrl+Shift+W"
            ),
            Command("quit", "&Quit", window.close, key="Ctrl+Q"),
        ]

    def _step(self, step: Callable[[], object]) -> None:
        # What was said of the last step is not true any more.
        self._window.services.messages.clear_note()
        step()

    def edit_commands(self) -> Commands:
        """Return the commands for undo, redo and saved versions."""
        window, session = self._window, self._window.session
        return [
            Command(
                "undo",
                "&Undo",
                lambda: self._step(session.undo),
                key="Ctrl+Z",
                detail=lambda: session.undo_text,
                reason_disabled=lambda: "" if session.can_undo else _NO_UNDO,
            ),
            Command(
                "redo",
                "&Redo",
                lambda: self._step(session.redo),
                key="Ctrl+Shift+Z; Ctrl+Y",
                detail=lambda: session.redo_text,
                reason_disabled=lambda: "" if session.can_redo else _NO_REDO,
            ),
            Command(
                "putBack",
                "&Put back removed image",
                window.image_actions.put_back,
                tip="Bring back its masks and its undo steps, too.",
                reason_disabled=lambda: window.image_actions.reason_no_put_back,
            ),
            None,
            Command(
                "saveVersion",
                "Save a &version…",
                window.revisions.save_version,
                tip="Give the masks as they are now a name in the history.",
                reason_disabled=self._masks,
            ),
            None,
            Command(
                "preferences",
                "Preferences…",
                lambda: self._show_preferences(""),
                key="Ctrl+,",
                tip="Set device, folders, theme, keys, numbers and privacy.",
            ),
        ]

    def view_commands(self) -> Commands:
        """Return the commands for the display of image and masks."""
        window, canvas = self._window, self._window.canvas
        masks, rendering = canvas.masks, canvas.rendering
        return [
            Command(
                "masks",
                "&Masks",
                masks.set_filled,
                key="X",
                tip="Fill the cells with their colours.",
                checked=True,
            ),
            Command(
                "outlines",
                "&Outlines",
                masks.set_outlines,
                key="Z",
                tip="Draw a line around each cell.",
                checked=True,
            ),
            Command(
                "uncertainty",
                "Colour by &uncertainty",
                masks.set_coloured_by_uncertainty,
                key="K",
                tip="Colour the cells from orange, uncertain, to blue, certain.",
                checked=False,
            ),
            Command(
                "ortho",
                "&Side views",
                window.ortho.set_on,
                key="O",
                tip="Show cuts of the stack along Z, beside and below the image.",
                checked=False,
                reason_disabled=self._reason_2d_only,
            ),
            Command(
                "rendering",
                "&3D rendering",
                rendering.set_on,
                key="T",
                tip="Show the stack as a volume that the mouse turns.",
                # Read at each refresh: another image may switch it off.
                checked=lambda: rendering.on,
                reason_disabled=self._reason_2d_only,
            ),
        ]

    def navigation_commands(self) -> Commands:
        """Return the commands that change the image, the plane or the view."""
        window, canvas = self._window, self._window.canvas
        session, image = window.session, self._image

        def step(by: int) -> Callable[[], None]:
            return lambda: window.images.step(by)

        def move(
            name: str, text: str, key: str, axis: Literal["T", "Z"], by: int
        ) -> Command:
            # While it is off, a list that has the keyboard gets the key.
            go, single = partial(canvas.step, axis, by), needs_axis(session, axis)
            return Command(name, text, go, key=key, reason_disabled=single)

        return [
            None,
            Command(
                "previous", "&Previous image", step(-1), key="A", reason_disabled=image
            ),
            Command("next", "&Next image", step(1), key="D", reason_disabled=image),
            move("planeUp", "Next plane", "PgUp", "Z", 1),
            move("planeDown", "Previous plane", "PgDown", "Z", -1),
            move("timeUp", "Next time point", "Shift+PgUp", "T", 1),
            move("timeDown", "Previous time point", "Shift+PgDown", "T", -1),
            Command(
                "home",
                "&Zoom to fit",
                canvas.reset_view,
                key="Home",
                tip="Show the whole image.",
                reason_disabled=image,
            ),
            None,
        ]

    def theme_commands(self) -> Commands:
        """Return the commands that choose the theme."""
        return [
            self._theme("themeSystem", "Theme of the &system", "system"),
            self._theme("themeDark", "&Dark theme", "dark"),
            self._theme("light", "&Light theme", "light"),
        ]

    def _theme(self, name: str, text: str, theme: Theme) -> Command:
        settings = self._window.services.settings

        def choose(on: bool) -> None:
            # Switched off by the choice of another one, or to the desktop's by hand.
            if on:
                settings.theme = theme
            elif settings.theme == theme:
                settings.theme = "system"

        return Command(name, text, choose, checked=lambda: settings.theme == theme)

    def segment_commands(self) -> Commands:
        """Return the commands for runs, the queue and models."""
        window = self._window
        return [
            Command(
                "run", "&Run", window.run, key="Ctrl+R", reason_disabled=self._image
            ),
            Command(
                "runOnView",
                "Run on the &view",
                window.regions.run_on_view,
                key="Ctrl+Shift+R",
                tip="Run on what is in view of the plane shown. Accepted, drawn and "
                "edited cells, and all cells outside, are kept.",
                reason_disabled=self._image,
            ),
            Command(
                "runOnRegion",
                "Run on a re&gion",
                lambda: window.tools.take("region"),
                tip="Draw a rectangle or a polygon to run on.",
                reason_disabled=self._image,
            ),
            Command(
                "findCell",
                "&Find this cell again",
                window.regions.find_cell,
                key="Shift+F",
                tip="Run around the selected cell, or the one just deleted, and "
                "replace only this cell.",
                reason_disabled=self._masks,
            ),
            Command(
                "cancel",
                "&Cancel",
                self._cancel,
                key="Esc",
                tip="Stop the run or the line in progress. Existing masks are kept.",
            ),
            None,
            Command(
                "howMade",
                "&How did I run this?",
                window.history.show_head,
                tip="Show the record: methods paragraph, command, script.",
                reason_disabled=self._masks,
            ),
            None,
            Command(
                "pauseQueue",
                "&Pause or resume the queue",
                window.batch_panel.pause_or_resume,
                tip="Wait after the present image, or go on.",
                reason_disabled=self._reason_no_queue,
            ),
            Command(
                "cancelQueue",
                "Cancel the &queue",
                window.background.run_queue.cancel,
                tip="Stop the runs that remain. Existing masks are kept.",
                reason_disabled=self._reason_no_queue,
            ),
            None,
            Command(
                "searchParameters",
                "&Search parameters…",
                window.parameter_search.open,
                tip="Find the thresholds that suit the images you corrected.",
                reason_disabled=self._image,
            ),
            Command("models", "&Models…", window.segment.model.show_browser, key="M"),
            Command("addModel", "&Add a model file…", window.models.choose),
            None,
            Command(
                "cluster",
                "Set &up a cluster…",
                lambda: self._show_preferences("compute"),
                tip="Choose the scheduler whose workers run the blocks of large "
                "images.",
            ),
        ]

    def help_commands(self) -> Commands:
        """Return the commands about the application itself."""
        dialogs = self.dialogs
        return [
            Command(
                "guide",
                "&Guide",
                self._open_guide,
                key="F1",
                tip="Open the page about this tab in your browser; it is on your disk.",
            ),
            Command(
                "selfTest",
                "&Check this installation…",
                dialogs.show_self_test,
                tip="Try everything in a window of its own, and tell what to do.",
            ),
            Command(
                "storage",
                "Show &files of this app…",
                lambda: self._show_preferences("files"),
                tip="List the folders, and the room that they take; clear the cache.",
            ),
            Command(
                "updates",
                "Check for &updates…",
                dialogs.show_updates,
                tip="Ask for a newer version; it says first whom it connects to.",
            ),
            Command("about", "&About Cellpose Studio", dialogs.show_about),
        ]

    def _open_guide(self) -> None:
        window = self._window
        title = window.tabs.tabText(window.tabs.currentIndex())
        section = window.measure.section if title == "Measure" else ""
        if hindered := open_page(page_about(title, section)):
            window.services.messages.note(hindered)

    def _reason_2d_only(self) -> str:
        image = self._window.session.shown
        return reason_2d_only(image.source if image else None)

    def _reason_no_queue(self) -> str:
        return (
            "" if self._window.background.run_queue.left > 0 else "The queue is empty."
        )

    def _cancel(self) -> None:
        """Leave a comparison or a tool; if neither is active, cancel the job."""
        window = self._window
        # One key for three things: the one that the user started last comes first.
        if not (window.comparison.close() or window.tools.cancel()):
            window.jobs.cancel_job()
