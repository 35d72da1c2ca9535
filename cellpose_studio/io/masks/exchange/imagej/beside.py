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
    name = image.stem + _ENDING
    # Paths are slow to make for thousands of files.
    if among is not None and name not in among:
        return ()
    path = image.with_name(name)
    return (path,) if among is not None or path.is_file() else ()
