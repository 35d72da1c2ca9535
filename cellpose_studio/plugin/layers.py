"""Images and masks of Cellpose Studio as layers of napari, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.errors import ImageUnreadable
from cellpose_studio.core.images.image import (
    ChannelPixels,
    ColourPixels,
    ImageSource,
)

LayerData = tuple[Any, dict[str, Any], str]
"""Pixels, attributes and kind of a layer, as plugins of napari give them."""

Attributes = Mapping[str, Any]
"""Of a layer: its name, scale, units and so on."""

_AXES = {2: "YX", 3: "ZYX", 4: "TZYX"}
"""What the axes of a layer are where it does not name them."""
_TO_MICROMETRES = {"micrometer": 1.0, "nanometer": 1e-3, "millimeter": 1e3}


def layers_of(image: ImageSource) -> list[LayerData]:
    """Return a layer for each channel of an image, whose pixels are read when shown."""
    known = placement(image)
    if image.rgb:
        return [
            (ColourPixels(image), {**known, "name": image.name, "rgb": True}, "image")
        ]
    return [
        (
            ChannelPixels(image, channel),
            {
                **known,
                "name": f"{image.name} {name}" if image.channels > 1 else image.name,
                "blending": "additive",
            },
            "image",
        )
        for channel, name in enumerate(image.channel_names)
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
