"""The ways in which napari can show masks, for label_display.py to time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.display.label_picture import (
    COLOURS,
    colour_table,
    draw_labels,
    redraw_labels,
)

Labels = npt.NDArray[np.uint32]
Box = tuple[slice, ...]

RADIUS = 10
NEW_CELL = 4_000_000_000


class Option(ABC):
    """One way to show the labels (Y, X) or (Z, Y, X), and to change those (Y, X)."""

    title: str

    def __init__(self, viewer: Any, labels: Labels) -> None:
        self.viewer = viewer
        self.labels = labels
        self.layer: Any = None

    @abstractmethod
    def show(self) -> None:
        """Add the layer, filled."""

    @abstractmethod
    def outlines(self, on: bool) -> None:
        """Show outlines instead of filled cells, or filled cells again."""

    @abstractmethod
    def dab(self, y: int, x: int) -> None:
        """Paint a disc."""

    @abstractmethod
    def put_back(self, box: Box, before: Labels) -> None:
        """Undo what was painted inside ``box``."""

    def renew(self) -> None:
        """Show what the labels have become, all of them."""
        self.layer.refresh()

    def remove(self) -> None:
        """Take the layer away again."""
        self.viewer.layers.clear()
        self.layer = None


class NapariLabels(Option):
    """Napari's own layer on the labels, with its own brush."""

    title = "A"

    def show(self) -> None:
        self._add(self.viewer.add_labels(self.labels))

    def outlines(self, on: bool) -> None:
        self.layer.contour = int(on)

    def dab(self, y: int, x: int) -> None:
        self.layer.paint((y, x), NEW_CELL)

    def put_back(self, box: Box, before: Labels) -> None:
        changed = np.nonzero(self.labels[box] != before)
        corner = (side.start for side in box)
        indices = tuple(at + start for at, start in zip(changed, corner, strict=True))
        self.layer.data_setitem(indices, before[changed])

    def _add(self, layer: Any) -> None:
        self.layer = layer
        self.layer.brush_size = 2 * RADIUS + 1


class PictureLabels(NapariLabels):
    """As before, but what is shown of the labels is our picture of them."""

    title = "A, own picture"

    def show(self) -> None:
        from napari.layers import Labels as LabelsLayer

        class Layer(LabelsLayer):
            def _raw_to_displayed(
                self, raw: Labels, data_slice: Box | None = None
            ) -> npt.NDArray[np.uint8]:
                if data_slice is None:
                    return draw_labels(raw)
                view = self._slice.image.view
                redraw_labels(view, raw, data_slice)
                return view[data_slice].copy()

        # Hidden until all is set, or each setting would draw the picture again.
        layer = Layer(self.labels, colormap=_cyclic(outlines=False), visible=False)
        # Napari then asks for the surroundings of what it painted, too.
        layer.contour = 1
        self._add(self.viewer.add_layer(layer))
        layer.visible = True

    def outlines(self, on: bool) -> None:
        with self.layer._block_refresh():  # the picture stays, the table changes
            self.layer.colormap = _cyclic(outlines=on)


class Pictures:
    """The planes of labels (…, Y, X) as pictures, drawn when napari shows them."""

    dtype = np.dtype(np.uint8)

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._plane: tuple[Any, ...] | None = None
        self.shape, self.ndim, self.size = labels.shape, labels.ndim, labels.size

    def __getitem__(self, key: tuple[Any, ...]) -> npt.NDArray[np.uint8]:
        # Napari asks for whole planes, by number or by a slice of one.
        plane = tuple(at.start if isinstance(at, slice) else at for at in key[:-2])
        if plane != self._plane:
            self.drawn = draw_labels(self._labels[plane])
            self._plane = plane
        kept = (np.newaxis for at in key[:-2] if isinstance(at, slice))
        return self.drawn[tuple(kept)]

    def forget(self) -> None:
        """Draw anew what is asked for next."""
        self._plane = None


class Derived(Option):
    """A layer on the picture of the labels, with a brush of ours."""

    def show(self) -> None:
        self.pictures = Pictures(self.labels)
        self.layer = self._added()

    def renew(self) -> None:
        self.pictures.forget()
        self.layer.refresh()

    def dab(self, y: int, x: int) -> None:
        box = slice(y - RADIUS, y + RADIUS + 1), slice(x - RADIUS, x + RADIUS + 1)
        down, right = np.ogrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1]
        self.labels[box][down**2 + right**2 <= (RADIUS + 0.5) ** 2] = NEW_CELL
        self._send(redraw_labels(self.pictures.drawn, self.labels, box))

    def put_back(self, box: Box, before: Labels) -> None:
        self.labels[box] = before
        self._send(redraw_labels(self.pictures.drawn, self.labels, box))

    @abstractmethod
    def _added(self) -> Any:
        """Add the layer and return it."""

    @abstractmethod
    def _send(self, box: Box) -> None:
        """Hand what was redrawn to OpenGL."""


class PlaneImage(Derived):
    """An Image layer; each change sends the whole plane, all that is public."""

    title = "B, whole plane"

    def _added(self) -> Any:
        return self.viewer.add_image(
            self.pictures,
            contrast_limits=(0, 255),
            colormap=_stepped(outlines=False),
            blending="translucent",
            interpolation2d="nearest",
            multiscale=False,
        )

    def outlines(self, on: bool) -> None:
        self.layer.colormap = _stepped(outlines=on)

    def _send(self, box: Box) -> None:  # noqa: ARG002
        self.layer.refresh(thumbnail=False, extent=False)


class BoxImage(PlaneImage):
    """An Image layer; each change sends a rectangle through private names."""

    title = "B, rectangle"

    def __init__(self, viewer: Any, labels: Labels) -> None:
        super().__init__(viewer, labels)
        from napari.qt import QtViewer

        self._visuals = next(iter(QtViewer._instances)).canvas.layer_to_visual

    def _send(self, box: Box) -> None:
        node = self._visuals[self.layer].node
        changed = np.ascontiguousarray(self.pictures.drawn[box])
        corner = tuple(side.start for side in box)
        node._texture.scale_and_set_data(changed, offset=corner)
        node.update()


class PictureInLabels(Derived):
    """A Labels layer on the picture; its event for brushes sends rectangles."""

    title = "C"

    def _added(self) -> Any:
        return self.viewer.add_labels(self.pictures, colormap=_cyclic(outlines=False))

    def outlines(self, on: bool) -> None:
        self.layer.colormap = _cyclic(outlines=on)

    def _send(self, box: Box) -> None:
        changed = np.ascontiguousarray(self.pictures.drawn[box])
        self.layer.events.labels_update(
            data=changed, offset=[side.start for side in box]
        )


OPTIONS = (NapariLabels, PictureLabels, PlaneImage, BoxImage, PictureInLabels)


def _colours(*, outlines: bool) -> npt.NDArray[np.float32]:
    from vispy.color import get_colormap

    rainbow = get_colormap("hsl").map(np.linspace(0, 1, COLOURS))[:, :3]
    fill = 0.0 if outlines else 0.5
    return colour_table(rainbow.astype(np.float32), fill=fill, outline=max(fill, 1.0))


def _cyclic(*, outlines: bool) -> Any:
    from napari.utils.colormaps import CyclicLabelColormap

    return CyclicLabelColormap(colors=_colours(outlines=outlines))


def _stepped(*, outlines: bool) -> Any:
    from napari.utils.colormaps import Colormap

    return Colormap(_colours(outlines=outlines), interpolation="zero")
