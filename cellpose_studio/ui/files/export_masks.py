"""Export of masks on a worker thread."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qtpy.QtWidgets import QDialog

from cellpose_studio.app.jobs import Job
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.io.masks.export import save_all
from cellpose_studio.ui.files.dialogs import SaveDialog
from cellpose_studio.ui.services import Services
from cellpose_studio.workflows.save import base_of

_DEFAULT = ("tif", "npy")


class Saver:
    """Exports the active masks of an image in the formats of other programs."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._session = services.session
        self._settings = services.settings
        self._messages = services.messages

    def ask_and_save(self, image: ProjectImage) -> None:
        """Ask for formats and folder, then export the masks."""
        kinds = self._settings.save_kinds or list(_DEFAULT)
        axes = len(image.source.label_shape)
        dialog = SaveDialog(
            image.source.path.parent, kinds, axes, self._services.parent
        )
        if dialog.exec() == QDialog.DialogCode.Accepted:
            self._settings.save_kinds = list(dialog.kinds)
            self.save(image, dialog.kinds, Path(dialog.folder.text()))

    def save(
        self, image: ProjectImage, kinds: Sequence[str], folder: Path
    ) -> Job | None:
        """Export the active masks of ``image``; return None if it has none."""
        source = image.source
        if image.masks is None:
            self._messages.note(f"{source.name} has no masks yet.")
            return None
        self._session.commit_pending(image)
        self._session.seal(image)
        labels = image.masks
        # A snapshot, because the user may go on editing while files are written.
        snapshot = labels.pixels.snapshot() if labels.pixels.loaded else None
        base = base_of(source, folder)
        settings = labels.settings()

        def work(_: object) -> list[Path]:
            return save_all(
                base,
                # Masks that are not in memory are read here, off the GUI thread.
                (snapshot or labels.pixels.snapshot()).array(),
                labels.flows,
                kinds,
                image=source,
                settings=settings,
            )

        return self._services.run(
            f"Exporting the masks of {source.name}",
            work,
            lambda files: self._messages.note(_saved(files)),
        )


def _saved(files: list[Path]) -> str:
    names = ", ".join(file.name for file in files)
    return f"Saved {names} in {files[0].parent}." if files else "Nothing to export."
