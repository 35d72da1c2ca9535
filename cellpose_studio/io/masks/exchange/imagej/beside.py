"""Finds regions of ImageJ that are named after an image."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

_ENDING = "_rois.zip"
"""Of what this program and Cellpose write for ImageJ."""


def rois_beside(image: Path, among: Collection[str] | None = None) -> tuple[Path, ...]:
    """Return the regions that are named after an image: a_rois.zip for a.tif.

    ``among`` has the names beside it, if they are known.
    """
    path = image.with_name(image.stem + _ENDING)
    there = path.is_file() if among is None else path.name in among
    return (path,) if there else ()
