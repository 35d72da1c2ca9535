"""The pixels of compartments: label images with the ids of the cells."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.measure.compartments.matching import NucleiInCells
from cellpose_studio.core.measure.scale import Scale

Labels = npt.NDArray[np.uint32]

_CHECK_EACH = 256
"""Cells after which a ring asks whether it is still wanted."""


def nuclei_of_cells(nuclei: Labels, found: NucleiInCells, in_time: bool) -> Labels:
    """Return nuclei with the ids of their cells; orphans are left out.

    Nuclei of one cell have one id.
    """
    result = np.zeros_like(nuclei)
    for time, frame in enumerate(_frames(nuclei, in_time)):
        here = found.nuclei.times == time
        ids, owners = found.nuclei.ids[here], found.owners[here]
        inside = frame > 0
        out = result[time] if in_time else result
        out[inside] = owners[np.searchsorted(ids, frame[inside])]
    return result


def cytoplasm(cells: Labels, nuclei: Labels) -> Labels:
    """Return cells without the pixels of nuclei, of whichever cell and of orphans."""
    return np.where(nuclei > 0, np.uint32(0), cells)


def rings(
    own: Labels,
    around: Labels,
    width: float,
    scale: Scale,
    in_time: bool = False,
    checkpoint: Checkpoint | None = None,
) -> Labels:
    """Return the part of the cytoplasm around the nucleus of each cell.

    Parameters
    ----------
    own
        Nuclei with the ids of their cells.
    around
        The cytoplasm, as `cytoplasm` returns it.
    width
        Of the ring, in heights of a pixel: distance to the closest pixel of a nucleus
        of the same cell.
    scale
        For the proportions of a pixel.
    in_time
        Whether the first axis is time: rings do not reach over it.

    Raises
    ------
    Cancelled
    """
    from scipy.ndimage import distance_transform_edt

    checkpoint = checkpoint or Checkpoint()
    result = np.zeros_like(around)
    for time, frame in enumerate(_frames(own, in_time)):
        cell_pixels = around[time] if in_time else around
        out = result[time] if in_time else result
        steps = scale.steps[-frame.ndim :]
        margins = [int(width / step) for step in steps]
        table = CellTable.of(frame)
        for n, cell in enumerate(table.ids().tolist()):
            if n % _CHECK_EACH == 0:
                checkpoint.check()
            # What lies further from the nucleus than the ring is wide is not looked at.
            box = tuple(
                slice(max(side.start - more, 0), side.stop + more)
                for side, more in zip(table.box(cell), margins, strict=True)
            )
            distances = distance_transform_edt(frame[box] != cell, sampling=steps)
            ring = (distances <= width) & (cell_pixels[box] == cell)
            out[box][ring] = cell
    return result


def _frames(labels: Labels, in_time: bool) -> Iterator[Labels]:
    return iter(labels) if in_time else iter([labels])
