"""Finds missing image files in a folder that the user chooses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qtpy.QtWidgets import QFileDialog

from cellpose_studio.app.jobs import Job
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.wording import first_names, image_count, were
from cellpose_studio.io.images.missing import missing_files
from cellpose_studio.ui.services import Services
from cellpose_studio.workflows.relink import LostImage, find_lost, is_replaced

Found = list[tuple[ProjectImage, ImageSource | None]]


class Relinker:
    """Searches a folder for missing images, and relinks those found."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._session = services.session
        self._settings = services.settings
        self._messages = services.messages

    def ask(self, images: Sequence[ProjectImage] | None = None) -> None:
        """Ask for a folder, and search it as `search` does."""
        folder = QFileDialog.getExistingDirectory(
            self._services.parent,
            "Choose the folder of the missing images",
            self._settings.folder,
        )
        if folder:
            self.search(Path(folder), images)

    def search(self, folder: Path, images: Sequence[ProjectImage] | None = None) -> Job:
        """Search ``folder`` for the missing ones of ``images``, or of all."""
        shown = self._session.shown
        chosen = [*(self._session.images if images is None else images)]
        # A replaced file is recognised only by reading it: too slow for all images.
        to_read = {shown} if images is None else {*images}
        # The list is read here, because the session belongs to the GUI thread.
        taken = [image.source.key for image in self._session.images]

        def work(checkpoint: Checkpoint) -> Found:
            missing = missing_files((e.source.path for e in chosen), checkpoint)
            lost = [
                image
                for image in chosen
                if image.source.path in missing
                or (image in to_read and is_replaced(image.source))
            ]
            requested = [LostImage(image.source, image.asked_axes) for image in lost]
            found = find_lost(folder, requested, checkpoint, taken)
            return list(zip(lost, found, strict=True))

        return self._services.run(
            f"Searching for images in {folder.name}",
            work,
            self._finish,
            once_left="is told",
        )

    def _finish(self, found: Found) -> None:
        self._session.relink(
            *((image, source) for image, source in found if source is not None)
        )
        self._messages.note(summary(found))


def summary(found: Found) -> str:
    """Return the result of a search, as a sentence."""
    if not found:
        return "No image is missing."
    remaining = [image.source.name for image, source in found if source is None]
    if not remaining:
        return f"{image_count(len(found))} {were(len(found))} found."
    verb = "is" if len(remaining) == 1 else "are"
    count = len(found) - len(remaining)
    return (
        f"{count} of {image_count(len(found))} {were(count)} found; "
        f"{first_names(remaining)} {verb} still missing."
    )
