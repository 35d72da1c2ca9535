"""Display settings of the channels on the canvas, as plain values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from qtpy.QtCore import QObject, Signal

from cellpose_studio.core.display.channel_display import (
    ChannelDisplay,
    ChannelValues,
    auto_limits,
)
from cellpose_studio.core.display.thumbnail import sample_plane
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.ui.canvas.image_layers import (
    CHANNEL,
    SHIFT,
    VALUES,
    colormap_of,
    limits_of,
)
from cellpose_studio.ui.canvas.layers.large_image import LargeLayers

_SHOWN = {"visible", "contrast_limits", "gamma", "colormap"}
"""Events of the layers after which a channel is shown in another way."""


class Channels(QObject):
    """The channels of the image shown: their names, values and display settings.

    An RGB image counts as one channel, of which only `ChannelDisplay.visible` acts.

    Parameters
    ----------
    model
        napari's viewer model.
    """

    replaced = Signal()  # another image is shown, or none
    changed = Signal()  # settings of the present channels

    def __init__(self, model: Any) -> None:
        super().__init__()
        self._model = model
        self._image: ImageSource | None = None
        self._layers: list[Any] = []
        self._large: LargeLayers | None = None
        self._setting = False

    def set_image(
        self, image: ImageSource | None, large: LargeLayers | None = None
    ) -> None:
        """Take the layers of ``image`` from the viewer; None forgets those there."""
        self._image = image
        self._large = large
        found = [one for one in self._model.layers if CHANNEL in one.metadata]
        self._layers = found if image is not None else []
        for layer in self._layers:
            for name in _SHOWN:
                getattr(layer.events, name).connect(self._on_changed)
        self.replaced.emit()

    def __len__(self) -> int:
        return len(self._layers)

    @property
    def rgb(self) -> bool:
        """Whether the image has its own colours, which are shown as they are."""
        return self._image is not None and self._image.rgb

    @property
    def names(self) -> Sequence[str]:
        """The names of the channels."""
        if self._image is None:
            return ()
        return ("Red, green and blue",) if self.rgb else self._image.channel_names

    def displays(self) -> list[ChannelDisplay]:
        """Return the settings of all channels."""
        return [self.display(n) for n in range(len(self))]

    def display(self, channel: int) -> ChannelDisplay:
        """Return the settings of a channel."""
        layer = self._layers[channel]
        if self.rgb:
            return ChannelDisplay(visible=layer.visible)
        colour = layer.colormap.map([1.0])[0, :3]
        return ChannelDisplay(
            visible=layer.visible,
            colour=tuple(min(max(float(part), 0.0), 1.0) for part in colour),
            limits=limits_of(layer),
            gamma=float(layer.gamma),
        )

    def show(self, channel: int, display: ChannelDisplay) -> None:
        """Show a channel with other settings."""
        layer, now = self._layers[channel], self.display(channel)
        if display == now:
            return
        with self._one_signal():
            if not self.rgb:
                _set_values(layer, display, now)
            if display.visible != now.visible:
                layer.visible = display.visible

    def values(self, channel: int) -> ChannelValues | None:
        """Return which values a channel has in the middle plane; None for RGB."""
        values: ChannelValues | None = self._layers[channel].metadata.get(VALUES)
        return values

    def auto_limits(self, channel: int) -> tuple[float, float]:
        """Return limits of the contrast for the plane that is shown.

        Raises
        ------
        ImageUnreadable
            If the file is damaged there, or no longer exists.
        """
        assert self._image is not None
        t, z = self._image.frame_and_plane(self._model.dims.current_step)
        if self._large is not None:
            return self._large.limits(channel, t, z)
        return auto_limits(sample_plane(self._image, channel, t, z, shown=True))

    def values_at(self, position: Sequence[float]) -> list[tuple[str, Any]]:
        """Return the names of the visible channels, and their values at a position.

        Parameters
        ----------
        position
            World coordinates, from napari's cursor.
        """
        found = []
        if self._large is not None and self._layers:
            return self._values_of_large(position)
        for name, layer in zip(self.names, self._layers, strict=False):
            value = layer.get_value(position, world=True) if layer.visible else None
            if value is not None:
                # A 0 would make a whole number one with a decimal point.
                shift = layer.metadata.get(SHIFT)
                found.append((name, value + shift if shift else value))
        return found

    def _values_of_large(self, position: Sequence[float]) -> list[tuple[str, Any]]:
        """Return the same of a large image: what was read at full resolution."""
        assert self._large is not None
        at = [round(n) for n in self._layers[0].world_to_data(position)]
        if self.rgb:
            colours = [self._large.value(n, at) for n in range(3)]
            return [] if None in colours else [(self.names[0], colours)]
        found = [
            (name, self._large.value(n, at))
            for n, name in enumerate(self.names)
            if self._layers[n].visible
        ]
        return [(name, value) for name, value in found if value is not None]

    @contextmanager
    def _one_signal(self) -> Iterator[None]:
        """Emit `changed` once after several settings of a channel."""
        self._setting = True
        try:
            yield
        finally:
            self._setting = False
        self.changed.emit()

    def _on_changed(self, _: Any) -> None:
        if not self._setting:
            self.changed.emit()


def _set_values(layer: Any, display: ChannelDisplay, now: ChannelDisplay) -> None:
    """Set what differs: napari would draw the layer again for equal values too."""
    if display.limits != now.limits:
        shift = layer.metadata.get(SHIFT, 0)
        layer.contrast_limits = [limit - shift for limit in display.limits]
    if display.gamma != now.gamma:
        layer.gamma = display.gamma
    if display.colour != now.colour:
        layer.colormap = colormap_of(display.colour)
