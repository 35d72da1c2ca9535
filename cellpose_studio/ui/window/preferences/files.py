"""The page about folders, recent projects, saving and where exports go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QListWidget, QListWidgetItem
from superqt import QElidingLabel

from cellpose_studio.app.settings import Settings
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.window.preferences.folders import Folders
from cellpose_studio.ui.window.preferences.page import Page, button, row

_PATH = Qt.ItemDataRole.UserRole
_SAVING = (
    "Projects save themselves. Each correction is in the journal of the project file "
    "when the mouse is released, so that a crash or a power cut loses none; half a "
    "minute after the last one they become a revision, which the History tab lists. Of "
    "images and masks in other files, nothing is ever changed."
)
_EXPORTS = "Dialogs of exports begin there; they keep what you choose in them."


class FilesPage(Page):
    """Where files are, and where they go.

    Parameters
    ----------
    open_project
        Opens a project that is chosen from the recent ones.
    """

    def __init__(
        self, services: Services, open_project: Callable[[Path], object]
    ) -> None:
        super().__init__(services.settings, ("export_folder", "table_folder"))
        self._open_project = open_project
        self.group("Saving", _SAVING)
        exports = self.group("Exports", _EXPORTS)
        for title, name, otherwise in (
            ("Masks", "export_folder", "Beside each image"),
            ("Tables", "table_folder", "Beside the first image"),
        ):
            choice = FolderChoice(self.settings, name, title, otherwise)
            exports.addRow(title, row(choice, choice.choose, choice.clear))
        self._recent()
        self.folders = Folders(services.warm_up_jobs)
        self.group("Folders of this program").addRow(self.folders)
        self.finish()

    def refresh(self) -> None:
        """Measure the folders."""
        self.folders.measure()

    def _recent(self) -> None:
        recent = self.group("Recent projects")
        self.projects = QListWidget(objectName="recentProjects")
        self.projects.setAccessibleName("Recent projects")
        self.projects.setToolTip("Choose a project to open or to take off the list.")
        self.open = button("&Open", "openRecent", "Open the project that is chosen.")
        self.remove = button(
            "&Remove from list",
            "removeRecent",
            "Take the project that is chosen off the list. Its file stays.",
        )
        self.open.clicked.connect(lambda _: self._open())
        self.remove.clicked.connect(lambda _: self._remove())
        self.projects.itemActivated.connect(lambda _: self._open())
        self.projects.currentItemChanged.connect(lambda *_: self._enable())
        self.settings.events.projects.connect(self._list)
        recent.addRow(self.projects)
        recent.addRow(row(self.open, self.remove))
        self._list()

    def _list(self) -> None:
        self.projects.clear()
        for path in self.settings.projects:
            item = QListWidgetItem(f"{path.stem}  ({path.parent})")
            item.setData(_PATH, str(path))
            item.setToolTip(str(path))
            self.projects.addItem(item)
        lines = min(max(self.projects.count(), 2), 5)
        self.projects.setFixedHeight((lines + 1) * self.fontMetrics().height())
        self._enable()

    @property
    def _chosen(self) -> Path | None:
        item = self.projects.currentItem()
        return Path(item.data(_PATH)) if item is not None else None

    def _enable(self) -> None:
        for one in (self.open, self.remove):
            one.setEnabled(self._chosen is not None)

    def _open(self) -> None:
        if (path := self._chosen) is not None:
            self._open_project(path)

    def _remove(self) -> None:
        chosen = self._chosen
        for name in ("projects", "recent"):
            kept = [path for path in getattr(self.settings, name) if path != chosen]
            setattr(self.settings, name, kept)


class FolderChoice(QElidingLabel):
    """A folder of the settings, with buttons to choose one and to have none.

    Parameters
    ----------
    otherwise
        What is said while none is chosen.
    """

    def __init__(
        self, settings: Settings, name: str, title: str, otherwise: str
    ) -> None:
        super().__init__()
        self.setObjectName(name)
        self._settings, self._name = settings, name
        self._otherwise = otherwise
        self.setAccessibleName(f"{title} go to")
        self.choose = button("Choose…", f"{name}Choose", f"Choose where {title} go to.")
        self.clear = button("Default", f"{name}Clear", f"{otherwise}.")
        self.choose.clicked.connect(lambda _: self._choose())
        self.clear.clicked.connect(lambda _: setattr(settings, name, ""))
        getattr(settings.events, name).connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        folder = getattr(self._settings, self._name)
        self.setText(folder or self._otherwise)
        self.setToolTip(folder)
        self.clear.setEnabled(bool(folder))

    def _choose(self) -> None:
        now = getattr(self._settings, self._name)
        if found := QFileDialog.getExistingDirectory(self, "Folder", now):
            setattr(self._settings, self._name, str(found))
