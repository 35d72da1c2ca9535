"""The page about what is kept on this computer, and what leaves it: nothing."""

from __future__ import annotations

from collections.abc import Callable

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.io.storage import (
    THUMBNAILS,
    Cleared,
    clear,
    room_text,
    storage_named,
)
from cellpose_studio.io.support.log import clear_logs
from cellpose_studio.paths import log_dir
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.widgets.question import ask
from cellpose_studio.ui.window.preferences.fields import Switch
from cellpose_studio.ui.window.preferences.page import Page, button, note, row

_NETWORK = (
    "Nothing is sent: no images, no masks, no names of files, no statistics of use. "
    "The program connects to other computers only when you ask it to: to download a "
    "model, to look for a newer version, or to run on a cluster that you have set up. "
    "It says before whom it connects to."
)
_PROJECTS = (
    "Projects keep the paths of images, and with each revision the name of who is "
    "logged in on this computer. Whoever gets a project file can read them."
)


class PrivacyPage(Page):
    """What is remembered, and how to forget it.

    Parameters
    ----------
    check_for_updates
        Opens the dialog that asks for a newer version.
    """

    def __init__(
        self, services: Services, check_for_updates: Callable[[], object]
    ) -> None:
        super().__init__(services.settings, ("keep_recent",))
        self._services = services
        network = self.group("What leaves this computer", _NETWORK)
        self.updates = button(
            "Check for &updates…",
            "askForUpdates",
            "Look for a newer version. It says first whom it connects to, and asks.",
        )
        self.updates.clicked.connect(lambda _: check_for_updates())
        network.addRow(row(self.updates))
        self._kept()
        self.finish()

    def _kept(self) -> None:
        kept = self.group("What is kept on it")
        self.keep_recent = Switch(
            self.settings,
            "keep_recent",
            "&Remember what was opened",
            "Files, projects and folders: for File > Open recent, the start page, and "
            "where dialogs begin. Off, "
            "those remembered so far are forgotten, too.",
        )
        self.settings.events.keep_recent.connect(self._on_keep_recent)
        kept.addRow(self.keep_recent)
        self.forget = button(
            "&Forget recent files",
            "forgetRecent",
            "Forget which files, projects and folders were opened. The files stay.",
        )
        self.thumbnails = button(
            "Clear &thumbnails",
            "clearThumbnails",
            "Remove the small pictures of images. They are drawn again when they are "
            "shown.",
        )
        self.log = button(
            "Clear the &log",
            "clearLog",
            "Remove what was logged. It has errors, with the names of files, and is "
            "what a question to the makers needs.",
        )
        self.forget.clicked.connect(lambda _: self._forget())
        self.thumbnails.clicked.connect(lambda _: self._clear_thumbnails())
        self.log.clicked.connect(lambda _: self._clear_log())
        kept.addRow(row(self.forget, self.thumbnails, self.log))
        self.told = note("", "privacyTold")
        kept.addRow(self.told)
        kept.addRow(note(_PROJECTS))

    def _on_keep_recent(self, on: bool) -> None:
        if not on:
            self._forget()

    def _forget(self) -> None:
        self.settings.forget_recent()
        self.told.setText("Recent files, projects and folders are forgotten.")

    def _clear_thumbnails(self) -> None:
        def work(checkpoint: Checkpoint) -> Cleared:
            return clear(storage_named(THUMBNAILS), checkpoint)

        def done(cleared: Cleared) -> None:
            self.told.setText(f"Cleared {room_text(cleared.size)} of thumbnails.")

        jobs = self._services.warm_up_jobs
        self._services.run("Clearing thumbnails", work, done, quiet=True, queue=jobs)

    def _clear_log(self) -> None:
        more = "If something went wrong before, report it first: Help > About has all."
        if not ask(
            self, "Clear the log", "Remove the log?", more, "Clear log", final=True
        ):
            return
        kept = clear_logs(log_dir())
        self.told.setText(
            "The log could not be removed." if kept else "No log is kept."
        )
