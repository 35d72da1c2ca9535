"""Reads the objects of QuPath: GeoJSON files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from cellpose_studio.io.masks.exchange.regions import (
    FoundRegions,
    Region,
    Ring,
    ellipse,
)

Json = dict[str, Any]

_NO_CELLS = {"tile": "tile", "tmaCore": "TMA core", "root": "whole image"}
"""Objects of QuPath that are no cells."""


def regions_of_geojson(content: Any) -> FoundRegions:
    """Return the areas of a GeoJSON document: a collection, a list, or one object.

    Raises
    ------
    KeyError, TypeError, ValueError
        If it is damaged.
    """
    found = FoundRegions()
    for feature in _features(content):
        properties = feature.get("properties") or {}
        if kind := _NO_CELLS.get(str(properties.get("objectType"))):
            found.left_out[kind] += 1
            continue
        geometry = feature["geometry"]
        areas = [*_areas(geometry, found.left_out)]
        if areas:
            plane = geometry.get("plane") or {}
            found.regions.append(
                Region(
                    cell=_number(properties.get("name")),
                    t=int(plane.get("t", 0)),
                    z=int(plane.get("z", 0)),
                    areas=areas,
                )
            )
    return found


def _features(content: Any) -> Iterator[Json]:
    if isinstance(content, list):
        yield from content
    elif content["type"] == "FeatureCollection":
        yield from content["features"]
    elif content["type"] == "Feature":
        yield content
    else:
        yield {"geometry": content}


def _areas(geometry: Json, left_out: Counter[str]) -> Iterator[list[Ring]]:
    """Yield the lines of each polygon: its outline, and holes in it."""
    kind = geometry["type"]
    if kind == "GeometryCollection":
        for one in geometry["geometries"]:
            yield from _areas(one, left_out)
    elif kind in ("Polygon", "MultiPolygon"):
        given = geometry["coordinates"]
        for polygon in [given] if kind == "Polygon" else given:
            rings = [_ring(line) for line in polygon]
            if geometry.get("isEllipse"):
                # QuPath writes few corners for it, and restores it from their box.
                rings = [ellipse(rings[0].min(axis=0), rings[0].max(axis=0))]
            if rings:
                yield rings
    else:
        left_out[{"Point": "point", "MultiPoint": "point"}.get(kind, "line")] += 1


def _ring(line: list[list[float]]) -> Ring:
    ring = np.array([corner[:2] for corner in line], np.float64).reshape(-1, 2)
    if not np.isfinite(ring).all():
        raise ValueError("a corner is not a number")
    return ring


def _number(name: object) -> int | None:
    return int(name) if isinstance(name, str) and name.isdecimal() else None
