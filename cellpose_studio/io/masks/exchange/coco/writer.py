"""Cells as annotations in the format of the COCO data set."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.io.masks.export_format import MasksToExport

Json = dict[str, Any]
Plane = npt.NDArray[np.uint32]


def write_coco(part: Path, masks: MasksToExport) -> None:
    """Write an annotation for each cell in each plane, with runs of pixels.

    Each plane of a stack or time series is an image of its own, with ``z`` and ``t``
    beside its name. ``attributes`` hold the id of the cell. Classes of cells are
    categories; a cell without a class is of the first, "cell".
    """
    _write(part, masks, _with_runs)


def write_coco_polygons(part: Path, masks: MasksToExport) -> None:
    """Write the same with polygons along the edges of pixels.

    The format has no holes, so a slit without width leads to each of them.
    """
    _write(part, masks, _with_polygons)


def _write(
    part: Path, masks: MasksToExport, cells_of: Callable[[Plane], Iterator[Json]]
) -> None:
    labels = masks.labels.astype(np.uint32, copy=False)
    height, width = labels.shape[-2:]
    images: list[Json] = []
    annotations: list[Json] = []
    for place in np.ndindex(labels.shape[:-2]):
        index = zip(masks.axes.lower(), place, strict=False)
        image = {
            "id": len(images) + 1,
            "file_name": masks.image.path.name,
            "width": width,
            "height": height,
            **dict(index),
        }
        images.append(image)
        for cell in cells_of(labels[place]):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image["id"],
                    "category_id": 1 + masks.class_number(cell["attributes"]["cell"]),
                    "iscrowd": 0,
                    **cell,
                }
            )
    content = {
        "info": {"description": f"Masks of {masks.image.name}"},
        "licenses": [],
        "images": images,
        "categories": [
            {"id": n + 1, "name": name, "supercategory": "cell"}
            for n, name in enumerate(("cell", *masks.class_names))
        ],
        "annotations": annotations,
    }
    text = json.dumps(content, separators=(",", ":"))
    part.write_text(text, encoding="utf-8", newline="\n")


def _with_runs(plane: Plane) -> Iterator[Json]:
    # Loading the compiled loops takes time, which only callers of this function pay.
    from cellpose_studio.io.masks.exchange.coco.run_lengths import runs_of_cells

    size = [*plane.shape]
    for runs in runs_of_cells(plane):
        yield {
            "segmentation": {"size": size, "counts": runs.counts},
            "area": runs.pixels,
            "bbox": runs.box,
            "attributes": {"cell": runs.cell},
        }


def _with_polygons(plane: Plane) -> Iterator[Json]:
    from cellpose_studio.core.masks.parts import parts_of_cells
    from cellpose_studio.io.masks.exchange.coco.run_lengths import runs_of_cells
    from cellpose_studio.io.masks.exchange.coco.slits import line_with_slits

    # Both list the cells in the same order.
    both = zip(runs_of_cells(plane), parts_of_cells(plane), strict=True)
    for runs, (cell, parts) in both:
        yield {
            "segmentation": [line_with_slits(one).ravel().tolist() for one in parts],
            "area": runs.pixels,
            "bbox": runs.box,
            "attributes": {"cell": cell},
        }
