"""Where the pixels of an image end when they follow its flows, for any threshold.

Only pixels above the threshold of cell probability flow, and only there are the flows
not zero. So a pixel may end elsewhere for another threshold, but only if one of the
pixels that it passes lies between the two thresholds. It is recorded for which
thresholds none does, and only the other pixels are carried again.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from cellpose_studio.engine.masks import trajectories
from cellpose_studio.engine.threads import run_parts

FloatArray = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

MOST_PIXELS = 2**30
"""Size of a plane or volume from which on 32 bits may not hold its indices."""

_AT_ONCE = 5_000_000
"""Pixels times steps between two checks: a tenth of a second at most."""


class PixelEnds:
    """Carries pixels along flows on the CPU, by as many threads as torch uses.

    The result is that of Cellpose's ``dynamics.steps_interp``, to the last bit.

    Parameters
    ----------
    dP
        Flow field (A, ...) along the A axes of a plane or volume, five times the unit
        vectors.
    cellprob
        Cell probability of the same pixels, fewer than `MOST_PIXELS`.

    Attributes
    ----------
    rested
        After how many steps all pixels that were carried were at rest, as `carry` says.
    """

    def __init__(self, dP: FloatArray, cellprob: FloatArray) -> None:
        # A plane is a volume of one plane, which nothing crosses.
        self._shape = shape = (1, *cellprob.shape)[-3:]
        self._dP = dP.reshape(-1, *shape)
        self._cellprob = np.ascontiguousarray(cellprob.reshape(shape))
        size = cellprob.size
        self._steps = self.rested = 0
        self._ends = np.zeros(size, np.int32)
        # At first, the range of thresholds is empty for every pixel.
        self._low = np.full(size, trajectories.NO_LIMIT, np.int16)
        self._high = np.full(size, -trajectories.NO_LIMIT, np.int16)

    def at(
        self, threshold: float, steps: int, check: Callable[[], None]
    ) -> npt.NDArray[np.int32]:
        """Return the flat index that each pixel reaches after ``steps``.

        Parameters
        ----------
        threshold
            Pixels that are not more probable are not carried; their values mean
            nothing.
        check
            Called several times a second; its exceptions propagate. What has been
            computed by then is kept.
        """
        limit = np.float32(threshold)
        if steps != self._steps:
            self._low.fill(trajectories.NO_LIMIT)
            self._high.fill(-trajectories.NO_LIMIT)
            self._steps, self.rested = steps, 0
        pixels = trajectories.find_unknown(
            self._cellprob.reshape(-1), limit, self._low, self._high
        )
        check()
        if len(pixels):
            self._carry(pixels, limit, check)
        return self._ends

    def _carry(
        self, pixels: Indices, threshold: np.float32, check: Callable[[], None]
    ) -> None:
        axes = len(self._dP)
        margin = (0 if axes == 2 else 2, 2, 2)
        padded = tuple(np.add(self._shape, margin).tolist())
        field = np.zeros((*padded, axes), np.float32)
        limits = np.empty((*padded, 2), np.int16)

        def fill(n: int) -> None:
            if n == axes:
                limits.fill(trajectories.NO_LIMIT)
                trajectories.fill_limits(self._cellprob, threshold, limits)
                trajectories.pool_limits(limits)
                return
            # Torch's order of axes is X first, and its coordinates run from -1 to 1.
            # Cellpose scales positions by the side less one, but samples with
            # `align_corners` False. Its pixels are only met if both are done here, too.
            component = np.ascontiguousarray(self._dP[axes - 1 - n])
            scale = np.float32(2) / np.float32(max(self._shape[2 - n] - 1, 1))
            trajectories.fill_field(
                component, self._cellprob, threshold, scale, field, n
            )

        run_parts(fill, range(axes + 1), check)
        at_once = max(1, _AT_ONCE // self._steps)
        parts = [pixels[n : n + at_once] for n in range(0, len(pixels), at_once)]

        most = [self.rested]

        def work(part: Indices) -> None:
            rested = np.zeros(len(part), np.int32)
            trajectories.carry(
                self._shape,
                self._shape,
                (0, 0, 0),
                axes,
                field.reshape(-1),
                limits.reshape(-1),
                part,
                self._steps,
                self._ends,
                self._low,
                self._high,
                rested,
            )
            most.append(int(rested.max()))

        try:
            run_parts(work, parts, check)
        finally:
            # After a stop, the ends found by then are not looked for again.
            self.rested = max(most)
