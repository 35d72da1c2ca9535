"""Restores channels by a network of Cellpose 3, tile by tile, where they are read.

The tiles are those of the whole plane, and so are the percentiles that scale it, so
that each part is what `engine.flows.restore.restore` makes of all of it, but for the
last digit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.errors import ModelUnusable
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.images.intensities import non_finite, offset_of, to_float32
from cellpose_studio.core.images.recent_planes import RecentPlanes
from cellpose_studio.core.runs.parameters import Normalization, SegmentationParameters
from cellpose_studio.core.runs.preparation.restore import Restore
from cellpose_studio.core.runs.preparation.step import PreparationStep
from cellpose_studio.engine.flows.boxes import Box, meet, shape_of, within
from cellpose_studio.engine.flows.holes import FLAT, sampling_steps
from cellpose_studio.engine.flows.preparation.context import StepContext
from cellpose_studio.engine.flows.preparation.readers import Region, work_dtype
from cellpose_studio.engine.flows.resampling import needed, resampled
from cellpose_studio.engine.networks.catalogue import (
    find_restoring,
    find_restoring_file,
)

if TYPE_CHECKING:
    # The window asks whether steps fit, and does not wait for torch.
    from cellpose_studio.core.models.model import ModelSpec
    from cellpose_studio.engine.flows.tiles import TileCounter, Tiling
    from cellpose_studio.engine.networks.network import Network

FloatArray = npt.NDArray[np.float32]
Tile = tuple[int, int, int]
"""Plane, row and column."""

_BATCH = 8
"""Tiles that a graphics card sees together, as in Cellpose."""

_AT_ONCE = 64
"""Tiles whose pixels are in memory together, beside those that are kept."""

_BAND = 2**23
"""Pixels that are read at once."""

_WHAT = "restoring the image, tile"
"""What is reported."""

_TILES = RecentPlanes(2**29)
"""Restored tiles: a preview is followed by a run, and parts of an image overlap."""

_SCALES = RecentPlanes(2**20)
"""What the pixels of channels are scaled by, for each part of them that is read."""


def restored(image: ImageSource, step: Restore, context: StepContext) -> ImageSource:
    """Return an image of which one channel, or all of them, are restored.

    Raises
    ------
    ModelUnusable
        If the network is not installed; its weights are not read yet.
    """
    find_restoring_file(step.model)
    channels = range(image.channels) if step.channel is None else [step.channel - 1]
    reader = _Restored(image, step, frozenset(channels), context)
    return replace(image, dtype=work_dtype(image), reader=reader)


def with_hashes(steps: Sequence[PreparationStep]) -> tuple[PreparationStep, ...]:
    """Return steps that say which weights they use, as records do.

    Raises
    ------
    ModelUnusable
        If weights are missing or unusable, or others than a step says already.
    """
    return tuple(
        step.model_copy(update={"sha256": _model(step).sha256})
        if isinstance(step, Restore)
        else step
        for step in steps
    )


def _model(step: Restore) -> ModelSpec:
    model = find_restoring_file(step.model)
    spec = find_restoring(str(model))
    if step.sha256 and step.sha256 != spec.sha256:
        raise ModelUnusable(
            f"The network {step.model} in {model.parent} is not that of the run: its "
            f"SHA-256 is {spec.sha256[:16]}… instead of {step.sha256[:16]}….",
            "Put the earlier file back, or choose the step “Restore” anew.",
        )
    return spec


@dataclass(frozen=True, eq=False)
class _Restored:
    """Reads an image of which some channels are restored."""

    image: ImageSource
    step: Restore
    channels: frozenset[int]
    context: StepContext

    def read(self, region: Region) -> npt.NDArray[np.generic]:
        """As in `PixelReader`."""
        sides = zip(region, self.image.shape, strict=True)
        spans = [slice(*part.indices(size)[:2]) for part, size in sides]
        found = np.empty(shape_of(tuple(spans)), work_dtype(self.image))
        for at in np.ndindex(*found.shape[:2]):
            self.context.check()
            t, c = spans[0].start + at[0], spans[1].start + at[1]
            if c not in self.channels:
                found[at] = self._pixels(t, c, (*spans[2:],))
                continue
            found[at] = self._restored(t, c, (*spans[2:],))
            if self.image.dtype.kind == "f":
                holes = non_finite(self._pixels(t, c, (*spans[2:],)))
                if holes is not None:
                    found[at][holes] = np.nan
        return found

    def _pixels(self, t: int, c: int, box: Box) -> npt.NDArray[np.generic]:
        """Return pixels (z, y, x) as they are before the step."""
        place = slice(t, t + 1), slice(c, c + 1)
        return self.image.reader.read((*place, *box))[0, 0]

    @cached_property
    def _unloaded(self) -> Network:
        """What is known of the network, whose tiles may all be there already."""
        from cellpose_studio.engine.device import CPU
        from cellpose_studio.engine.networks.network import unloaded

        return unloaded(_model(self.step), self.context.device or CPU)

    @cached_property
    def _network(self) -> Network:
        from cellpose_studio.engine.networks.network import load

        known = self._unloaded
        return load(known.spec, known.device, self.context.check)

    @cached_property
    def _cut(self) -> Tiling:
        """How planes are cut into tiles."""
        from cellpose_studio.engine.flows.tiles import tiling

        size, scale = self.image.shape[3:], self.step.scale
        return tiling(size, scale, self._unloaded, SegmentationParameters())

    @cached_property
    def _shares(self) -> list[list[npt.NDArray[np.float64]]]:
        """The shares of rows, and of columns, of tiles in the mean."""
        from cellpose_studio.engine.flows.tile_groups import shares

        cut = self._cut
        sides = zip(cut.starts, cut.tile, cut.padded, strict=True)
        return [shares(*side, max(cut.tile)) for side in sides]

    def _restored(self, t: int, c: int, box: Box) -> FloatArray:
        """Return a box (z, y, x) of a channel, restored."""
        whole = self.image.shape[2:]
        seen = (whole[0], *self._cut.size)
        there = needed(box, seen, whole)
        joined = self._joined(t, c, there)[..., None]
        return resampled(joined, there, box, seen, whole)[..., 0]

    def _joined(self, t: int, c: int, box: Box) -> FloatArray:
        """Return a box at the scale of the network: the mean of its tiles."""
        from cellpose_studio.engine.flows.tile_groups import padded_box
        from cellpose_studio.engine.flows.tiles import TileCounter, Window

        cut, (rows, columns) = self._cut, self._shares
        numbers = [divmod(n, cut.grid[1]) for n in cut.in_window(Window(*box))]
        tiles = [(z, *at) for z in range(box[0].start, box[0].stop) for at in numbers]
        missing = [tile for tile in tiles if self._find(t, c, tile) is None]
        counter = TileCounter(self.context.checkpoint, len(missing), _WHAT)
        found = np.zeros(shape_of(box), np.float32)
        for n in range(0, len(tiles), _AT_ONCE):
            self.context.check()
            some = tiles[n : n + _AT_ONCE]
            outputs = self._outputs(t, c, some, counter)
            for (z, row, column), tile in zip(some, outputs, strict=True):
                outer = padded_box(cut, row, column)
                inner = meet(outer, box[1:])
                assert inner is not None
                share = rows[row][:, None] * columns[column]
                found[z - box[0].start][within(inner, box[1:])] += (tile * share)[
                    within(inner, outer)
                ]
        return found

    def _outputs(
        self, t: int, c: int, tiles: Sequence[Tile], counter: TileCounter
    ) -> list[npt.NDArray[Any]]:
        """Return what the network makes of tiles, (Y, X) each."""
        from cellpose_studio.engine.flows.tiles import run_tiles

        known = {tile: self._find(t, c, tile) for tile in tiles}
        missing = [tile for tile, output in known.items() if output is None]
        if missing:
            network, check = self._network, self.context.check
            inputs = self._inputs(t, c, missing)
            with network.watched(check):
                outputs = run_tiles(network, inputs, _BATCH, counter)
            for tile, output in zip(missing, outputs, strict=True):
                # Not a view of all of them, which would keep them as well.
                plane = known[tile] = output[0].copy()
                _TILES.put(self.image.reader, self._key(t, c, tile), plane)
        return [output for output in known.values() if output is not None]

    def _find(self, t: int, c: int, tile: Tile) -> npt.NDArray[Any] | None:
        return _TILES.find(self.image.reader, self._key(t, c, tile))

    def _key(self, t: int, c: int, tile: Tile) -> tuple[Any, ...]:
        known = self._unloaded
        return known.spec.sha256, known.device, self._cut.size, t, c, tile

    def _inputs(self, t: int, c: int, tiles: Sequence[Tile]) -> FloatArray:
        """Return what the network sees, (N, 1, Y, X), with zeros beyond the plane."""
        from cellpose_studio.engine.flows.tile_groups import padded_box, seen_by

        cut, whole = self._cut, self.image.shape[2:]
        seen = (whole[0], *cut.size)
        found = np.zeros((len(tiles), 1, *cut.tile), np.float32)
        for z in dict.fromkeys(tile[0] for tile in tiles):
            rows, columns = (
                [tile[axis] for tile in tiles if tile[0] == z] for axis in (1, 2)
            )
            box = seen_by(
                cut,
                range(z, z + 1),
                range(min(rows), max(rows) + 1),
                range(min(columns), max(columns) + 1),
            )
            there = needed(box, whole, seen)
            pixels = self._scaled(t, c, there)[..., None]
            plane = resampled(pixels, there, box, whole, seen)[0, ..., 0]
            for n, (at, row, column) in enumerate(tiles):
                outer = padded_box(cut, row, column)
                inner = meet(outer, box[1:])
                if at == z and inner is not None:
                    found[n, 0][within(inner, outer)] = plane[within(inner, box[1:])]
        return found

    def _scaled(self, t: int, c: int, box: Box) -> FloatArray:
        """Return pixels with 0 and 1 at the percentiles, and 0 where none is."""
        offset, dark, bright = _SCALES.get(
            self.image.reader, (t, c), lambda: self._look(t, c)
        )
        pixels = to_float32(self._pixels(t, c, box), offset)
        if bright - dark <= FLAT:
            return np.zeros_like(pixels)
        scaled = (pixels - np.float32(dark)) / np.float32(bright - dark)
        return np.where(np.isfinite(scaled), scaled, np.float32(0))

    def _look(self, t: int, c: int) -> npt.NDArray[Any]:
        """Return the offset of a channel of a time point, if any, and its percentiles.

        They are those of all planes, as in Cellpose, without what is no number.
        """
        depth, height, width = self.image.shape[2:]
        planes, rows, columns = sampling_steps((depth, height, width))
        band = max(1, _BAND // (width * rows)) * rows
        parts = []
        for z in range(0, depth, planes):
            for top in range(0, height, band):
                self.context.check()
                lines = slice(top, min(top + band, height))
                box = (slice(z, z + 1), lines, slice(0, width))
                parts.append(self._pixels(t, c, box)[0, ::rows, ::columns].ravel())
        values = np.concatenate(parts)
        offset = offset_of(values)
        seen = to_float32(values, offset)
        seen = seen[np.isfinite(seen)]
        ends = np.percentile(seen, Normalization().percentile) if seen.size else (0, 0)
        return np.array([offset, *ends], dtype=object)
