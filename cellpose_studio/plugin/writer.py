"""Saves layers of napari as a project."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from cellpose_studio.app.project.project import Project
from cellpose_studio.app.runs.imported import imported_labels
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.errors import CannotSave, MasksUnreadable
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.io.atomic import replacing
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.masks.imported import ImportedMasks, label_image, to_json_values
from cellpose_studio.plugin.layers import (
    Attributes,
    LayerData,
    image_of,
    pixels,
)


def write_project(path: str, layers: list[LayerData]) -> list[str]:
    """Write a new project with images, and the masks that fit them.

    Pixels are written as OME-TIFF into a folder beside the project, because a project
    refers to files. Each image layer becomes an image.

    Returns
    -------
    The path of the project.

    Raises
    ------
    CannotSave
        If something is at ``path`` already, or it cannot be written.
    ImageUnreadable, MasksUnreadable
        If a layer cannot be an image, or masks fit none.
    """
    place = Path(path)
    if place.exists():
        raise CannotSave(
            f"{place.name} exists already.",
            "Choose another name; a project is never replaced.",
        )
    images = [
        image_of([(data, about)], str(about.get("name") or "image"))
        for data, about, kind in layers
        if kind == "image"
    ]
    masks = [(data, about) for data, about, kind in layers if kind == "labels"]
    # All of it is checked before anything is written.
    owners = [_image_for(data, about, images) for data, about in masks]
    read = [
        (label_image(np.asarray(pixels(data)), Path(_name(about))), about)
        for data, about in masks
    ]
    folder = place.with_name(f"{place.stem} images")
    _make(folder)
    try:
        files = [_write(image, folder, n) for n, image in enumerate(images, 1)]
        project = Project.create(place)
        try:
            _fill(Session(project), files, read, owners)
        finally:
            project.close()
    except BaseException:
        # Nothing was at either place before.
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            place.unlink(missing_ok=True)
        raise
    return [path]


def _name(about: Attributes) -> str:
    return str(about.get("name") or "cells")


def _fill(
    session: Session,
    files: Sequence[Path],
    masks: Sequence[tuple[ImportedMasks, Attributes]],
    owners: Sequence[int],
) -> None:
    added = [session.add(open_images(file))[0] for file in files]
    for (read, about), owner in zip(masks, owners, strict=True):
        image = added[owner]
        details = to_json_values(dict(about.get("metadata") or {}))
        labels = imported_labels(image.free_name(_name(about)), read, image.source)
        session.import_masks(image, labels, details)
        session.choose_label_set(image, labels.name)


def _image_for(data: Any, about: Attributes, images: Sequence[ImageSource]) -> int:
    """Return which image of their shape masks belong to.

    Of several, it is one that they are named after, or the first.
    """
    shape, name = tuple(pixels(data).shape), str(about.get("name"))
    fitting = [n for n, image in enumerate(images) if image.label_shape == shape]
    if not fitting:
        raise MasksUnreadable(
            f"{name} has the shape {shape}, which no image layer has.",
            "Save masks together with their image.",
        )
    named = (n for n in fitting if name.startswith(images[n].name))
    return next(named, fitting[0])


def _make(folder: Path) -> None:
    """Make the new folder of the images."""
    try:
        folder.mkdir()
    except OSError as error:
        raise CannotSave(
            f"The folder {folder.name} for the images cannot be made: "
            f"{error.strerror}.",
            "Choose another name for the project.",
        ) from error


def _write(image: ImageSource, folder: Path, number: int) -> Path:
    """Write an image under a name that no other one has."""
    import tifffile

    name = "".join(c if c.isalnum() or c in " -_." else "-" for c in image.name)
    file = folder / f"{number:02d} {name.strip('. ')}.ome.tif"
    z, y, x = image.pixel_size_um
    sizes = {"PhysicalSizeX": x, "PhysicalSizeY": y, "PhysicalSizeZ": z}
    known: dict[str, Any] = {key: size for key, size in sizes.items() if size}
    stored = image.reader.read(tuple(slice(0, n) for n in image.shape))
    if image.rgb:
        # As colours of each pixel, which a viewer shows as they are.
        stored = np.moveaxis(stored, 1, -1)
    with replacing(file) as part:
        tifffile.imwrite(
            part,
            stored,
            ome=True,
            photometric="rgb" if image.rgb else "minisblack",
            metadata={"axes": "TZYXS" if image.rgb else "TCZYX", **known},
        )
    return file
