"""Output of a network for an image: flows and cell probability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False, kw_only=True)
class Flows:
    """Result of the first half of a run: the input of the dynamics.

    Attributes
    ----------
    dP
        Flow field (A, N, Y, X), float32, five times the unit vectors that a
        pixel follows towards the centre of its cell. A counts the axes that it
        points along: 2 (Y, X), or 3 (Z, Y, X) for a volume. N counts planes, or
        frames, or frames x planes in that order.
    cellprob
        Cell probability (N, Y, X), float32, a logit: 0 is one half.
    scale
        Network pixels per image pixel, which sets how many steps the dynamics
        take (Cellpose: 200 / scale).
    diameter
        Diameter that the run used, px.
    frames
        Time points; N is frames x planes, time first.
    per_cell
        Whether the network learned flows that were computed cell by cell; its flow
        check uses the same ones.
    agreement
        Of a volume, the IoU of the pixels above one half as seen from above and from
        the sides; None where it was not looked at.
    """

    dP: FloatArray
    cellprob: FloatArray
    scale: float
    diameter: float
    frames: int = 1
    per_cell: bool = False
    agreement: float | None = None

    @property
    def volumetric(self) -> bool:
        """Whether the flows have a Z component."""
        return self.dP.shape[0] == 3
