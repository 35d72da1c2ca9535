"""Reads annotations in the format of the COCO data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from cellpose_studio.core.errors import MasksUnreadable
from cellpose_studio.io.masks.exchange.extent import ImageExtent
from cellpose_studio.io.masks.exchange.regions import FoundRegions, Region, Ring

Json = dict[str, Any]


def extent_of_coco(content: Any, path: Path) -> ImageExtent:
    """Return the size of the only image that a file describes.

    Raises
    ------
    MasksUnreadable
        If it describes several.
    KeyError, TypeError, ValueError
        If it is damaged.
    """
    images = content["images"]
    names = {image["file_name"] for image in images}
    if len(names) != 1:
        raise MasksUnreadable(
            f"{path.name} describes {len(names)} images.",
            "Put it beside one of them, and open both together.",
        )
    return ImageExtent(
        name=PurePosixPath(names.pop()).name,
        frames=max(int(image.get("t", 0)) for image in images) + 1,
        planes=max(int(image.get("z", 0)) for image in images) + 1,
        height=int(images[0]["height"]),
        width=int(images[0]["width"]),
    )


def regions_of_coco(content: Any, extent: ImageExtent, path: Path) -> FoundRegions:
    """Return the annotations of an image; bounding boxes alone are left out.

    A file may describe many images: the one with the name of ``extent`` counts, or the
    only one.

    Raises
    ------
    MasksUnreadable
        If it does not describe the image, or one of another size.
    KeyError, TypeError, ValueError
        If it is damaged.
    """
    images = {image["id"]: image for image in _images(content["images"], extent, path)}
    found = FoundRegions()
    for annotation in content["annotations"]:
        image = images.get(annotation["image_id"])
        if image is None:
            continue
        segmentation = annotation.get("segmentation")
        if not segmentation:
            found.left_out["bounding box"] += 1
            continue
        found.regions.append(
            Region(
                cell=_cell(annotation),
                t=int(image.get("t", 0)),
                z=int(image.get("z", 0)),
                **_pixels(segmentation, extent),
            )
        )
    return found


def _images(images: Sequence[Json], extent: ImageExtent, path: Path) -> list[Json]:
    """Return the entries of an image: one, or one for each of its planes."""
    names = {image["file_name"] for image in images}
    of_name = [
        image
        for image in images
        if PurePosixPath(image["file_name"].replace("\\", "/")).name == extent.name
    ]
    chosen = of_name or (images if len(names) == 1 or not extent.name else [])
    if not chosen:
        raise MasksUnreadable(
            f"{path.name} describes {len(names)} images, but none that is named "
            f"{extent.name}."
        )
    for image in chosen:
        size = int(image["height"]), int(image["width"])
        if size != (extent.height, extent.width):
            raise MasksUnreadable(
                f"{path.name} describes an image of {size[1]} × {size[0]} pixels, but "
                f"{extent.name or 'this one'} has {extent.width} × {extent.height}.",
                "Check that they belong together.",
            )
    return [*chosen]


def _pixels(segmentation: Any, extent: ImageExtent) -> Json:
    """Return the lines or the runs of an annotation."""
    from cellpose_studio.io.masks.exchange.coco.run_lengths import decoded_runs

    if isinstance(segmentation, list):
        return {"areas": [[_ring(line)] for line in segmentation]}
    counts = segmentation["counts"]
    runs = (
        decoded_runs(counts)
        if isinstance(counts, str)
        else np.array(counts, np.int64).reshape(-1)
    )
    height, width = segmentation["size"]
    if (height, width) != (extent.height, extent.width):
        raise ValueError("runs of another image")
    # A sum of huge numbers could wrap around, and fit again.
    size = extent.height * extent.width
    if runs.min(initial=0) < 0 or runs.max(initial=0) > size or runs.sum() > size:
        raise ValueError("runs of another image")
    return {"runs": runs}


def _ring(line: list[float]) -> Ring:
    ring = np.array(line, np.float64).reshape(-1, 2)
    if not np.isfinite(ring).all():
        raise ValueError("a corner is not a number")
    return ring


def _cell(annotation: Json) -> int | None:
    """Return the id of a cell, which this program writes beside its pixels."""
    attributes = annotation.get("attributes")
    cell = attributes.get("cell") if isinstance(attributes, dict) else None
    return cell if isinstance(cell, int) else None
