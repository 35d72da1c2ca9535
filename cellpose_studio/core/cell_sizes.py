"""How many pixels each cell has, kept up to date by every edit."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.edit import LabelEdit


class CellSizes:
    """Pixels per cell of a label image.

    Parameters
    ----------
    ids, pixels
        (N,) each, without the background.
    """

    def __init__(
        self, ids: npt.NDArray[np.integer], pixels: npt.NDArray[np.integer]
    ) -> None:
        self._pixels = dict(zip(ids.tolist(), pixels.tolist(), strict=True))

    @classmethod
    def of(cls, labels: npt.NDArray[np.uint32]) -> Self:
        """Count the pixels of all cells."""
        import fastremap

        ids, pixels = fastremap.unique(labels, return_counts=True)
        cells = ids != 0
        return cls(ids[cells], pixels[cells])

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self._pixels)

    def of_cell(self, cell: int) -> int:
        """Return how many pixels a cell has; 0 if there is none."""
        return self._pixels.get(cell, 0)

    def change(self, edit: LabelEdit) -> None:
        """Follow an edit of the label image."""
        for part in edit.parts:
            self._add(part.before, -1)
            self._add(part.after, 1)

    def _add(self, cells: npt.NDArray[np.uint32], sign: int) -> None:
        for cell, count in zip(*np.unique(cells, return_counts=True), strict=True):
            pixels = self._pixels.get(int(cell), 0) + sign * int(count)
            if cell and pixels:
                self._pixels[int(cell)] = pixels
            elif cell:
                self._pixels.pop(int(cell), None)
