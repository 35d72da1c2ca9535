"""Outlines of cells as text."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cellpose_studio.core.masks.labels import contours, polygons
from cellpose_studio.io.masks.export_format import MasksToExport


def write_outlines(part: Path, masks: MasksToExport) -> None:
    """Write one line ``x0,y0,x1,y1…`` for each cell of a plane.

    Coordinates are those of border pixels, as in Cellpose's file of that name. There,
    a cell with no more than 4 of them has an empty line, at which Cellpose's macro for
    ImageJ stops; here it has the corners of its pixels.
    """
    numbered = masks.numbered
    found = contours(numbered)
    tiny = [cell for cell, line in found.items() if len(line) <= 4]
    corners = polygons(np.where(np.isin(numbered, tiny), numbered, 0))
    lines = (max(corners.get(cell, [found[cell]]), key=len) for cell in found)
    text = "".join(",".join(map(str, line.ravel())) + "\n" for line in lines)
    # Without this newline, Windows would end the lines differently.
    part.write_text(text, encoding="ascii", newline="\n")
