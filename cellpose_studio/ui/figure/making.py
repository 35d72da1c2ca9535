"""Composes a figure from the contents of the canvas; for any thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.display.composite import composite, overlay
from cellpose_studio.core.display.figure import (
    Bar,
    Figure,
    FigureOptions,
    FigureText,
    Legend,
    Outline,
    place_bar,
)
from cellpose_studio.core.display.figure_legend import hex_colour, place_legend
from cellpose_studio.core.display.scale_bar import bar_length, bar_text
from cellpose_studio.core.display.text_anchor import anchor_in
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.edge_lines import edge_lines
from cellpose_studio.core.masks.snapshot import Snapshot
from cellpose_studio.ui.canvas.appearance import ChannelAppearance, MasksAppearance
from cellpose_studio.ui.display.cell_text.provider import CellTexts

_BAND = 1024
"""Rows that are composed at once, which limits the memory."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Scene:
    """Snapshot of the contents of the canvas.

    Attributes
    ----------
    image, plane
        The image, and its indices along T and Z, 0 without such an axis.
    part
        Visible rows and columns.
    channels, masks
        Display settings; None for masks if there are none.
    labels
        Snapshot of the masks; None if there are none.
    texts
        The cell labels.
    title
        Title for the metadata of the file.
    legend
        What the colours of cells mean; None where they mean nothing.
    """

    image: ImageSource
    plane: tuple[int, int]
    part: tuple[slice, slice]
    channels: Sequence[ChannelAppearance]
    masks: MasksAppearance | None
    labels: Snapshot | None
    texts: CellTexts
    title: str
    legend: Legend | None = None


def make_figure(scene: Scene, options: FigureOptions, checkpoint: Checkpoint) -> Figure:
    """Return the figure of a scene.

    Raises
    ------
    ImageUnreadable
        If the image file is damaged or missing.
    Cancelled
        If the job was cancelled.
    """
    rows, columns = _part(scene, options.whole)
    cells = _cells(scene, rows, columns)
    rgb = _rgb(scene, rows, columns, cells if options.fill else None, checkpoint)
    scale_x = options.scale * _pixel_aspect(scene)
    figure = Figure(
        options=options,
        rgb=rgb,
        scale_x=scale_x,
        scale_y=options.scale,
        title=scene.title,
    )
    if options.outlines and cells is not None and scene.masks is not None:
        figure.outlines.extend(_outlines(cells, scene.masks, options.line_colour))
    checkpoint.check()
    if options.words and cells is not None:
        figure.texts.extend(_cell_texts(cells, scene.texts, figure))
    bar = _bar(scene.image, figure) if options.bar else None
    drawn = options.outlines or options.fill
    shown = scene.legend if options.legend and drawn and cells is not None else None
    if shown is None:
        return replace(figure, bar=bar)
    legend = place_legend(figure.size, shown, options, bar)
    return replace(figure, bar=bar, legend=legend)


def figure_size(scene: Scene, options: FigureOptions) -> tuple[int, int]:
    """Return the width and the height of a figure, in its pixels."""
    rows, columns = _part(scene, options.whole)
    width = (columns.stop - columns.start) * options.scale * _pixel_aspect(scene)
    return max(round(width), 1), max(round((rows.stop - rows.start) * options.scale), 1)


def _part(scene: Scene, whole: bool) -> tuple[slice, slice]:
    """Return the rows and columns of the image to draw."""
    height, width = scene.image.shape[3:]
    return (slice(0, height), slice(0, width)) if whole else scene.part


def _pixel_aspect(scene: Scene) -> float:
    """Return the width of a pixel divided by its height."""
    y, x = scene.image.label_scale[-2:]
    return x / y


def _cells(scene: Scene, rows: slice, columns: slice) -> npt.NDArray[np.uint32] | None:
    """Return the masks, (Y, X), of a part of the plane; None without masks."""
    if scene.labels is None:
        return None
    t, z = scene.plane
    whole = scene.labels.plane(t * scene.image.planes + z)
    return np.ascontiguousarray(whole[rows, columns])


def _rgb(
    scene: Scene,
    rows: slice,
    columns: slice,
    cells: npt.NDArray[np.uint32] | None,
    checkpoint: Checkpoint,
) -> npt.NDArray[np.uint8]:
    """Return the image as displayed, (Y, X, RGB), with filled cells if given."""
    planes = [
        (appearance, _pixels(scene, appearance)[rows, columns])
        for appearance in scene.channels
    ]
    height, width = rows.stop - rows.start, columns.stop - columns.start
    rgb = np.zeros((height, width, 3), np.uint8)
    for top in range(0, height, _BAND):
        checkpoint.reached(top, height, "Drawing the image")
        band = slice(top, min(top + _BAND, height))
        if planes:
            rgb[band] = composite(
                [appearance.of(pixels[band]) for appearance, pixels in planes]
            )
        if cells is not None and scene.masks is not None:
            appearance = scene.masks
            # The high bit marks outlines, which are drawn separately as vectors.
            drawn = appearance.picture(cells[band]) & np.uint8(0x7F)
            rgb[band] = overlay(rgb[band], drawn, appearance.table, appearance.opacity)
    return rgb


def _pixels(scene: Scene, appearance: ChannelAppearance) -> npt.NDArray[np.generic]:
    t, z = scene.plane
    if appearance.channel is None:
        return np.stack([scene.image.plane(t, c, z) for c in range(3)], axis=-1)
    return scene.image.plane(t, appearance.channel, z)


def _outlines(
    cells: npt.NDArray[np.uint32], appearance: MasksAppearance, colour: str
) -> list[Outline]:
    lines_of_cells = list(edge_lines(cells).by_cell())
    if not lines_of_cells:
        return []
    # Each cell is drawn as one pixel, which gives its colour on the canvas.
    ids = np.array([[cell for cell, _ in lines_of_cells]], np.uint32)
    values = appearance.picture(ids)[0] & np.uint8(0x7F)
    colours = [hex_colour(rgb) for rgb in appearance.table[values, :3]]
    return [
        Outline(cell, colour or own, lines)
        for (cell, lines), own in zip(lines_of_cells, colours, strict=True)
    ]


def _cell_texts(
    cells: npt.NDArray[np.uint32], texts: CellTexts, figure: Figure
) -> list[FigureText]:
    table = CellTable.of(cells)
    found = []
    for cell in table.ids().tolist():
        text, colour = texts.of(cell)
        rows, columns = table.box(cell)
        anchor = anchor_in(cells, cell, (rows, columns)) if text else None
        if anchor is not None:
            # Figures begin at the edge of the first pixel, anchors at its centre.
            x, y = (
                (anchor[1] + 0.5) * figure.scale_x,
                (anchor[0] + 0.5) * figure.scale_y,
            )
            found.append(FigureText(x, y, text, colour))
    return found


def _bar(image: ImageSource, figure: Figure) -> Bar:
    """Return the scale bar, of the chosen length or one that fits."""
    # The bar is horizontal, so the width of a pixel counts.
    size_um = image.pixel_size_um[2] or image.pixel_size_um[1]
    pixel, unit = (size_um, "µm") if size_um else (1.0, "px")
    width = figure.rgb.shape[1]
    length = figure.options.bar_length or bar_length(width * pixel)
    length = min(length, width * pixel)
    pixels = length / pixel * figure.scale_x
    text = bar_text(length, unit)
    return place_bar(figure.size, pixels, text, figure.options)
