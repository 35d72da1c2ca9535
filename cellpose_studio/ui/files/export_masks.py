"""Export of masks on a worker thread."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qtpy.QtWidgets import QDialog, QWidget

from cellpose_studio.app.failures import Failure, failure_of
from cellpose_studio.app.jobs import Job
from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.session.classes import names_and_colours
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import CannotSave, StudioError
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.masks.snapshot import Snapshot
from cellpose_studio.core.wording import (
    cell_count,
    counted,
    first_names,
    image_count,
    were,
)
from cellpose_studio.io.atomic import cannot_save
from cellpose_studio.io.masks.export import Saved, save_fitting
from cellpose_studio.io.masks.export_format import MasksToExport
from cellpose_studio.io.masks.export_target import (
    IfExists,
    existing_files,
    target,
    without_cells,
)
from cellpose_studio.io.masks.mapped import empty_labels
from cellpose_studio.ui.files.export_dialog import (
    ExportDialog,
    ask_if_exists,
    rejected_cells,
)
from cellpose_studio.ui.services import Services
from cellpose_studio.workflows.batches.export_names import ExportNames

_DEFAULT = ("tif", "npy")

AskIfExists = Callable[[Sequence[Path], QWidget], IfExists | None]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Export:
    """The masks of one image, as they were when the user exported them."""

    image: ImageSource
    labels: LabelSet
    pixels: Snapshot | None
    left_out: Collection[int]
    mothers: Mapping[int, int]
    classes: Mapping[int, tuple[str, str]]
    class_names: Sequence[str]

    def save(self, base: Path, kinds: Sequence[str]) -> Saved:
        # Masks that are not in memory are read here, off the GUI thread.
        pixels = self.pixels or self.labels.pixels.snapshot()
        masks = MasksToExport.of(
            self.image,
            without_cells(pixels.array(empty_labels), self.left_out),
            self.labels.flows,
            self.labels.settings(),
            self.mothers,
            self.classes,
            self.class_names,
        )
        return save_fitting(base, masks, kinds)


@dataclass
class _Result:
    """What an export has done."""

    files: list[Path] = field(default_factory=list)
    skipped: int = 0
    left_out: int = 0
    failures: list[StudioError] = field(default_factory=list)
    reasons: list[CannotSave] = field(default_factory=list)


class Saver:
    """Exports the active masks of images in the formats of other programs."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._session = services.session
        self._settings = services.settings
        self._messages = services.messages
        self.ask_if_exists: AskIfExists = ask_if_exists

    def ask_and_save(self, images: Sequence[ProjectImage]) -> None:
        """Ask for formats and folder, then export the masks."""
        images = [image for image in images if image.masks is not None]
        if not images:
            self._messages.note("No masks to export: run a model, or draw some cells.")
            return
        kinds = self._settings.save_kinds or list(_DEFAULT)
        folder = self._settings.export_folder
        dialog = ExportDialog(images, kinds, folder, self._services.parent)
        if dialog.exec() == QDialog.DialogCode.Accepted:
            self._settings.save_kinds = list(dialog.kinds)
            self._settings.export_folder = str(dialog.chosen_folder or "")
            self.save(
                images,
                dialog.kinds,
                dialog.chosen_folder,
                with_rejected=dialog.rejected.isChecked(),
            )

    def save(
        self,
        images: Sequence[ProjectImage],
        kinds: Sequence[str],
        folder: Path | None = None,
        *,
        with_rejected: bool = False,
    ) -> Job | None:
        """Export the active masks of images; None if the user changes their mind.

        Parameters
        ----------
        folder
            Where the files go, made if it does not exist; None for the folder of each
            image.
        with_rejected
            Whether cells that the user rejected are exported as well.
        """
        names = self._names(folder)
        existing = [
            path
            for image in images
            for path in existing_files(names.base(image.source), kinds)
        ]
        if_exists: IfExists | None = "replace"
        if existing:
            if_exists = self.ask_if_exists(existing, self._services.parent)
        if if_exists is None:
            return None
        exports = [self._taken(image, with_rejected) for image in images]
        done_if = if_exists

        def work(checkpoint: Checkpoint) -> _Result:
            result = _Result()
            for n, export in enumerate(exports):
                checkpoint.reached(n, len(exports), "exporting")
                try:
                    _save_one(export, names, kinds, done_if, result)
                # One image that cannot be written must not keep the others.
                except StudioError as error:
                    result.failures.append(error)
            return result

        what = images[0].source.name if len(images) == 1 else image_count(len(images))
        return self._services.run(
            f"Exporting the masks of {what}", work, self._on_saved
        )

    def _names(self, folder: Path | None) -> ExportNames:
        """Return names in which each image of the project has its own."""
        names = ExportNames(folder)
        for image in self._session.images:
            names.base(image.source)
        return names

    def _taken(self, image: ProjectImage, with_rejected: bool) -> _Export:
        self._session.commit_pending(image)
        self._session.seal(image)
        labels = image.masks
        assert labels is not None
        return _Export(
            image=image.source,
            labels=labels,
            # A snapshot, because the user may go on editing while files are written.
            pixels=labels.pixels.snapshot() if labels.pixels.loaded else None,
            left_out=() if with_rejected else rejected_cells(image),
            mothers=dict(image.mothers.get(image.active, {})),
            classes=names_and_colours(self._session, image),
            class_names=[one.name for one in self._session.masks.classes.present],
        )

    def _on_saved(self, result: _Result) -> None:
        saved = _saved(result)
        if not result.failures:
            self._messages.note(saved, "\n".join(map(str, result.reasons)))
        elif len(result.failures) == 1 and not result.files:
            self._messages.fail(failure_of(result.failures[0]))
        else:
            lines = "\n".join(map(str, [*result.failures, *result.reasons]))
            count = image_count(len(result.failures))
            self._messages.fail(
                Failure(f"The masks of {count} could not be exported.", saved, lines)
            )


def _save_one(
    export: _Export,
    names: ExportNames,
    kinds: Sequence[str],
    if_exists: IfExists,
    result: _Result,
) -> None:
    base = target(names.base(export.image), kinds, if_exists)
    if base is None:
        result.skipped += 1
        return
    try:
        base.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_save(base.parent, error) from error
    saved = export.save(base, kinds)
    result.files += saved.files
    result.reasons += saved.reasons
    result.left_out += len(export.left_out)
    names.write_list(base.parent)


def _saved(result: _Result) -> str:
    """Return what was written where, and what was not."""
    parts = []
    files = result.files
    if files:
        names = first_names([file.name for file in files])
        folders = {file.parent for file in files}
        where = f"in {files[0].parent}" if len(folders) == 1 else "beside the images"
        parts.append(f"Saved {names} {where}.")
    if result.left_out:
        count = result.left_out
        parts.append(f"{cell_count(count)} that you rejected {were(count)} left out.")
    if result.skipped:
        count = result.skipped
        parts.append(f"{image_count(count)} {were(count)} skipped: the files exist.")
    if result.reasons:
        others = len(result.reasons) - 1
        parts.append(str(result.reasons[0]))
        parts += [f"So it was with {counted(others, 'other file')}."] if others else []
    return " ".join(parts) or "Nothing to export."
