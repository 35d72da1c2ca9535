"""Reader of ZEISS' CZI files."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from cellpose_studio.core.errors import ImageUnreadable
from cellpose_studio.core.images.image import Colour
from cellpose_studio.io.images.stored_image import Array, PixelSize, Stored, damaged
from cellpose_studio.io.images.tiff.ome_elements import parse_xml
from cellpose_studio.io.images.units import to_seconds, to_um
from cellpose_studio.io.images.vendor.czi_process import PROCESS
from cellpose_studio.io.images.vendor.planes import Planes
from cellpose_studio.io.images.vendor.scenes import apart

_PIXELS: dict[str, tuple[str, int]] = {
    "Gray8": ("u1", 1),
    "Gray16": ("u2", 1),
    "Gray32Float": ("f4", 1),
    "Bgr24": ("u1", 3),
    "Bgr48": ("u2", 3),
    "Bgr96Float": ("f4", 3),
}
"""Type of the values and number of samples, by libCZI's name of a pixel type."""

_WORDS = {
    "H": "Phase",
    "I": "Illumination",
    "R": "Rotation",
    "V": "View",
    "B": "Block",
}

_BATCH = 16
"""Planes that are read one after the other, without opening the file again."""

_IMAGE = "./Metadata/Information/Image"
_INTERVAL = f"{_IMAGE}/Dimensions/T/Positions/Interval/Increment"
_COUNTED = {"T": ("SizeT", "time points"), "Z": ("SizeZ", "planes")}


@dataclass(frozen=True)
class _Scene:
    """A scene of a file: number, None where there are none; name and place."""

    number: int | None
    name: str
    left: int
    top: int
    width: int
    height: int


def open_file(path: Path) -> list[Stored]:
    """Return the images of a CZI file, one per scene; mosaics are merged.

    Phases, illuminations, rotations and views are images of their own, and so are
    channels in colour beside others.

    Raises
    ------
    ImageUnreadable
        If it is damaged, or its pixels are of a type that cannot be shown.
    """
    content = PROCESS.describe(path)
    root = parse_xml(content["metadata"])
    if root is None:
        raise damaged(path)
    kinds = dict(enumerate(content["pixels"]))
    if not kinds:
        raise damaged(path)
    if unknown := [kind for kind in kinds.values() if kind not in _PIXELS]:
        raise ImageUnreadable(
            f"{path.name} has pixels of a type that cannot be shown: {unknown[0]}.",
            "Export it as OME-TIFF in ZEN.",
        )
    images = [
        image
        for scene in _scenes(content, root)
        for group in _groups(kinds)
        for image in _images(path, content, root, scene, group)
    ]
    if note := _missing(path, content, root):
        images[0] = replace(images[0], notes=(note,))
    return images


def _scenes(content: dict[str, Any], root: Element) -> list[_Scene]:
    names = {
        int(scene.get("Index", -1)): scene.get("Name", "")
        for scene in root.findall(f"{_IMAGE}/Dimensions/S/Scenes/Scene")
    }
    found = [
        _Scene(
            int(number), names.get(int(number)) or f"Scene {int(number) + 1}", *place
        )
        for number, place in content["scenes"].items()
    ]
    return found or [_Scene(None, "", *content["whole"])]


def _groups(kinds: dict[int, str]) -> list[dict[int, str]]:
    """Return the channels of grey values, and each one in colour, with their types."""
    grey = {c: kind for c, kind in kinds.items() if _PIXELS[kind][1] == 1}
    colour = [{c: kind} for c, kind in kinds.items() if c not in grey]
    return [*([grey] if grey else []), *colour]


def _images(
    path: Path,
    content: dict[str, Any],
    root: Element,
    scene: _Scene,
    group: dict[int, str],
) -> list[Stored]:
    channels = sorted(group)
    dtype = np.result_type(*(np.dtype(_PIXELS[kind][0]) for kind in group.values()))
    samples = _PIXELS[group[channels[0]]][1]
    starts = {axis: ends[0] for axis, ends in content["lengths"].items()}
    lengths = {
        axis: ends[1]
        for axis, ends in content["lengths"].items()
        if axis not in "CSMXY"
    }
    outer = {**lengths, "C": len(channels)}
    plane = (
        (scene.height, scene.width)
        if samples == 1
        else (scene.height, scene.width, samples)
    )
    shape = (*outer.values(), *plane)
    if min(shape) < 1:
        raise damaged(path)
    names = [_name(channel) for channel in _channels(root)]
    colours = [_colour(channel) for channel in _shown(root)]
    several = len(group) < len(content["pixels"])
    told = names[channels[0]] if several and samples > 1 and names else ""
    stored = Stored(
        axes="".join(outer) + ("YX" if samples == 1 else "YXS"),
        shape=shape,
        dtype=dtype,
        pixels=_CziPlanes(
            path, "".join(outer), starts, channels, scene, shape, len(plane), dtype
        ),
        samples=samples,
        colour=samples == 3,
        scene=" ".join(filter(None, [scene.name, told])),
        pixel_size_um=_pixel_size(root, lengths),
        interval_s=to_seconds(root.findtext(_INTERVAL) or "", "s"),
        channel_names=tuple(names[c] for c in channels if c < len(names)),
        channel_colours=tuple(colours[c] for c in channels if c < len(colours)),
    )
    return apart(stored, _WORDS, {})


def _missing(path: Path, content: dict[str, Any], root: Element) -> str:
    """Return what to say of an acquisition that was stopped; "" if it was not."""
    lengths = {axis: size for axis, (_, size) in content["lengths"].items()}
    for axis, (name, words) in _COUNTED.items():
        planned, taken = int(root.findtext(f"{_IMAGE}/{name}") or 0), lengths[axis]
        if taken < planned and content["lengths"][axis][0] == 0:
            return (
                f"{path.name} is not complete: {taken:,} of {planned:,} {words} "
                "were taken."
            )
    planned = math.prod(lengths.values()) * max(1, len(content["scenes"]))
    if content["planes"] < planned:
        return (
            f"{path.name} is not complete: {content['planes']:,} of {planned:,} planes "
            "are there; the others are black."
        )
    return ""


def _channels(root: Element) -> list[Element]:
    return root.findall(f"{_IMAGE}/Dimensions/Channels/Channel")


def _shown(root: Element) -> list[Element]:
    """Return the elements that may have the colours of the channels."""
    shown = root.findall("./Metadata/DisplaySetting/Channels/Channel")
    return shown or _channels(root)


def _name(channel: Element) -> str:
    return channel.get("Name") or channel.findtext("DyeName") or ""


def _colour(channel: Element) -> Colour | None:
    """Return a colour, which is written as #AARRGGBB or #RRGGBB."""
    try:
        digits = bytes.fromhex((channel.findtext("Color") or "").removeprefix("#"))
        red, green, blue = digits[-3:]
    except ValueError:
        return None
    return red / 255, green / 255, blue / 255


def _pixel_size(root: Element, lengths: dict[str, int]) -> PixelSize:
    """Return the sizes, which are in metres; 0 where they are not known."""
    sizes = {
        distance.get("Id"): to_um(distance.findtext("Value") or "", "m")
        for distance in root.findall("./Metadata/Scaling/Items/Distance")
    }
    z = sizes.get("Z") if lengths.get("Z", 1) > 1 else None
    return z, sizes.get("Y"), sizes.get("X")


class _CziPlanes(Planes):
    """Planes of a scene; tiles of a mosaic are put together."""

    def __init__(
        self,
        path: Path,
        axes: str,
        starts: dict[str, int],
        channels: Sequence[int],
        scene: _Scene,
        shape: tuple[int, ...],
        inner: int,
        dtype: np.dtype[Any],
    ) -> None:
        super().__init__(shape, inner, dtype)
        self._path, self._axes, self._starts = path, axes, starts
        self._channels, self._scene = channels, scene

    def planes(
        self, places: Sequence[tuple[int, ...]], inner: tuple[slice, ...]
    ) -> Iterator[Array]:
        """Yield the part ``inner`` of planes."""
        rows, columns = inner[:2]
        height, width = rows.stop - rows.start, columns.stop - columns.start
        region = (
            self._scene.left + columns.start,
            self._scene.top + rows.start,
            width,
            height,
        )
        wanted = [self._plane(place) for place in places]
        size = (height, width, *self.shape[self._outer + 2 :])
        number = self._scene.number
        # Others wait for the process meanwhile: the canvas for the planes of a run.
        for first in range(0, len(wanted), _BATCH):
            batch = wanted[first : first + _BATCH]
            for pixels in PROCESS.planes(self._path, batch, region, number):
                if math.prod(pixels.shape) != math.prod(size):
                    raise damaged(self._path)
                yield pixels.reshape(size)[(slice(None), slice(None), *inner[2:])]

    def _plane(self, place: tuple[int, ...]) -> dict[str, int]:
        at = dict(zip(self._axes, place, strict=True))
        return {
            axis: self._starts[axis] + (self._channels[n] if axis == "C" else n)
            for axis, n in at.items()
        }
