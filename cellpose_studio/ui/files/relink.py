"""Asking where images that are missing have gone, and finding them there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qtpy.QtWidgets import QFileDialog

from cellpose_studio.app.jobs import Job
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.io.images.missing import missing_files
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.widgets.wording import image_count
from cellpose_studio.workflows.relink import LostImage, find_lost, is_replaced

Found = list[tuple[ProjectImage, ImageSource | None]]

_NAMED = 3
"""How many images that are still missing a message names."""


class Relinker:
    """Looks for missing images in a folder that the user chooses."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._session = services.session
        self._settings = services.settings
        self._messages = services.messages

    def ask(self, images: Sequence[ProjectImage] | None = None) -> None:
        """Ask for a folder and look there for those of ``images`` that are missing."""
        folder = QFileDialog.getExistingDirectory(
            self._services.parent, "Where are the images?", self._settings.folder
        )
        if folder:
            self.look_in(Path(folder), images)

    def look_in(
        self, folder: Path, images: Sequence[ProjectImage] | None = None
    ) -> Job:
        """Look for the images that are missing, of ``images`` or of all."""
        project, shown = self._session.project, self._session.shown
        chosen = [*(self._session.images if images is None else images)]
        # A file with another image in it takes a look inside, too long for all.
        uncertaintyed = {shown} if images is None else {*images}
        taken = [image.source.key for image in self._session.images]

        def work(checkpoint: Checkpoint) -> Found:
            missing = missing_files((e.source.path for e in chosen), checkpoint)
            lost = [
                image
                for image in chosen
                if image.source.path in missing
                or (image in uncertaintyed and is_replaced(image.source))
            ]
            wanted = [LostImage(image.source, image.asked_axes) for image in lost]
            found = find_lost(folder, wanted, checkpoint, taken)
            return list(zip(lost, found, strict=True))

        return self._services.run(
            f"Looking for images in {folder.name}",
            work,
            lambda found: self._finish(found, project is self._session.project),
        )

    def _finish(self, found: Found, still_open: bool) -> None:
        if still_open:
            self._session.relink(
                *((image, source) for image, source in found if source is not None)
            )
            self._messages.note(summary(found))


def summary(found: Found) -> str:
    """Return what came of looking for images, as a sentence."""
    if not found:
        return "No image is missing."
    left = [image.source.name for image, source in found if source is None]
    if not left:
        return f"{image_count(len(found))} {_were(len(found))} found."
    names = ", ".join(left[:_NAMED])
    if len(left) > _NAMED:
        names += f" and {len(left) - _NAMED} more"
    verb = "is" if len(left) == 1 else "are"
    got = len(found) - len(left)
    return (
        f"{got} of {image_count(len(found))} {_were(got)} found; {names} {verb} still "
        "missing."
    )


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
