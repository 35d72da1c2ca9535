"""The network on an image of any size: groups of tiles, each of them run once.

The tiles are those of a run on the whole image (`engine.flows.tiles`). A group of them
overlaps those around it by a part of a tile. What it stores is its share of the mean of
all tiles that see a pixel, so that the sum of groups is what the whole image gives, but
for the last digit where groups meet, and no tile is run twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.runs.volumes import flow_smoothing, smoothed
from cellpose_studio.engine.blocks.store import BlockStore, Facts
from cellpose_studio.engine.blocks.survey import NormalizedImage
from cellpose_studio.engine.flows.boxes import (
    Box,
    as_lists,
    from_lists,
    grown,
    meet,
    shape_of,
    within,
)
from cellpose_studio.engine.flows.compute import VIEWS, seen_window, volume_shape
from cellpose_studio.engine.flows.region import needed_part
from cellpose_studio.engine.flows.resampling import needed, resampled, resampled_box
from cellpose_studio.engine.flows.tile_groups import (
    TileGroup,
    flipped,
    flips,
    padded_box,
    seen_by,
    shares,
)
from cellpose_studio.engine.flows.tiles import TileCounter, Tiling, run_tiles, tiling
from cellpose_studio.engine.networks.network import Network

FloatArray = npt.NDArray[np.float32]

_NO_CELL = np.float32(-10)
"""Cell probability where no tile was run."""

_TRUNCATED = 4
"""Standard deviations to which SciPy's Gaussian filter reaches."""


@dataclass(eq=False, kw_only=True)
class NetworkFlows:
    """The flows of an image, made group by group, and read box by box.

    Attributes
    ----------
    side
        Length of a block, px of the image; groups of tiles have about this size, and no
        more pixels at the scale of the network.
    pixels
        How many of all planes of a block there are at most.
    """

    image: NormalizedImage
    network: Network
    parameters: SegmentationParameters
    diameter: float
    store: BlockStore
    side: int
    pixels: int
    _boxes: dict[tuple[int, int], list[tuple[str, Box]]] = field(default_factory=dict)

    @property
    def network_scale(self) -> float:
        """Network pixels per pixel of the image."""
        return self.network.spec.diam_mean / self.diameter

    @property
    def scale(self) -> float:
        """As in `Flows`."""
        return self.network_scale if self.parameters.resample else 1.0

    @property
    def per_cell(self) -> bool:
        """As in `Flows`."""
        return self.network.spec.per_cell_targets

    @property
    def axes(self) -> int:
        """Axes that flows point along."""
        return 3 if self.parameters.do_3D else 2

    @property
    def parts(self) -> int:
        """Number of volumes, or planes."""
        depth = 1 if self.parameters.do_3D else self.image.shape[0]
        return self.image.image.frames * depth

    @cached_property
    def seen(self) -> tuple[int, int, int]:
        """(Z, Y, X) of a time point as the network sees it."""
        z, y, x = self.image.shape
        if self.parameters.do_3D:
            return volume_shape((z, y, x), self.parameters, self.network_scale)
        return z, *self._tiling((y, x), self.network_scale).size

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """(Z, Y, X) of a part."""
        size = self.image.shape if self.parameters.resample else self.seen
        return size if self.parameters.do_3D else (1, *size[1:])

    @cached_property
    def _needed_tiles(self) -> tuple[range, range, frozenset[int]] | None:
        """Time points, planes and numbers of tiles that a region needs; None: all."""
        if self.parameters.region is None:
            return None
        frames, planes, part = needed_part(
            self.image.image, self.network, self.parameters, self.diameter
        )
        assert part is not None
        cut = self.tilings[0]
        window = seen_window(part, (len(planes), *cut.size), self.network_scale)
        return frames, planes, frozenset(cut.in_window(window))

    @cached_property
    def tilings(self) -> list[Tiling]:
        """How planes of each view are cut."""
        if not self.parameters.do_3D:
            return [self._tiling(self.image.shape[1:], self.network_scale)]
        sides = [tuple(self.seen[axis] for axis in turn[1:3]) for turn, _, _ in VIEWS]
        return [self._tiling((y, x), 1.0) for y, x in sides]

    def _tiling(self, size: tuple[int, ...], scale: float) -> Tiling:
        y, x = size
        return tiling((y, x), scale, self.network, self.parameters)

    @cached_property
    def groups(self) -> list[TileGroup]:
        """All groups, in the order in which they are run."""
        found = []
        for t, (view, cut) in product(
            range(self.image.image.frames), enumerate(self.tilings)
        ):
            depth = self.seen[VIEWS[view][0][0]]
            rows, columns = self._grouped(cut)
            area = max(map(len, rows)) * max(map(len, columns)) * math.prod(cut.tile)
            at_once = max(1, self.pixels // area)
            spans = [
                range(n, min(n + at_once, depth)) for n in range(0, depth, at_once)
            ]
            for n, (planes, row, column) in enumerate(product(spans, rows, columns)):
                found.append(
                    TileGroup(
                        key=f"flows-{t}-{view}-{n}",
                        t=t,
                        view=view,
                        planes=planes,
                        rows=row,
                        columns=column,
                        box=seen_by(cut, planes, row, column),
                    )
                )
        return found

    def _grouped(self, cut: Tiling) -> tuple[list[range], list[range]]:
        """Return the rows and the columns of tiles in groups."""
        scale = 1.0 if self.parameters.do_3D else min(1.0, self.network_scale)
        side = self.side * scale
        found = []
        for count, length in zip(cut.grid, cut.padded, strict=True):
            groups = max(1, round(length / max(side, 1)))
            step = math.ceil(count / groups)
            found.append(
                [range(n, min(n + step, count)) for n in range(0, count, step)]
            )
        return found[0], found[1]

    # Making them

    def count_tiles(self) -> int:
        """Return the number of tiles of all groups."""
        return sum(group.tiles for group in self.groups)

    def run(self, group: TileGroup, counter: TileCounter) -> None:
        """Run the tiles of a group that show anything."""
        total = group.tiles
        if self.store.has(group.key):
            counter.add(total)
            return
        cut, wanted = self.tilings[group.view], self.wanted(group)
        empty = total - len(wanted)
        counter.add(empty)
        facts: Facts = {"box": None, "tiles": total, "empty": empty}
        if not wanted:
            self.store.put(group.key, {}, facts)
            return
        outputs = np.zeros((*shape_of(group.box), 3), np.float32)
        pixels = self._input(group)
        for some in _batches(wanted, max(1, self.parameters.batch_size) * 8):
            tiles = np.stack([self._tile(pixels, group, cut, at) for at in some])
            results = run_tiles(
                self.network, tiles, self.parameters.batch_size, counter
            )
            for at, result in zip(some, results, strict=True):
                self._add(outputs, group, cut, at, result)
        facts["box"] = as_lists(group.box)
        self.store.put(group.key, {"outputs": outputs}, facts)

    def wanted(self, group: TileGroup) -> list[tuple[int, int, int]]:
        """Return planes, rows and columns of the tiles that show anything."""
        every = product(group.planes, group.rows, group.columns)
        return [at for at in every if not self._is_empty(group, *at)]

    def _is_empty(self, group: TileGroup, plane: int, row: int, column: int) -> bool:
        """Return whether a coarse look shows nothing, or the region needs no tile."""
        cut = self.tilings[group.view]
        if (needs := self._needed_tiles) is not None:
            frames, planes, tiles = needs
            tile = row * cut.grid[1] + column
            if group.t not in frames or plane not in planes or tile not in tiles:
                return True
        box = seen_by(
            cut,
            range(plane, plane + 1),
            range(row, row + 1),
            range(column, column + 1),
        )
        turn = VIEWS[group.view][0]
        seen: list[slice] = [slice(0, 1)] * 3
        for n, axis in enumerate(turn[:3]):
            seen[axis] = box[n]
        return self.image.is_empty(
            group.t, needed(tuple(seen), self.image.shape, self.seen)
        )

    def _input(self, group: TileGroup) -> FloatArray:
        """Return what a group sees, (planes, y, x, inputs), scaled for the network."""
        turn = VIEWS[group.view][0]
        seen: list[slice] = [slice(0, 1)] * 3
        for n, axis in enumerate(turn[:3]):
            seen[axis] = group.box[n]
        box = tuple(seen)
        there = needed(box, self.image.shape, self.seen)
        pixels = self.image.read(group.t, there)
        return resampled(pixels, there, box, self.image.shape, self.seen).transpose(
            turn
        )

    def _tile(
        self, pixels: FloatArray, group: TileGroup, cut: Tiling, at: tuple[int, ...]
    ) -> FloatArray:
        """Return one tile (C, Y, X), with zeros beyond the border of the plane."""
        plane, row, column = at
        tile = np.zeros((*cut.tile, pixels.shape[-1]), np.float32)
        outer = padded_box(cut, row, column)
        inner = meet(outer, group.box[1:])
        assert inner is not None
        tile[within(inner, outer)] = pixels[plane - group.planes.start][
            within(inner, group.box[1:])
        ]
        return np.ascontiguousarray(flipped(cut, at, tile).transpose(2, 0, 1))

    def _add(
        self,
        outputs: FloatArray,
        group: TileGroup,
        cut: Tiling,
        at: tuple[int, ...],
        result: FloatArray,
    ) -> None:
        """Add the share of one tile's outputs (3, Y, X)."""
        plane, row, column = at
        tile = flipped(cut, at, result.transpose(1, 2, 0)).copy()
        if cut.augment:
            # The flows of a flipped tile point the other way.
            upside, sideways = flips(at)
            tile[..., 0] *= -1 if upside else 1
            tile[..., 1] *= -1 if sideways else 1
        tile[..., 2] -= _NO_CELL
        outer = padded_box(cut, row, column)
        inner = meet(outer, group.box[1:])
        assert inner is not None
        rows, columns = self._shares[group.view]
        tile *= rows[row][:, None, None] * columns[column][:, None]
        outputs[plane - group.planes.start][within(inner, group.box[1:])] += tile[
            within(inner, outer)
        ]

    @cached_property
    def _shares(self) -> list[list[list[npt.NDArray[np.float64]]]]:
        """For each view the shares of rows, and of columns, of tiles in the mean."""
        return [
            [
                shares(first, side, length, max(cut.tile))
                for first, side, length in zip(
                    cut.starts, cut.tile, cut.padded, strict=True
                )
            ]
            for cut in self.tilings
        ]

    # Reading them

    def is_empty(self, part: int, box: Box) -> bool:
        """Return whether no tile was run that sees a box."""
        t, there = self._place(part, box)
        seen = needed(there, self.seen, self._whole) if self._resizes else there
        return not any(self._found(t, view, seen) for view in range(len(self.tilings)))

    def read(self, part: int, box: Box) -> tuple[FloatArray, FloatArray]:
        """As in `FlowSource`."""
        t, there = self._place(part, box)
        sigma = flow_smoothing(self.parameters, self.network_scale)
        z, y, x = (int(_TRUNCATED * one + 0.5) + 1 if one else 0 for one in sigma)
        window = grown(there, (z, y, x), self._whole)
        outputs = self._outputs(t, window)
        dP = np.ascontiguousarray(np.moveaxis(outputs[..., :-1], -1, 0))
        inside = within(there, window)
        dP = smoothed(dP, sigma)
        return (
            np.ascontiguousarray(dP[(slice(None), *inside)]),
            np.ascontiguousarray(outputs[..., -1][inside]),
        )

    @property
    def _whole(self) -> tuple[int, int, int]:
        """(Z, Y, X) of the flows of a time point."""
        return self.image.shape if self.parameters.resample else self.seen

    @property
    def _resizes(self) -> bool:
        return self._whole != self.seen

    def _place(self, part: int, box: Box) -> tuple[int, Box]:
        """Return the time point of a part, and the box in all of its planes."""
        if self.axes == 3:
            return part, box
        t, z = divmod(part, self.image.shape[0])
        return t, (slice(z, z + 1), *box[1:])

    def _outputs(self, t: int, box: Box) -> FloatArray:
        """Return the flows and the cell probability (z, y, x, A + 1) in a box."""
        if not self._resizes:
            return self._sums(t, box)
        # What is resized the other way round than the input of the network.
        return resampled_box(partial(self._sums, t), box, self.seen, self._whole)

    def _sums(self, t: int, box: Box) -> FloatArray:
        """Return the outputs at the size of the network."""
        found = np.zeros((*shape_of(box), self.axes + 1), np.float32)
        for view in range(len(self.tilings)):
            turn, back, axes = VIEWS[view]
            turned = tuple(box[axis] for axis in turn[:3])
            outputs = np.zeros((*shape_of(turned), 3), np.float32)
            for key, there in self._groups_of(t, view):
                if common := meet(turned, there):
                    inner: Any = (*within(common, there), slice(0, 3))
                    outputs[within(common, turned)] += self.store.read(
                        key, "outputs", inner
                    )
            outputs[..., 2] += _NO_CELL
            if self.axes == 2:
                return outputs
            found[..., 3] += outputs[..., 2].transpose(back)
            for n, axis in enumerate(axes):
                found[..., axis] += outputs[..., n].transpose(back)
        return found

    def _found(self, t: int, view: int, box: Box) -> bool:
        turned = tuple(box[axis] for axis in VIEWS[view][0][:3])
        return any(meet(turned, there) for _, there in self._groups_of(t, view))

    def _groups_of(self, t: int, view: int) -> list[tuple[str, Box]]:
        """Return the keys and boxes of the groups of which any tile was run."""
        if (t, view) not in self._boxes:
            found = []
            for group in self.groups:
                if (group.t, group.view) == (t, view):
                    box = self.store.facts(group.key)["box"]
                    if box is not None:
                        found.append((group.key, from_lists(box)))
            self._boxes[t, view] = found
        return self._boxes[t, view]


def _batches(
    items: list[tuple[int, int, int]], size: int
) -> Iterator[list[tuple[int, int, int]]]:
    for n in range(0, len(items), size):
        yield items[n : n + size]
