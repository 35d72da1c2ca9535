"""Opening whatever the user chooses or drops: images, folders, a project."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QFileDialog

from cellpose_studio.app.jobs import Job
from cellpose_studio.io.images.reader import IMAGE_FILES
from cellpose_studio.io.project.file import SUFFIX
from cellpose_studio.ui.files.open_images import Opener
from cellpose_studio.ui.files.projects import Projects
from cellpose_studio.ui.services import Services

_FILTER = (
    f"Images and projects ({IMAGE_FILES} *{SUFFIX});;Projects (*{SUFFIX});;"
    "All files (*)"
)


class FileOpener:
    """Opens images in the present project, and projects in place of it."""

    def __init__(self, services: Services, images: Opener, projects: Projects) -> None:
        self._services = services
        self._settings = services.settings
        self._images = images
        self._projects = projects

    def choose_images(self) -> None:
        """Ask for image files, or a project, and open them."""
        files, _ = QFileDialog.getOpenFileNames(
            self._services.parent, "Open", self._settings.folder, _FILTER
        )
        self.open([Path(file) for file in files])

    def choose_folder(self) -> None:
        """Ask for a folder and add the images and masks in it."""
        folder = QFileDialog.getExistingDirectory(
            self._services.parent, "Import a folder", self._settings.folder
        )
        self.open([Path(folder)] if folder else [])

    def open(self, paths: list[Path]) -> Job | None:
        """Open files and folders, off the GUI thread; or a project among them."""
        if not paths:
            return None
        images = [path for path in paths if path.suffix != SUFFIX]
        if images != paths:
            project = next(path for path in paths if path.suffix == SUFFIX)
            return self._projects.open(project, lambda: self.open(images))
        self._settings.folder = str(paths[0].parent)
        return self._images.open(paths)

    def open_sample(self) -> None:
        """Open an image to try things on."""
        # Not needed at the start, and scikit-image takes time to import.
        from cellpose_studio.io.images.sample import sample_path

        self.open([sample_path()])
