"""Run a network over planes of any size, in overlapping tiles.

The tiling is Cellpose's (`transforms.make_tiles`, `average_tiles`), so the outputs
agree with `cellpose.core.run_net`. That function itself can neither report progress nor
be cancelled, and expects styles of 256 numbers, which smaller networks do not have.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import ParametersUnfit
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.runs.tiles import tiles_along
from cellpose_studio.engine.device_memory import (
    device_full,
    free_unused,
    full_as_error,
    is_full,
)
from cellpose_studio.engine.flows.beside import Beside
from cellpose_studio.engine.networks.network import Network
from cellpose_studio.engine.threads import run_parts

FloatArray = npt.NDArray[np.float32]
Cut = tuple[FloatArray, list[list[int]], list[list[int]]]
"""Tiles (N, C, Y, X) of a plane, and their positions along Y and X."""

OUTSIDE = -30.0
"""Cell probability where the network did not look: below every threshold."""


class TileCounter:
    """Counts the tiles of a whole run and reports them, as what they are called."""

    def __init__(self, checkpoint: Checkpoint, total: int, what: str = "tile") -> None:
        self._checkpoint = checkpoint
        self._total = total
        self._what = what
        self._done = 0
        self.batch: int | None = None
        """Tiles at once that a GPU had memory for; None if it had enough."""

    def check(self) -> None:
        """Raise `Cancelled` after a stop."""
        self._checkpoint.check()

    def add(self, tiles: int) -> None:
        """Report that ``tiles`` more tiles are done."""
        self._done += tiles
        self._checkpoint.reached(self._done, self._total, self._what)


@dataclass(frozen=True)
class Window:
    """The part of a stack of planes that the network is to look at.

    Attributes
    ----------
    planes
        Numbers of planes.
    rows, columns
        In each of them, at the scale of the network.
    """

    planes: slice
    rows: slice
    columns: slice


@dataclass(frozen=True, kw_only=True)
class Tiling:
    """How planes of one size are cut into tiles.

    Attributes
    ----------
    size
        (Y, X) of a plane at the scale of the network, px.
    pads
        Zeros before and after it along Y, and along X.
    tile
        (Y, X) of a tile.
    grid
        Number of tiles along Y and X.
    bsize, augment, overlap
        As in Cellpose's ``make_tiles``.
    """

    size: tuple[int, int]
    pads: tuple[tuple[int, int], tuple[int, int]]
    tile: tuple[int, int]
    grid: tuple[int, int]
    bsize: int
    augment: bool
    overlap: float

    @property
    def count(self) -> int:
        """Tiles per plane."""
        return math.prod(self.grid)

    def in_window(self, window: Window | None) -> list[int]:
        """Return the numbers of the tiles that have a pixel in a window of the plane.

        These are tiles of the whole plane, so that the outputs in the window are the
        same as without it.
        """
        if window is None:
            return list(range(self.count))
        rows, columns = (
            self._overlapping(axis, part)
            for axis, part in enumerate((window.rows, window.columns))
        )
        return [y * self.grid[1] + x for y in rows for x in columns]

    def _overlapping(self, axis: int, part: slice) -> list[int]:
        """Return which tiles along Y or X overlap a part of the unpadded plane."""
        before, tile = self.pads[axis][0], self.tile[axis]
        low, high = part.start + before, part.stop + before
        starts = self.starts[axis]
        return [n for n, at in enumerate(starts) if at < high and at + tile > low]

    def cut(self, plane: FloatArray) -> Cut:
        """Return the tiles (N, C, Y, X) of ``plane`` (Y, X, C), and their positions."""
        from cellpose_studio.engine.cellpose_api import make_tiles

        padded = np.pad(plane.transpose(2, 0, 1), ((0, 0), *self.pads))
        tiles, ysub, xsub, *_ = make_tiles(
            padded, self.bsize, augment=self.augment, tile_overlap=self.overlap
        )
        return tiles.reshape(-1, len(padded), *self.tile), ysub, xsub

    def spread(self, outputs: FloatArray, tiles: list[int]) -> FloatArray:
        """Return outputs of some tiles (N, 3, Y, X) among those of all, else 0."""
        if len(tiles) == self.count:
            return outputs
        every = np.zeros((self.count, *outputs.shape[1:]), np.float32)
        every[tiles] = outputs
        return every

    @property
    def padded(self) -> tuple[int, int]:
        """(Y, X) of a plane with its zeros."""
        (top, bottom), (left, right) = self.pads
        y, x = self.size
        # `make_tiles` enlarges planes that are smaller than a tile if it augments.
        return (
            max(y + top + bottom, self.tile[0]),
            max(x + left + right, self.tile[1]),
        )

    @cached_property
    def starts(self) -> tuple[list[int], list[int]]:
        """First pixels of tiles along Y, and along X, of a plane with its zeros."""
        # These are the numbers of Cellpose's `make_tiles`.
        along_y, along_x = (
            np.linspace(0, length - side, count).astype(int).tolist()
            for length, side, count in zip(
                self.padded, self.tile, self.grid, strict=True
            )
        )
        return along_y, along_x

    def join(
        self, outputs: FloatArray, ysub: list[list[int]], xsub: list[list[int]]
    ) -> FloatArray:
        """Merge the outputs (N, K, Y, X) of tiles into those of the plane (Y, X, K)."""
        from cellpose_studio.engine.cellpose_api import average_tiles, unaugment_tiles

        (top, _), (left, _) = self.pads
        y, x = self.size
        if self.augment:
            in_rows = outputs.reshape(*self.grid, *outputs.shape[1:])
            outputs = unaugment_tiles(in_rows).reshape(outputs.shape)
        joined = average_tiles(outputs, ysub, xsub, *self.padded)
        return np.asarray(joined[:, top : top + y, left : left + x].transpose(1, 2, 0))


def tiling(
    shape: tuple[int, int],
    scale: float,
    network: Network,
    parameters: SegmentationParameters,
) -> Tiling:
    """Return how planes of ``shape`` (Y, X) are cut after scaling by ``scale``.

    Raises
    ------
    ParametersUnfit
        If no pixel is left of them.
    """
    from cellpose_studio.engine.cellpose_api import get_pad_yx

    y, x = int(shape[0] * scale), int(shape[1] * scale)
    if min(y, x) < 1:
        raise ParametersUnfit(
            "The diameter is too large for this image.", "Choose a smaller diameter."
        )
    smallest = (network.tile, network.tile) if network.pads_to_tile else None
    top, bottom, left, right = get_pad_yx(y, x, min_size=smallest)
    whole = (y + top + bottom, x + left + right)
    (rows, height), (columns, width) = (
        tiles_along(n, network.tile, parameters) for n in whole
    )
    return Tiling(
        size=(y, x),
        pads=((top, bottom), (left, right)),
        tile=(height, width),
        grid=(rows, columns),
        bsize=network.tile,
        augment=parameters.augment,
        overlap=parameters.tile_overlap,
    )


def run_planes(
    network: Network,
    stack: FloatArray,
    scale: float,
    parameters: SegmentationParameters,
    counter: TileCounter,
    window: Window | None = None,
) -> FloatArray:
    """Return the network's outputs for each plane, at the network's scale.

    Parameters
    ----------
    stack
        (Z, Y, X, C) network input, not scaled yet.
    scale
        Network pixels per pixel of ``stack``.
    window
        Only tiles that have a part in it are run. Outside of it there are no flows,
        and the cell probability is `OUTSIDE`.

    Returns
    -------
    (Z, int(Y * scale), int(X * scale), 3)
        dY, dX, cell probability; of a network that restores images, one restored.

    Raises
    ------
    Cancelled
        At the next block of the network after a stop.
    DeviceFull
        If not even one tile fits into the memory of the device.
    """
    from cellpose_studio.engine.cellpose_api import resize_image

    cut = tiling(stack.shape[1:3], scale, network, parameters)
    count = network.spec.architecture_info.outputs
    outputs = np.zeros((len(stack), *cut.size, count), np.float32)
    if window is None:
        window = Window(slice(0, len(stack)), *map(slice, (0, 0), cut.size))
    else:
        outputs[..., -1] = OUTSIDE
    chosen = cut.in_window(window)
    seen = window.rows, window.columns
    planes_seen = range(len(stack))[window.planes]
    with network.watched(counter.check):
        groups = [*_groups(planes_seen, len(chosen), parameters.batch_size)]

        def prepare(planes: range) -> list[Cut]:
            # Resizing plane by plane needs no second copy of the stack.
            scaled = (
                resize_image(stack[z], *cut.size) if scale != 1.0 else stack[z]
                for z in planes
            )
            return [cut.cut(plane) for plane in scaled]

        def join(planes: range, pieces: list[Cut], results: FloatArray) -> None:
            for n, z in enumerate(planes):
                part = results[n * len(chosen) : (n + 1) * len(chosen)]
                joined = cut.join(cut.spread(part, chosen), *pieces[n][1:])
                outputs[z][seen] = joined[seen]

        coming: deque[Callable[[], list[Cut]]] = deque()
        joining: list[Callable[[], None]] = []
        with Beside(network.device.name != "cpu") as beside:
            for n, planes in enumerate(groups):
                while len(coming) < min(2, len(groups) - n):
                    coming.append(beside.ahead(prepare, groups[n + len(coming)]))
                pieces = coming.popleft()()
                tiles = np.concatenate([piece[0][chosen] for piece in pieces])
                results = run_tiles(network, tiles, parameters.batch_size, counter)
                for wait in joining:
                    wait()
                joining = [beside.after(join, planes, pieces, results)]
            for wait in joining:
                wait()
    return outputs


def style_of_tiles(network: Network, plane: FloatArray) -> npt.NDArray[np.float64]:
    """Return the style (S,) of ``plane`` (Y, X, C) as ``core.run_net`` of Cellpose 3.

    That is the sum of the styles of all tiles, with a length of 1.
    """
    cut = tiling(plane.shape[:2], 1.0, network, SegmentationParameters())
    tiles = cut.cut(plane)[0].transpose(0, 2, 3, 1)
    total = np.sum([network.style(tile) for tile in tiles], axis=0)
    return np.asarray(total / np.linalg.norm(total), np.float64)


def _groups(planes: range, tiles: int, batch: int) -> Iterator[range]:
    """Yield groups of planes whose tiles fill a batch together."""
    step = max(1, batch // tiles)
    for first in range(0, len(planes), step):
        yield planes[first : first + step]


def run_tiles(
    network: Network, tiles: FloatArray, batch: int, counter: TileCounter
) -> FloatArray:
    """Run all tiles (N, C, Y, X), in batches as large as the memory allows."""
    if network.device.name == "cpu":
        # A CPU is fastest on single tiles, whose feature maps fit into its cache.
        batch = 1
        if network.engine in ("whole-tiles", "openvino"):
            return _run_in_threads(network, tiles, counter)
    batch = min(batch, counter.batch or batch)
    results: list[FloatArray] = []
    begun: deque[Callable[[], FloatArray]] = deque()
    started = 0

    def finish() -> None:
        results.append(begun.popleft()())
        counter.add(len(results[-1]))

    while started < len(tiles):
        part = tiles[started : started + batch]
        try:
            begun.append(network.start(part))
        except RuntimeError as error:
            if not is_full(error):
                raise
            if batch == 1 and not begun:
                raise device_full(network.device) from error
            # The batch before it needs memory as well, until it is done.
            while begun:
                finish()
            # Torch keeps freed blocks, whose sizes may not fit the smaller batch.
            free_unused(network.device)
            # All tiles have the same size, so a larger batch would not fit later
            # either.
            counter.batch = batch = max(1, batch // 2)
            continue
        started += len(part)
        # While a GPU computes a batch, the next one is copied to it.
        if len(begun) > 1:
            finish()
    while begun:
        finish()
    return np.concatenate(results)


def _run_in_threads(
    network: Network, tiles: FloatArray, counter: TileCounter
) -> FloatArray:
    """Run all tiles, each by one thread."""
    outputs = network.spec.architecture_info.outputs
    results = np.empty((len(tiles), outputs, *tiles.shape[2:]), np.float32)
    run = network.runner((1, *tiles.shape[1:]))

    def work(n: int) -> None:
        results[n] = run(tiles[n : n + 1])[0]

    parts = range(len(tiles))
    with full_as_error(network.device):
        run_parts(work, parts, counter.check, lambda: counter.add(1), by_torch=True)
    return results
