"""The masks of a run in blocks, which are read box by box, and their confidence."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.masks.chunks import EmptyLabels, in_memory
from cellpose_studio.core.runs.confidence import FLOW_CHECK, Confidence
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.blocks.flow_source import FlowSource
from cellpose_studio.engine.blocks.masking import (
    PASSES,
    BlockMasks,
    Check,
    Pass,
    one_by_one,
    run_passes,
)
from cellpose_studio.engine.blocks.store import BlockStore
from cellpose_studio.engine.blocks.table import joined
from cellpose_studio.engine.flows.boxes import Box, Shape, meet, within

Labels = npt.NDArray[np.uint32]
Doing = Callable[[BlockMasks, Pass, Sequence[int]], Generator[int, None, None]]
"""Does a pass on blocks, in any order, anywhere, and yields each that is done."""


@dataclass(frozen=True, eq=False, kw_only=True)
class MasksOfPart:
    """The masks of one plane or volume.

    Attributes
    ----------
    ids
        For each block the id of each of its own labels, from 0 on; 0 is none.
    """

    masks: BlockMasks
    ids: list[npt.NDArray[np.uint32]]

    def read(self, box: Box) -> Labels:
        """Return the labels (z, y, x) in a box."""
        masks = self.masks
        return masks.labels_in(box, "masks", masks.mask_blocks, self.ids)


class BlockLabels:
    """A label image on disk, as long as the store of its blocks is there.

    Attributes
    ----------
    shape
        Of the label image: TYX, ZYX, TZYX or YX.
    cells
        Number of cells.
    """

    def __init__(self, parts: list[MasksOfPart], shape: Shape, cells: int) -> None:
        self.shape = shape
        self.cells = cells
        self._parts = parts

    def plane(self, number: int, rows: slice, columns: slice) -> Labels:
        """Return a box (y, x) of a plane; frames x planes are counted in this order."""
        depth = self._parts[0].masks.masks[0]
        part, z = divmod(number, depth)
        return self._parts[part].read((slice(z, z + 1), rows, columns))[0]

    @property
    def planes(self) -> int:
        """Number of planes of all frames."""
        return int(np.prod(self.shape[:-2], dtype=int))

    def steps_needed(self) -> int:
        """Return after how many steps all pixels of all blocks were at rest."""
        return max(
            part.masks.store.facts(part.masks.key("ends", block))["rested"]
            for part in self._parts
            for block in range(len(part.masks.blocks))
        )

    def whole(
        self,
        check: Callable[[], None] = lambda: None,
        empty: EmptyLabels = in_memory,
    ) -> Labels:
        """Return the whole label image; ``check`` may raise to cancel.

        ``empty`` makes the array that it is read into, block by block.

        Raises
        ------
        MemoryError
            If it is too large.
        """
        labels = empty(self.shape)
        depth = self._parts[0].masks.masks[0]
        parts = labels.reshape(len(self._parts), depth, *self.shape[-2:])
        for array, part in zip(parts, self._parts, strict=True):
            for core in part.masks.mask_blocks:
                check()
                array[core] = part.read(core)
        return labels


def masks_in_blocks(
    source: FlowSource,
    label_shape: Shape,
    store: BlockStore,
    parameters: SegmentationParameters,
    side: Shape,
    overlap: int,
    checkpoint: Checkpoint,
    doing: Doing = one_by_one,
) -> tuple[BlockLabels, Confidence]:
    """Make masks from flows, block by block.

    Parameters
    ----------
    label_shape
        Of the masks: TYX, ZYX, TZYX or YX.
    store
        What is there already is not done again.
    side
        (Z, Y, X) of blocks at most.
    overlap
        Pixels around a block of which flows are read at first.
    doing
        Does the passes; here, by default.

    Raises
    ------
    CannotSave
        If the store is full.
    Cancelled
        After a stop.
    """
    check = checkpoint.check
    makers = makers_of(source, label_shape, store, parameters, side, overlap, check)
    total = PASSES * sum(len(maker.blocks) for maker in makers)
    done = 0

    def each(masks: BlockMasks, name: Pass, blocks: Sequence[int]) -> None:
        nonlocal done
        # Whatever raises here, others are not to go on.
        with closing(doing(masks, name, blocks)) as finished:
            for _ in finished:
                done += 1
                checkpoint.reached(min(done, total), total, "masks")

    parts: list[MasksOfPart] = []
    found: list[Confidence] = []
    used = 0
    for maker in makers:
        run_passes(maker, each)
        part, confidence = _chosen(maker, used)
        parts.append(part)
        found.append(confidence)
        used += len(confidence.ids)
    return BlockLabels(parts, label_shape, used), _together(found)


def makers_of(
    source: FlowSource,
    label_shape: Shape,
    store: BlockStore,
    parameters: SegmentationParameters,
    side: Shape,
    overlap: int,
    check: Check,
) -> list[BlockMasks]:
    """Return what makes the masks of each plane or volume, as `masks_in_blocks`."""
    depth = source.shape[0] if source.axes == 3 else 1
    return [
        BlockMasks(
            source=source,
            store=store,
            part=part,
            masks=(depth, *label_shape[-2:]),
            parameters=parameters,
            side=side,
            overlap=overlap,
            check=check,
        )
        for part in range(source.parts)
    ]


def _pixels_in_region(
    maker: BlockMasks, count: int, numbers: list[npt.NDArray[np.int64]]
) -> npt.NDArray[np.int64]:
    """Return how many pixels each of ``count`` cells of a part has in the region."""
    region = maker.parameters.region
    assert region is not None
    size = maker.masks[1], maker.masks[2]
    rows, columns = region.rows_and_columns(size)
    mask = region.mask(size)
    every = [np.concatenate([[0], own + 1]).astype(np.uint32) for own in numbers]
    pixels = np.zeros(count + 1, np.int64)
    for core in maker.mask_blocks:
        common = meet(core, (core[0], rows, columns))
        if common is not None:
            labels = maker.labels_in(common, "masks", maker.mask_blocks, every)
            inside = mask[within(common[1:], (rows, columns))]
            pixels += np.bincount(labels[:, inside].ravel(), minlength=count + 1)
    return pixels[1:]


def _chosen(maker: BlockMasks, used: int) -> tuple[MasksOfPart, Confidence]:
    """Choose the cells of a part by their size and place; ids follow ``used``.

    With a region, those of which at least half of the pixels lie in it.
    """
    parameters = maker.parameters
    cells, numbers = joined(maker.tables("masks", len(maker.mask_blocks)))
    stays = np.ones(len(cells), np.bool_)
    if parameters.min_size > 0:
        stays &= cells.pixels >= parameters.min_size
    if parameters.exclude_on_edges:
        axes = slice(0 if maker.source.axes == 3 else 1, None)
        at_border = (cells.low == 0) | (cells.high == np.array(maker.masks))
        stays &= ~at_border[:, axes].any(1)
    if parameters.region is not None:
        stays &= 2 * _pixels_in_region(maker, len(cells), numbers) >= cells.pixels
    ids = np.where(stays, used + np.cumsum(stays), 0).astype(np.uint32)
    sums = np.zeros((len(cells), 4))
    for n, own in enumerate(numbers):
        if len(own):
            np.add.at(sums, own, maker.store.read(maker.key("masks", n), "sums"))
    seen, fitted, chance, error = sums[stays].T
    assert maker.candidates is not None
    errors = maker.candidates.errors
    large = maker.candidates.cells.pixels >= parameters.min_size
    confidence = Confidence(
        ids=ids[stays],
        pixels=cells.pixels[stays],
        # A cell without a pixel of a candidate has no flow error.
        flow_errors=error / np.where(fitted, fitted, np.nan),
        probabilities=chance / np.maximum(seen, 1),
        candidates=int(large.sum()),
        misfits=int((errors[large] > FLOW_CHECK).sum()),
        doubtful=int(maker.doubtful.sum()),
    )
    return MasksOfPart(
        masks=maker,
        ids=[np.concatenate([[0], ids[own]]).astype(np.uint32) for own in numbers],
    ), confidence


def _together(found: list[Confidence]) -> Confidence:
    return Confidence(
        ids=np.concatenate([one.ids for one in found]),
        pixels=np.concatenate([one.pixels for one in found]),
        flow_errors=np.concatenate([one.flow_errors for one in found]),
        probabilities=np.concatenate([one.probabilities for one in found]),
        candidates=sum(one.candidates for one in found),
        misfits=sum(one.misfits for one in found),
        doubtful=sum(one.doubtful for one in found),
    )
