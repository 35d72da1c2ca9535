"""Flows of an image of any size, of which only parts are in memory."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from cellpose_studio.engine.flows.boxes import Box, Shape

FloatArray = npt.NDArray[np.float32]


class FlowSource(Protocol):
    """Flows that are read box by box.

    A part is a plane, or a volume, that the dynamics run on by itself.
    """

    @property
    def parts(self) -> int:
        """Number of parts."""
        ...

    @property
    def shape(self) -> Shape:
        """(Z, Y, X) of a part; Z is 1 for planes."""
        ...

    @property
    def axes(self) -> int:
        """Axes that flows point along: 2, or 3 in volumes."""
        ...

    @property
    def scale(self) -> float:
        """As in `Flows`."""
        ...

    @property
    def per_cell(self) -> bool:
        """As in `Flows`."""
        ...

    def read(self, part: int, box: Box) -> tuple[FloatArray, FloatArray]:
        """Return dP (A, z, y, x) and the cell probability (z, y, x) in a box."""
        ...

    def is_empty(self, part: int, box: Box) -> bool:
        """Return whether it is known that there are no cells in a box."""
        ...
