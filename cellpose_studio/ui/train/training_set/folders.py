"""Exports the training set as a folder, and imports such folders."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget

from cellpose_studio.app.jobs import Job
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.wording import image_count
from cellpose_studio.ui.services import Services
from cellpose_studio.workflows.training.folder_export import (
    ExportReport,
    check_folder,
    export_folder,
)
from cellpose_studio.workflows.training.folder_import import (
    FolderImage,
    images_of_folder,
)
from cellpose_studio.workflows.training.project_set import SetPart

AskFolder = Callable[[QWidget, str], "Path | None"]


def ask_folder(parent: QWidget, title: str) -> Path | None:
    """Ask for a folder; return None if the user cancels."""
    chosen = QFileDialog.getExistingDirectory(parent, title)
    return Path(chosen) if chosen else None


class TrainingFolders:
    """Writes and reads folders of training images.

    Attributes
    ----------
    ask
        Asks the user for a folder.
    open
        Opens images in the window.
    """

    def __init__(
        self, services: Services, open_files: Callable[[list[Path]], object]
    ) -> None:
        self._services = services
        self.open = open_files
        self.ask: AskFolder = ask_folder

    def export(self) -> None:
        """Ask for a folder, and write the training set for Cellpose's command line."""
        services = self._services
        folder = self.ask(services.parent, "Export the training set to an empty folder")
        if folder is None:
            return
        try:
            check_folder(folder)
        except StudioError as error:
            services.show_error(error)
            return

        def write(parts: list[SetPart]) -> None:
            services.run(
                title,
                lambda checkpoint: export_folder(folder, parts, checkpoint),
                done,
            )

        def done(report: ExportReport) -> None:
            services.messages.note(report.text)

        title = f"Exporting to {folder.name}"
        late = partial(services.tell_left, title)
        jobs, training = services.io_jobs, services.training
        training.seal(jobs, lambda: training.read_parts(jobs, write, late), late)

    def import_folder(self) -> Job | None:
        """Ask for a folder of images with masks, open them, and restore their roles."""
        services = self._services
        folder = self.ask(services.parent, "Import a folder of training images")
        if folder is None:
            return None

        def read(_: Checkpoint) -> list[FolderImage]:
            return images_of_folder(folder)

        def done(found: list[FolderImage]) -> None:
            services.training.expect(found)
            self.open([one.image for one in found])
            roles = [one.role for one in found]
            services.messages.note(
                f"Importing {image_count(len(found))} of {folder.name}: "
                f"{roles.count('train')} for training, "
                f"{roles.count('validation')} for validation."
            )

        title = f"Importing {folder.name}"
        return services.run(title, read, done, once_left="is told")
