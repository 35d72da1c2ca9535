"""Reader of OME-Zarr images."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from cellpose_studio.core.errors import ImageUnreadable
from cellpose_studio.core.images.image import Colour
from cellpose_studio.core.wording import first_names
from cellpose_studio.io.images.stored_image import (
    PixelSize,
    Stored,
    damaged,
)
from cellpose_studio.io.images.units import step_ratio, to_seconds, to_um
from cellpose_studio.io.images.zarr_pixels import ZarrPixels, attributes, inner_folder

Json = dict[str, Any]

_VERSIONS = ("0.1", "0.2", "0.3", "0.4", "0.5")

_HOLDS_IMAGES = ("multiscales", "plate", "bioformats2raw.layout")

_OPEN_AXIS = "?"

# Axes of versions before 0.3, which do not list them.
_FIRST_AXES = [{"name": name} for name in "tczyx"]


def is_ome_zarr(folder: Path) -> bool:
    """Return whether a folder has the metadata of an OME-Zarr, even damaged ones."""
    try:
        return any(key in _ome(folder) for key in _HOLDS_IMAGES)
    except OSError:
        return False
    # JSON that is nested too deeply raises RecursionError.
    except (ValueError, RecursionError):
        return True


def open_ome_zarr(folder: Path) -> list[Stored]:
    """Return the images of an OME-Zarr at full resolution: one, a series, or a plate.

    Raises
    ------
    ImageUnreadable
        If its metadata are invalid, or of a version after 0.5.
    """
    missing: list[Path] = []
    found = []
    for image in _image_folders(folder, missing):
        try:
            found.append(_image(image, folder))
        except FileNotFoundError:
            # The caller distinguishes a folder that does not exist from one that is
            # damaged.
            if image == folder:
                raise
            missing.append(image)
    if missing and not found:
        raise damaged(folder)
    if missing:
        # The note is about the whole file, so one image has it.
        found[0] = replace(found[0], notes=(_told(missing, folder),))
    return found


def _told(missing: list[Path], folder: Path) -> str:
    names = [path.relative_to(folder).as_posix() for path in missing]
    return (
        f"{folder.name} is not complete: {first_names(names)} of what it lists cannot "
        "be found."
    )


def _ome(folder: Path) -> Json:
    """Return the OME metadata, which are nested one level deeper since version 0.5."""
    found = attributes(folder)
    ome: Json = found.get("ome", found)
    return ome


def _image_folders(folder: Path, missing: list[Path]) -> Iterator[Path]:
    """Yield the folders of single images, in the order of the metadata.

    Wells that are not there are added to ``missing``.
    """
    ome = _ome(folder)
    if "multiscales" in ome:
        yield folder
    elif "plate" in ome:
        for well in ome["plate"]["wells"]:
            inside = inner_folder(folder, well["path"])
            try:
                fields = _ome(inside)["well"]["images"]
            except FileNotFoundError:
                missing.append(inside)
                continue
            for field in fields:
                yield inner_folder(inside, field["path"])
    else:
        for name in _series(folder):
            yield inner_folder(folder, name)


def _series(folder: Path) -> list[str]:
    """Return the images of a converted file: as listed, or else numbered from 0."""
    listed = _ome(folder / "OME").get("series") if (folder / "OME").is_dir() else None
    if listed:
        return [str(name) for name in listed]
    numbers = [p.name for p in folder.iterdir() if p.name.isdecimal() and p.is_dir()]
    # As text, 10 would come before 2.
    return sorted(numbers, key=int)


def _image(folder: Path, root: Path) -> Stored:
    ome = _ome(folder)
    multiscale = ome["multiscales"][0]
    # Version 0.5 moved its number from the multiscales to the level above.
    _check_version(ome.get("version", multiscale.get("version")), root)
    # The levels of resolution are listed from the highest to the lowest.
    dataset = multiscale["datasets"][0]
    pixels = ZarrPixels(inner_folder(folder, dataset["path"]), root)
    axes = [_as_dict(axis) for axis in multiscale.get("axes", _FIRST_AXES)]
    if len(axes) != len(pixels.shape):
        raise damaged(root)
    scales = [
        transformation.get("scale")
        for level in (dataset, multiscale)
        for transformation in level.get("coordinateTransformations") or ()
        if transformation["type"] == "scale"
    ]
    return Stored(
        axes="".join(map(_letter, axes)),
        shape=pixels.shape,
        dtype=pixels.dtype,
        pixels=pixels,
        scene="" if folder == root else folder.relative_to(root).as_posix(),
        pixel_size_um=_pixel_size(axes, scales),
        step_ratio=_step_ratio(axes, scales),
        interval_s=_interval_s(axes, scales),
        channel_names=_channel_names(ome),
        channel_colours=_channel_colours(ome),
    )


def _check_version(version: object, root: Path) -> None:
    if version is not None and not str(version).startswith(_VERSIONS):
        raise ImageUnreadable(
            f"{root.name} is an OME-Zarr of version {version}; those up to "
            f"{_VERSIONS[-1]} can be read.",
            "Convert it to an older version.",
        )


def _as_dict(axis: Json | str) -> Json:
    """Return an axis as a dictionary; version 0.3 stores its name only."""
    return {"name": axis} if isinstance(axis, str) else axis


def _letter(axis: Json) -> str:
    name = str(axis["name"]).upper()
    # The name of an axis is up to the writer, but its type is one of a few fixed words.
    by_type = {"channel": "C", "time": "T"}.get(str(axis.get("type")))
    return by_type or (name if name in list("TCZYX") else _OPEN_AXIS)


def _pixel_size(axes: list[Json], scales: list[list[float] | None]) -> PixelSize:
    """Return the sizes in µm; scales of the level and of all levels multiply."""
    sizes = _sizes(axes, scales)
    um = {a: to_um(size, unit) for a, (size, unit) in sizes.items()}
    return um.get("Z"), um.get("Y"), um.get("X")


def _step_ratio(axes: list[Json], scales: list[list[float] | None]) -> float | None:
    """Return the Z step over the size of a pixel; it needs no unit."""
    sizes = _sizes(axes, scales)
    if not {"Z", "Y"} <= sizes.keys():
        return None
    (z, z_unit), (y, y_unit) = sizes["Z"], sizes["Y"]
    return step_ratio(z, y, z_unit, y_unit)


def _interval_s(axes: list[Json], scales: list[list[float] | None]) -> float | None:
    """Return the seconds between time points; None without a unit of time."""
    return to_seconds(*_sizes(axes, scales).get("T", (0.0, "")))


def _sizes(
    axes: list[Json], scales: list[list[float] | None]
) -> dict[str, tuple[float, str]]:
    """Return the size of a pixel along each axis, and its unit or "".

    It is empty where there are none, or they do not fit the axes.
    """
    if not scales or any(s is None or len(s) != len(axes) for s in scales):
        return {}
    sizes = {}
    for n, axis in enumerate(axes):
        size = math.prod(float(scale[n]) if scale else 1.0 for scale in scales)
        # Some writers say "units".
        sizes[_letter(axis)] = size, str(axis.get("unit") or axis.get("units") or "")
    return sizes


def _channel_names(ome: Json) -> tuple[str, ...]:
    channels = (ome.get("omero") or {}).get("channels") or ()
    return tuple(str(channel.get("label") or "") for channel in channels)


def _channel_colours(ome: Json) -> tuple[Colour | None, ...]:
    channels = (ome.get("omero") or {}).get("channels") or ()
    return tuple(_colour(str(channel.get("color") or "")) for channel in channels)


def _colour(digits: str) -> Colour | None:
    """Return a colour of six hexadecimal digits; None for anything else."""
    try:
        red, green, blue = bytes.fromhex(digits.removeprefix("#"))
    except ValueError:
        return None
    return red / 255, green / 255, blue / 255
