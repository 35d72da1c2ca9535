"""Exports figures on a worker thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path

from qtpy.QtWidgets import QDialog

from cellpose_studio.app.jobs import Job
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.display.figure import FigureOptions, Legend
from cellpose_studio.core.display.figure_legend import scale_colours
from cellpose_studio.core.display.label_picture import uncertainty_palette
from cellpose_studio.ui.canvas import Canvas
from cellpose_studio.ui.display.cell_text.colour_legend import UNCERTAINTY
from cellpose_studio.ui.display.cell_text.provider import CellTextProvider
from cellpose_studio.ui.figure.dialog import FigureDialog
from cellpose_studio.ui.figure.making import Scene, make_figure
from cellpose_studio.ui.figure.writing import write_figure
from cellpose_studio.ui.services import Services

_WIDTH = 1200
"""Minimal width of a figure with the suggested scale, in pixels."""


class FigureExport:
    """Asks for the options of a figure of the canvas, and writes it.

    Parameters
    ----------
    canvas
        Shows the image and its masks.
    texts
        The cell labels.
    """

    def __init__(
        self, services: Services, canvas: Canvas, texts: CellTextProvider
    ) -> None:
        self._services = services
        self._canvas = canvas
        self._texts = texts

    def ask_and_export(self) -> None:
        """Ask for the options and the file of a figure, then write it."""
        services, settings = self._services, self._services.settings
        image = services.session.shown
        if image is None:
            return
        # The scene is a snapshot, so that the file shows what the preview has shown.
        scene = self.scene(image)
        width = scene.image.shape[4]
        options = replace(
            _options(settings.figure), scale=float(max(-(-_WIDTH // width), 1))
        )
        base = image.source.path
        dialog = FigureDialog(
            base.with_name(f"{base.stem}_figure{settings.figure_ending}"),
            options,
            scene,
            self._texts.on,
            services.io_jobs,
            services.parent,
        )
        if dialog.exec() == QDialog.DialogCode.Accepted:
            settings.figure = asdict(dialog.options)
            settings.figure_ending = dialog.path.suffix.lower()
            self.export(scene, dialog.options, dialog.path)

    def scene(self, image: ProjectImage) -> Scene:
        """Return the present contents of the canvas, as a value for a worker thread."""
        canvas = self._canvas
        height, width = image.source.shape[3:]
        labels = image.masks
        looks = canvas.masks_shown()
        loaded = labels is not None and labels.pixels.loaded and looks
        planes = canvas.planes
        return Scene(
            image=image.source,
            plane=(planes.get("T", 0), planes.get("Z", 0)),
            part=canvas.camera.part_in_view() or (slice(0, height), slice(0, width)),
            channels=canvas.channels_shown(),
            masks=looks[-1] if loaded else None,
            labels=labels.pixels.snapshot() if labels is not None and loaded else None,
            texts=self._texts.texts(),
            title=_title(image),
            legend=self._legend(image) if loaded else None,
        )

    def _legend(self, image: ProjectImage) -> Legend | None:
        """Return what the colours of cells mean; None if each has its own."""
        masks = self._canvas.masks
        colours = masks.cell_colours
        if colours is None:
            if not (masks.by_uncertainty and masks.uncertainty_known):
                return None
            return Legend(ends=UNCERTAINTY, scale=scale_colours(uncertainty_palette()))
        if colours.classes:
            used = {one.number for one in image.classes.get(image.active, {}).values()}
            classes = self._services.session.masks.classes.present
            # A paper has no use for the keys that the canvas shows.
            shown = [(one.name, one.colour) for one in classes if one.id in used]
            return Legend(classes=tuple(shown)) if shown else None
        if colours.scale is None:
            return None
        scale = scale_colours(colours.scale)
        return Legend(title=colours.title, ends=colours.ends, scale=scale)

    def export(self, scene: Scene, options: FigureOptions, path: Path) -> Job:
        """Write a figure of ``scene`` to ``path``."""
        messages = self._services.messages

        def work(checkpoint: Checkpoint) -> None:
            write_figure(make_figure(scene, options, checkpoint), path)

        return self._services.run(
            f"Exporting {path.name}",
            work,
            lambda _: messages.note(f"Saved {path.name} in {path.parent}."),
        )


def _title(image: ProjectImage) -> str:
    """Return the title of a figure: image, number of cells, origin of the masks."""
    if image.masks is None:
        return image.source.name
    edited = ", edited" if image.edited else ""
    return (
        f"{image.source.name}: {image.masks.cells:,} cells, "
        f"{image.masks.origin}{edited}"
    )


def _options(saved: Mapping[str, object]) -> FigureOptions:
    """Return the saved options; invalid ones, as settings may hold, are ignored."""
    valid = {}
    for field in fields(FigureOptions):
        value, default = saved.get(field.name), field.default
        if type(value) is type(default):
            valid[field.name] = value
    return FigureOptions(**valid)  # type: ignore[arg-type]
