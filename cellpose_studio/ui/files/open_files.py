"""Opens what the user chooses or drops: images, folders or a project."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QFileDialog

from cellpose_studio.app.jobs import Job
from cellpose_studio.app.session.sample_project import (
    make_sample_project,
    sample_project,
)
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.wording import first_names
from cellpose_studio.io.images.reader import IMAGE_FILES
from cellpose_studio.io.images.sample import sample_path
from cellpose_studio.io.masks.exchange.region_files import SUFFIXES as REGIONS
from cellpose_studio.io.masks.folders import bare_stem, begins_like
from cellpose_studio.io.project.file import SUFFIX
from cellpose_studio.ui.files.open_images import Opener
from cellpose_studio.ui.files.projects import Projects
from cellpose_studio.ui.services import Services
from cellpose_studio.workflows.open import open_image_of

_REGIONS = " ".join(f"*{suffix}" for suffix in REGIONS)
_FILTER = (
    f"Images and projects ({IMAGE_FILES} *{SUFFIX});;Projects (*{SUFFIX});;"
    f"Regions beside their image ({_REGIONS});;All files (*)"
)
_SAMPLE = (
    "This project is yours to try things on. Its revisions are in the History tab."
)
_AS_LEFT = "This is the sample project as you left it."


class FileOpener:
    """Adds images to the open project, or replaces it by another project."""

    def __init__(self, services: Services, images: Opener, projects: Projects) -> None:
        self._services = services
        self._settings = services.settings
        self._images = images
        self._projects = projects

    def choose_images(self) -> None:
        """Ask for image files or a project, and open them."""
        files, _ = QFileDialog.getOpenFileNames(
            self._services.parent, "Open", self._settings.folder, _FILTER
        )
        self.open([Path(file) for file in files])

    def choose_folder(self) -> None:
        """Ask for a folder and add the images and masks in it."""
        folder = QFileDialog.getExistingDirectory(
            self._services.parent, "Open a folder", self._settings.folder
        )
        self.open([Path(folder)] if folder else [])

    def open(self, paths: list[Path]) -> Job | None:
        """Open files and folders, or a project among them, on a worker thread."""
        if not paths:
            return None
        # A project comes first, so that the images become part of it.
        images = [path for path in paths if path.suffix != SUFFIX]
        if images != paths:
            project = next(path for path in paths if path.suffix == SUFFIX)
            return self._projects.open(project, lambda: self.open(images))
        self._settings.set_folder(paths[0].parent)
        session = self._services.session
        sources = [one.source for one in session.images]
        if not any(_may_be_of(path, image) for path in paths for image in sources):
            return self._images.open(paths)

        def look(_: object) -> list[tuple[ImageSource, Path] | None]:
            return [open_image_of(path, sources) for path in paths]

        def add(found: list[tuple[ImageSource, Path] | None]) -> None:
            masks = list(filter(None, found))
            if masks:
                self._images.add_masks(masks)
            others = [p for p, one in zip(paths, found, strict=True) if one is None]
            if others:
                self._images.open(others)

        title = f"Opening {first_names([path.name for path in paths], 1)}"
        return self._services.run(title, look, add, quiet=True, once_left="is told")

    def open_sample(self) -> None:
        """Open the sample image, which takes a moment to draw the first time."""
        self._services.run(
            "Opening the sample",
            lambda _: sample_path(),
            lambda path: self._images.open([path]),
            once_left="is told",
        )

    def open_sample_project(self) -> None:
        """Open the sample project, as it was left, and offer another one then."""
        messages = self._services.messages

        def tell(is_new: bool) -> None:
            if is_new:
                messages.note(_SAMPLE)
            else:
                messages.offer(_AS_LEFT, "Start afresh", self.make_sample_project)

        self._services.run(
            "Opening the sample project",
            lambda _: sample_project(),
            lambda found: self._projects.open(found[0], lambda: tell(found[1])),
        )

    def make_sample_project(self) -> None:
        """Make another sample project, and open it; those before are kept."""
        note = self._services.messages.note
        self._services.run(
            "Making a sample project",
            lambda _: make_sample_project(),
            lambda path: self._projects.open(path, lambda: note(_SAMPLE)),
        )


def _may_be_of(path: Path, image: ImageSource) -> bool:
    """Return whether a file may hold masks of an image in another folder, by name."""
    folders = {path.parent, *path.parents[1:3]}
    return image.path.parent != path.parent and any(
        begins_like(name, bare_stem(image.path.stem))
        for name in (path.name, *(folder.name for folder in folders))
    )
