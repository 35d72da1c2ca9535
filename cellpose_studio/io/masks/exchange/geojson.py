"""Cells as objects of QuPath: GeoJSON files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

import numpy as np

from cellpose_studio.core.masks.labels import Points
from cellpose_studio.io.masks.export_format import MasksToExport

if TYPE_CHECKING:
    from cellpose_studio.core.masks.parts import Part


def write_geojson(part: Path, masks: MasksToExport) -> None:
    """Write a collection with a detection for each cell, in each plane.

    Lines run along the edges of pixels, in pixels of the whole image. Holes are inner
    rings, a cell in several parts is a MultiPolygon, and all of them are valid. The
    name is the id of the cell, its classification that of the project. Identifiers are
    the same in each export of the same cells, so that QuPath knows them again.
    ``plane`` is QuPath's addition to GeoJSON.
    """
    with part.open("w", encoding="utf-8", newline="\n") as file:
        file.write('{"type":"FeatureCollection","features":[\n')
        for n, feature in enumerate(_features(masks)):
            file.write(",\n" if n else "")
            file.write(json.dumps(feature, separators=(",", ":")))
        file.write("\n]}\n")


def _features(masks: MasksToExport) -> Iterator[dict[str, Any]]:
    # Loading the compiled loops takes time, which only callers of this function pay.
    from cellpose_studio.core.masks.parts import parts_of_cells

    labels = masks.labels.astype(np.uint32, copy=False)
    identity = f"{masks.image.name}/{masks.image.fingerprint}"
    for place in np.ndindex(labels.shape[:-2]):
        # The axes end in YX, for which there are no numbers.
        index = dict(zip(masks.axes, place, strict=False))
        plane = {"c": -1, "z": index.get("Z", 0), "t": index.get("T", 0)}
        for cell, parts in parts_of_cells(labels[place]):
            geometry = _geometry(parts)
            if place:
                geometry["plane"] = plane
            where = f"{identity}/{cell}/{plane['t']}/{plane['z']}"
            properties = {"objectType": "detection", "name": str(cell)}
            yield {
                "type": "Feature",
                "id": str(uuid5(NAMESPACE_URL, where)),
                "geometry": geometry,
                "properties": properties | _classification(masks, cell),
            }


def _classification(masks: MasksToExport, cell: int) -> dict[str, Any]:
    """Return the class as QuPath writes it: a name, and red, green and blue."""
    if cell not in masks.classes:
        return {}
    name, colour = masks.classes[cell]
    rgb = [int(colour[n : n + 2], 16) for n in (1, 3, 5)]
    return {"classification": {"name": name, "color": rgb}}


def _geometry(parts: list[Part]) -> dict[str, Any]:
    polygons = [[_closed(ring) for ring in one.rings] for one in parts]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def _closed(ring: Points) -> list[list[int]]:
    corners: list[list[int]] = ring.tolist()
    return [*corners, corners[0]]
