"""Flows in memory as a source for blocks."""

from __future__ import annotations

from cellpose_studio.core.runs.flows import Flows


class FlowsInMemory:
    """Flows of an image that fits into memory."""

    def __init__(self, flows: Flows) -> None:
        self._flows = flows
        self.axes = len(flows.dP)
        self.scale = flows.scale
        self.per_cell = flows.per_cell
        planes, y, x = flows.cellprob.shape
        self.parts = flows.frames if flows.volumetric else planes
        self.shape = (planes // self.parts, y, x)

    def read(self, part: int, box):
        """As in `FlowSource`."""
        first = part * self.shape[0]
        z, y, x = box
        there = (slice(first + z.start, first + z.stop), y, x)
        return self._flows.dP[(slice(None), *there)], self._flows.cellprob[there]

    def is_empty(self, *_: object) -> bool:
        """As in `FlowSource`."""
        return False
