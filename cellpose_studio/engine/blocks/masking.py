"""Flows to masks, block by block: the same cells as `engine.masks` finds at once.

Four passes, each of which needs but one block in memory, and tables of all cells:

1. Pixels are carried along the flows, and those that end in each pixel are counted.
2. Seeds are found among these; the cells of all blocks are joined by their seeds.
3. The flow error of each cell is computed, in the block that it begins in.
4. Holes are filled, and what is left is counted, for the last choice by size.

Blocks of one pass depend on no other block of it, so they may run anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.blocks.candidates import Candidates
from cellpose_studio.engine.blocks.carrying import ends_in, held_by
from cellpose_studio.engine.blocks.flow_source import FlowSource
from cellpose_studio.engine.blocks.scaling import Scaling
from cellpose_studio.engine.blocks.seeding import around_ends, seeded
from cellpose_studio.engine.blocks.store import Arrays, BlockStore
from cellpose_studio.engine.blocks.table import (
    CellsOfBlocks,
    cells_of,
    compact,
    joined,
)
from cellpose_studio.engine.flows.boxes import (
    Box,
    Shape,
    as_lists,
    box_of,
    cut,
    from_lists,
    meet,
    meets,
    shape_of,
    within,
)
from cellpose_studio.engine.masks.cleaning import certainties, keep_largest_parts
from cellpose_studio.engine.masks.dynamics import steps_for
from cellpose_studio.engine.masks.fill import fill_holes
from cellpose_studio.engine.masks.mask_flows import flow_errors, steps_of

Check = Callable[[], None]
Labels = npt.NDArray[np.uint32]
Pass = Literal["carry", "seed", "measure", "finish"]
PASSES = 4


@dataclass(eq=False, kw_only=True)
class BlockMasks:
    """The work on the blocks of one plane or volume, each step of it by its number.

    Attributes
    ----------
    part
        Number of the plane or volume.
    side
        (Z, Y, X) of blocks at most.
    overlap
        Pixels around a block of which the flows are read at first.
    """

    source: FlowSource
    store: BlockStore
    part: int
    masks: Shape
    parameters: SegmentationParameters
    side: Shape
    overlap: int
    check: Check
    candidates: Candidates | None = None
    _chosen: bool = False
    _held: list[tuple[int, Box]] = field(default_factory=list)

    @cached_property
    def blocks(self) -> list[Box]:
        """Blocks of flows."""
        return cut(self.source.shape, self.side)

    @cached_property
    def mask_blocks(self) -> list[Box]:
        """Blocks of masks."""
        return cut(self.masks, self.side)

    @cached_property
    def scaling(self) -> Scaling:
        """How the pixels of flows are those of masks."""
        return Scaling(self.source.shape, self.masks)

    def key(self, name: str, block: int) -> str:
        """Return the key of what a pass found in a block."""
        return f"{name}-{self.part}-{block}"

    # The passes

    def run(self, name: Pass, block: int) -> None:
        """Do a pass on a block; in another process, `catch_up` comes before."""
        passes = {
            "carry": self.carry,
            "seed": self.seed,
            "measure": self.measure,
            "finish": self.finish,
        }
        passes[name](block)

    def catch_up(self, name: Pass) -> None:
        """Take up what all blocks have given to the passes before one."""
        if name in ("measure", "finish") and self.candidates is None:
            self.join()
        if name == "finish" and not self._chosen:
            self.choose()

    def carry(self, block: int) -> None:
        """Find where the pixels of a block end."""
        key, core = self.key("ends", block), self.blocks[block]
        if self.store.has(key):
            return
        found = ends = None
        rested = 0
        if not self.source.is_empty(self.part, core):
            parameters = self.parameters
            ends, rested = ends_in(
                self.source,
                self.part,
                core,
                parameters.cellprob_threshold,
                steps_for(parameters, self.source.scale),
                self.overlap,
                self.check,
            )
            found = held_by(ends, self.source.shape)
        if ends is None or found is None:
            self.store.put(key, {}, {"box": None, "rested": 0})
            return
        box, held = found
        arrays: Arrays = {"ends": ends, "held": held}
        self.store.put(key, arrays, {"box": as_lists(box), "rested": rested})

    def seed(self, block: int) -> None:
        """Find the cells of a block, as far as they lie in it."""
        key, core = self.key("cells", block), self.blocks[block]
        if self.store.has(key):
            return
        mine = self.key("ends", block)
        box = self.store.facts(mine)["box"]
        if box is None:
            self.store.put(key, {}, {"cells": 0})
            return
        shape = self.source.shape
        around = around_ends(from_lists(box), shape)
        held = np.zeros(shape_of(around), np.int32)
        for other, there in self._held_boxes():
            if common := meet(around, there):
                held[within(common, around)] += self.store.read(
                    self.key("ends", other), "held", within(common, there)
                )
        labels, seeds = seeded(self.store.read(mine, "ends"), held, around, shape)
        table = cells_of(labels, seeds, core, shape, self.scaling.weights(core))
        arrays: Arrays = {"labels": labels, "table": table.packed()}
        self.store.put(key, arrays if len(table) else {}, {"cells": len(table)})

    def join(self) -> None:
        """Join the cells of all blocks."""
        cells, numbers = joined(self.tables("cells", len(self.blocks)))
        largest = np.prod(self.source.shape) * self.parameters.max_size_fraction
        fits = cells.pixels <= largest
        number = np.where(fits, np.cumsum(fits), 0).astype(np.uint32)
        unknown = np.full((2, int(fits.sum())), np.nan)
        self.candidates = Candidates(
            cells=cells.among(fits),
            numbers=[np.concatenate([[0], number[some]]) for some in numbers],
            errors=unknown[0],
            certainties=unknown[1],
            volumetric=self.source.axes == 3,
        )

    def measure(self, block: int) -> None:
        """Compute how well cells that begin in a block fit, and how sure they are."""
        key = self.key("errors", block)
        found = self._joined
        mine = self._beginning_in(block)
        if self.store.has(key) or not len(mine):
            return
        box = box_of(found.cells.low[mine], found.cells.high[mine])
        number = np.zeros(len(found.cells) + 1, np.uint32)
        number[mine + 1] = np.arange(1, len(mine) + 1)
        labels = number[self._candidates_in(box)]
        steps = steps_of((found.cells.high - found.cells.low)[:, 1:])
        dP, cellprob = self.source.read(self.part, box)
        plane = labels[0], dP[:, 0]
        per_cell = self.source.per_cell
        arrays = {"errors": flow_errors(*plane, self.check, steps, per_cell)}
        if self.parameters.doubts:
            threshold = self.parameters.cellprob_threshold
            arrays["certainties"] = certainties(*plane, cellprob[0], threshold)
        self.store.put(key, arrays, {})

    def choose(self) -> None:
        """Take up what all blocks have measured."""
        self._chosen = True
        found = self._joined
        if self.source.axes == 3:
            return
        for name in ("errors", *(["certainties"] if self.parameters.doubts else [])):
            values = getattr(found, name)
            for block in range(len(self.blocks)):
                if len(mine := self._beginning_in(block)):
                    values[mine] = self.store.read(self.key("errors", block), name)

    def finish(self, block: int) -> None:
        """Fill the holes of the cells of a block, and count what is left."""
        key, core = self.key("masks", block), self.mask_blocks[block]
        if self.store.has(key):
            return
        low, high = self._mask_boxes
        near = np.flatnonzero(self._fits & meets(low, high, core))
        labels = (
            self._filled(near, box_of(low[near], high[near]), core)
            if len(near)
            else np.zeros((0, 0, 0), np.uint32)
        )
        own, numbers = compact(labels)
        if not len(numbers):
            self.store.put(key, {}, {"cells": 0})
            return
        once = [np.ones(length, np.int64) for length in own.shape]
        table = cells_of(own, numbers, core, self.masks, once)
        sums = self._sums(own, len(numbers), core)
        arrays: Arrays = {"labels": own, "table": table.packed(), "sums": sums}
        self.store.put(key, arrays, {"cells": len(table)})

    # What passes have found

    def tables(self, name: str, count: int) -> list[CellsOfBlocks]:
        """Return the cells that a pass found in each of its ``count`` blocks."""
        keys = [self.key(name, n) for n in range(count)]
        return [
            CellsOfBlocks.unpacked(self.store.read(key, "table"))
            if self.store.facts(key)["cells"]
            else CellsOfBlocks.none()
            for key in keys
        ]

    def labels_in(
        self,
        box: Box,
        name: str,
        blocks: list[Box],
        numbers: list[npt.NDArray[np.uint32]],
    ) -> Labels:
        """Return the labels (z, y, x) of a pass in a box.

        ``numbers`` has for each of its blocks the number of each of its own labels.
        """
        found = np.zeros(shape_of(box), np.uint32)
        for n, (core, known) in enumerate(zip(blocks, numbers, strict=True)):
            common = meet(box, core)
            if common is not None and len(known) > 1:
                key = self.key(name, n)
                own = self.store.read(key, "labels", within(common, core))
                found[within(common, box)] = known[own]
        return found

    # Parts of the passes

    @property
    def _joined(self) -> Candidates:
        assert self.candidates is not None
        return self.candidates

    def _held_boxes(self) -> list[tuple[int, Box]]:
        """Return the blocks whose pixels end somewhere, and the boxes where."""
        if not self._held:
            for n in range(len(self.blocks)):
                box = self.store.facts(self.key("ends", n))["box"]
                if box is not None:
                    self._held.append((n, from_lists(box)))
        return self._held

    def _beginning_in(self, block: int) -> npt.NDArray[np.int64]:
        """Return which cells have the first corner of their box in a block."""
        low = self._joined.cells.low
        return np.flatnonzero(meets(low, low + 1, self.blocks[block]))

    @cached_property
    def _mask_boxes(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        cells = self._joined.cells
        if self.scaling.same:
            return cells.low, cells.high
        return self.scaling.to_masks(cells.low), self.scaling.to_masks(cells.high)

    @cached_property
    def doubtful(self) -> npt.NDArray[np.bool_]:
        """Which cells are left out since the network is sure of hardly any."""
        return self._joined.doubtful(self.parameters)

    @cached_property
    def _fits(self) -> npt.NDArray[np.bool_]:
        """Which cells fit their flows, and are large enough before their holes."""
        found, parameters = self._joined, self.parameters
        fits = found.fit_flows(parameters) & ~self.doubtful
        if parameters.min_size > 0:
            fits &= found.cells.shown >= parameters.min_size
        return fits

    def _candidates_in(self, box: Box) -> Labels:
        """Return the numbers of all candidates in a box of flows."""
        return self.labels_in(box, "cells", self.blocks, self._joined.numbers)

    def _filled(self, near: npt.NDArray[np.int64], around: Box, core: Box) -> Labels:
        """Return the numbers of the cells ``near`` in ``core``, without holes."""
        window = tuple(
            slice(min(a.start, b.start), max(a.stop, b.stop))
            for a, b in zip(around, core, strict=True)
        )
        stays = np.zeros(len(self._joined.cells) + 1, np.uint32)
        stays[near + 1] = near + 1
        shown, inside = self.scaling.shown_by(window)
        labels = stays[self._candidates_in(shown)]
        if not self.scaling.same:
            labels = labels[np.ix_(*inside)]
        own, numbers = compact(labels)
        if self.parameters.cleans:
            keep_largest_parts(own)
        if self.source.axes == 2:
            fill_holes(own[0])
        else:
            from cellpose_studio.engine.cellpose_api import (
                fill_holes_and_remove_small_masks,
            )

            own = np.asarray(fill_holes_and_remove_small_masks(own, min_size=-1))
        return np.concatenate([[0], numbers]).astype(np.uint32)[own][
            within(core, window)
        ]

    def _sums(self, own: Labels, count: int, core: Box) -> npt.NDArray[np.float64]:
        """Return (N, 4): pixels with flows, those of a candidate, and sums over them.

        Of the probability that they belong to cells, and of the flow errors.
        """
        box, inside = self.scaling.shown_back(core)
        if not self.scaling.same:
            own = own[np.ix_(*inside)]
        cellprob = self.source.read(self.part, box)[1]
        numbers = self._candidates_in(box)
        is_cell = own > 0
        chance = expit(cellprob[is_cell])
        fitted = is_cell & (numbers > 0)
        errors = self._joined.errors[numbers[fitted].astype(np.int64) - 1]
        columns: list[Any] = [
            np.bincount(own[is_cell], minlength=count + 1),
            np.bincount(own[fitted], minlength=count + 1),
            np.bincount(own[is_cell], chance, count + 1),
            np.bincount(own[fitted], errors, count + 1),
        ]
        return np.stack(columns, -1)[1:].astype(np.float64)


Each = Callable[[BlockMasks, Pass, Sequence[int]], None]
"""Does a pass on each of some blocks, in any order, anywhere."""


def run_passes(masks: BlockMasks, each: Each) -> None:
    """Do all passes over the blocks of a plane or volume."""
    blocks = range(len(masks.blocks))
    each(masks, "carry", blocks)
    each(masks, "seed", blocks)
    masks.join()
    # Cellpose computes no flow errors in volumes.
    each(masks, "measure", blocks if masks.source.axes == 2 else [])
    masks.choose()
    each(masks, "finish", range(len(masks.mask_blocks)))


def one_by_one(
    masks: BlockMasks, name: Pass, blocks: Sequence[int]
) -> Generator[int, None, None]:
    """Do a pass on one block after the other, here; yield those that are done."""
    for block in blocks:
        masks.run(name, block)
        yield block
