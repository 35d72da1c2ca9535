"""Images and masks of Cellpose Studio as layers of napari, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.display.channel_display import (
    COLOURS,
    ChannelDisplay,
    auto_limits,
    first_colours,
)
from cellpose_studio.core.display.thumbnail import sample_plane
from cellpose_studio.core.errors import ImageUnreadable
from cellpose_studio.core.images.image import (
    ChannelPixels,
    Colour,
    ColourPixels,
    ImageSource,
)

LayerData = tuple[Any, dict[str, Any], str]
"""Pixels, attributes and kind of a layer, as plugins of napari give them."""

Attributes = Mapping[str, Any]
"""Of a layer: its name, scale, units and so on."""

_AXES = {2: "YX", 3: "ZYX", 4: "TZYX"}
"""What the axes of a layer are where it does not name them."""
_COLORMAPS = {
    COLOURS[name]: "gray" if name == "Grey" else name.lower()
    for name in ("Grey", "Cyan", "Magenta", "Yellow", "Green", "Red", "Blue")
}
"""Names that napari has for colours."""

_TO_MICROMETRES = {"micrometer": 1.0, "nanometer": 1e-3, "millimeter": 1e3}


def layers_of(
    image: ImageSource, displays: Sequence[ChannelDisplay] = ()
) -> list[LayerData]:
    """Return a layer for each channel of an image, whose pixels are read when shown.

    Parameters
    ----------
    displays
        How its channels are shown; as at first in the window, if they are not known.

    Raises
    ------
    ImageUnreadable
    """
    known = {**placement(image), "name": image.name}
    if image.rgb:
        visible = displays[0].visible if len(displays) == 1 else True
        about = {**known, "rgb": True, "visible": visible}
        return [(ColourPixels(image), about, "image")]
    shown = displays if len(displays) == image.channels else _first_displays(image)
    return [
        (
            ChannelPixels(image, channel),
            {
                **known,
                "name": f"{image.name} {name}" if image.channels > 1 else image.name,
                "blending": "additive",
                "colormap": _colormap(one.colour),
                "contrast_limits": one.limits,
                "gamma": one.gamma,
                # To napari, black is the end of a map that begins with white.
                "visible": one.visible and any(one.colour),
            },
            "image",
        )
        for channel, (name, one) in enumerate(
            zip(image.channel_names, shown, strict=True)
        )
    ]


def _colormap(colour: Colour) -> str:
    """Return the name of napari's map from black to a colour."""
    hexadecimal = "#" + "".join(f"{round(255 * part):02x}" for part in colour)
    return _COLORMAPS.get(colour, hexadecimal)


def _first_displays(image: ImageSource) -> list[ChannelDisplay]:
    return [
        ChannelDisplay(colour=colour, limits=auto_limits(sample_plane(image, channel)))
        for channel, colour in enumerate(first_colours(image))
    ]


def placement(image: ImageSource) -> dict[str, Any]:
    """Return napari's scale, units and axis labels of an image and its masks."""
    return {
        "scale": image.label_scale,
        "units": [*image.label_units],
        "axis_labels": [*image.label_axes],
    }


@dataclass(frozen=True)
class _Arrays:
    """Reads the channels of an image from arrays, which may be lazy.

    Attributes
    ----------
    channels
        One array for each channel, or a single one with the colours as last axis.
    axes
        The letters of the axes of each, without the colours.
    rgb
        Whether the colours are the last axis.
    """

    channels: Sequence[Any]
    axes: str
    rgb: bool

    def read(self, region: tuple[slice, ...]) -> npt.NDArray[np.generic]:
        """Return the pixels of ``region`` (five slices) as a TCZYX array."""
        index = tuple(region["TCZYX".index(axis)] for axis in self.axes)
        if self.rgb:
            colours = np.asarray(self.channels[0][(*index, region[1])])
            parts = list(np.moveaxis(colours, -1, 0))
        else:
            parts = [np.asarray(part[index]) for part in self.channels[region[1]]]
        return np.stack([self._five_axes(part)[:, 0] for part in parts], axis=1)

    def _five_axes(self, part: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        missing = ["TCZYX".index(a) for a in "TCZ" if a not in self.axes]
        return np.expand_dims(part, tuple(missing))


def image_of(layers: Sequence[tuple[Any, Attributes]], name: str) -> ImageSource:
    """Return an image whose channels are layers of napari.

    Parameters
    ----------
    layers
        Pixels and attributes of each; all have the same shape.
    name
        Of the image, for messages and records.

    Raises
    ------
    ImageUnreadable
        If they have axes that an image cannot have, or do not fit together.
    """
    arrays, attributes = [pixels(data) for data, _ in layers], layers[0][1]
    rgb = bool(attributes.get("rgb"))
    shape = tuple(arrays[0].shape[:-1] if rgb else arrays[0].shape)
    if len(arrays) > 1 and (rgb or any(tuple(a.shape) != shape for a in arrays)):
        raise ImageUnreadable(
            f"{name} is made of layers of different shapes.",
            "Choose layers of one size; each becomes a channel.",
        )
    axes = _axes(attributes.get("axis_labels", ()), len(shape), name)
    lengths = dict(zip(axes, shape, strict=True))
    channels = 3 if rgb else len(arrays)
    names = [str(a.get("name") or f"Channel {n}") for n, (_, a) in enumerate(layers, 1)]
    return ImageSource(
        path=Path(name.replace("/", "-")),
        scene="",
        shape=(
            lengths.get("T", 1),
            channels,
            lengths.get("Z", 1),
            lengths["Y"],
            lengths["X"],
        ),
        dtype=np.dtype(arrays[0].dtype),
        file_axes=axes + ("S" if rgb else ""),
        pixel_size_um=_pixel_size(axes, attributes),
        channel_names=("Red", "Green", "Blue") if rgb else tuple(names),
        rgb=rgb,
        fingerprint="",
        reader=_Arrays(arrays, axes, rgb),
    )


def pixels(data: Any) -> Any:
    """Return the array of a layer; of several resolutions, the highest."""
    return data if hasattr(data, "dtype") else data[0]


def _axes(labels: Sequence[str], count: int, name: str) -> str:
    if count not in _AXES:
        raise ImageUnreadable(
            f"{name} has {count} axes, but an image has two to four here: time, Z, Y "
            "and X. Channels are layers of their own.",
            "Split its channels with Layers > Split Stack.",
        )
    letters = "".join(label.upper() for label in labels)
    # Unnamed axes are called "axis -2" and so on.
    known = len(letters) == count and letters in ("YX", "TYX", "ZYX", "TZYX")
    return letters if known else _AXES[count]


def _pixel_size(
    axes: str, attributes: Attributes
) -> tuple[float | None, float | None, float | None]:
    """Return the size of a pixel along Z, Y and X in µm, None where it is unknown."""
    scale = attributes.get("scale")
    units = attributes.get("units")
    if scale is None or units is None:
        return None, None, None
    given = [units] * len(axes) if isinstance(units, str) else [*map(str, units)]
    known = {
        axis: float(step) * _TO_MICROMETRES[unit]
        for axis, step, unit in zip(axes, scale, given, strict=True)
        if unit in _TO_MICROMETRES
    }
    return known.get("Z"), known.get("Y"), known.get("X")
