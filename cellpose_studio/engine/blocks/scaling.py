"""Label images at another size, part by part, by the nearest pixel.

The size of flows without ``resample`` is that of the network; the masks have the size
of the image.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from cellpose_studio.engine.flows.boxes import Box, Shape

Indices = npt.NDArray[np.int64]


def nearest(source: int, target: int) -> Indices:
    """Return which of ``source`` pixels each of ``target`` pixels shows, as OpenCV."""
    # Rounded as OpenCV does it, which the pixels between two depend on.
    step = 1 / (target / source)
    at = np.floor(np.arange(target) * step).astype(np.int64)
    return at.clip(0, source - 1)


@dataclass(frozen=True)
class Scaling:
    """How the pixels of flows are those of masks.

    Attributes
    ----------
    flows, masks
        (Z, Y, X) of a part.
    """

    flows: Shape
    masks: Shape

    @property
    def same(self) -> bool:
        """Whether both have one size."""
        return self.flows == self.masks

    @cached_property
    def _shown(self) -> list[Indices]:
        return [nearest(a, b) for a, b in zip(self.flows, self.masks, strict=True)]

    @cached_property
    def _back(self) -> list[Indices]:
        return [nearest(b, a) for a, b in zip(self.flows, self.masks, strict=True)]

    def weights(self, box: Box) -> list[Indices]:
        """Return for each axis how many pixels of masks show one of a box of flows."""
        return [
            np.bincount(at, minlength=length)[span].astype(np.int64)
            for at, length, span in zip(self._shown, self.flows, box, strict=True)
        ]

    def to_masks(self, edges: Indices) -> Indices:
        """Return (N, 3) first, or last + 1, pixels of flows as those of masks."""
        columns = [
            np.searchsorted(at, edges[:, axis]) for axis, at in enumerate(self._shown)
        ]
        return np.stack(columns, -1).astype(np.int64)

    def shown_by(self, box: Box) -> tuple[Box, list[Indices]]:
        """Return the box of flows that a box of masks shows, and the pixels within."""
        return _range_of(self._shown, box)

    def shown_back(self, box: Box) -> tuple[Box, list[Indices]]:
        """Return the box of flows that shows pixels of a box of masks, and which.

        Without its pixels that show others: each belongs to exactly one of all blocks.
        """
        spans, inside = [], []
        for at, span in zip(self._back, box, strict=True):
            start, stop = np.searchsorted(at, [span.start, span.stop]).tolist()
            spans.append(slice(start, stop))
            inside.append(at[start:stop] - span.start)
        return tuple(spans), inside


def _range_of(maps: list[Indices], box: Box) -> tuple[Box, list[Indices]]:
    spans, inside = [], []
    for at, span in zip(maps, box, strict=True):
        some = at[span]
        start, stop = int(some[0]), int(some[-1]) + 1
        spans.append(slice(start, stop))
        inside.append(some - start)
    return tuple(spans), inside
