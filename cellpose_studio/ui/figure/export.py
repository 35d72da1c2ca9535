"""Exports figures off the GUI thread."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QDialog

from cellpose_studio.app.failures import failure_of
from cellpose_studio.app.jobs import Job
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.display.figure import FigureOptions
from cellpose_studio.ui.canvas.appearance import channels_shown, masks_shown
from cellpose_studio.ui.figure.dialog import FigureDialog
from cellpose_studio.ui.figure.making import Scene, make_figure
from cellpose_studio.ui.figure.writing import write_figure

if TYPE_CHECKING:
    from cellpose_studio.ui.window.main_window import MainWindow

_WIDTH = 1200
"""Pixels that a figure is wide at first, or more."""


class FigureExport:
    """Asks for a figure of what is shown, and writes it."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window

    def ask_and_export(self) -> None:
        """Ask what the figure is to show and where it goes, then write it."""
        window, image = self._window, self._window.session.shown
        if image is None:
            return
        scene = self.scene(image)
        width = scene.image.shape[4]
        options = replace(
            _options(window.settings.figure), scale=float(max(-(-_WIDTH // width), 1))
        )
        base = image.source.path
        dialog = FigureDialog(
            base.with_name(f"{base.stem}_figure{window.settings.figure_ending}"),
            options,
            scene,
            window.words.on,
            window.quick,
            window,
        )
        if dialog.exec() == QDialog.DialogCode.Accepted:
            window.settings.figure = asdict(dialog.options)
            window.settings.figure_ending = dialog.path.suffix.lower()
            self.export(scene, dialog.options, dialog.path)

    def scene(self, image: ProjectImage) -> Scene:
        """Return what the canvas shows of the image at present."""
        window = self._window
        canvas = window.canvas
        height, width = image.source.shape[3:]
        labels = image.masks
        looks = masks_shown(canvas)
        loaded = labels is not None and labels.pixels.loaded and looks
        planes = canvas.planes
        return Scene(
            image=image.source,
            plane=(planes.get("T", 0), planes.get("Z", 0)),
            part=window.words_shown.part_in_view()
            or (slice(0, height), slice(0, width)),
            channels=channels_shown(canvas),
            masks=looks[-1] if loaded else None,
            labels=labels.pixels.snapshot() if labels is not None and loaded else None,
            texts=window.words.texts(),
            title=_title(image),
        )

    def export(self, scene: Scene, options: FigureOptions, path: Path) -> Job:
        """Write a figure of ``scene`` to ``path``."""
        messages = self._window.messages

        def work(checkpoint: Checkpoint) -> None:
            write_figure(make_figure(scene, options, checkpoint), path)

        job = Job(f"Exporting {path.name}", work)
        job.finished.connect(
            lambda _: messages.note(f"Saved {path.name} in {path.parent}.")
        )
        job.failed.connect(lambda error: messages.fail(failure_of(error)))
        return self._window.quick.start(job)


def _title(image: ProjectImage) -> str:
    """Return what a figure shows, and how the masks were made."""
    if image.masks is None:
        return image.source.name
    edited = ", edited" if image.masks.edited else ""
    return (
        f"{image.source.name}: {image.masks.cells:,} cells, "
        f"{image.masks.origin}{edited}"
    )


def _options(known: dict[str, object]) -> FigureOptions:
    """Return what was chosen last; settings may hold anything."""
    usable = {}
    for field in fields(FigureOptions):
        value, first = known.get(field.name), field.default
        if type(value) is type(first):
            usable[field.name] = value
    return FigureOptions(**usable)  # type: ignore[arg-type]
