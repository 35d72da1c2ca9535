"""Saves the result of a run in blocks."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from cellpose_studio.core.runs.segmentation import BlockSegmentation
from cellpose_studio.io.masks.exchange.streamed import STREAMED, save_streamed
from cellpose_studio.io.masks.export_formats import FORMATS
from cellpose_studio.workflows.save import save_segmentation


def save_blocks(
    result: BlockSegmentation,
    kinds: Collection[str],
    base: Path,
    check: Callable[[], None],
) -> list[Path]:
    """Write ``kinds`` of files and return them, in the order of `FORMATS`.

    TIFF and OME-TIFF are written strip by strip. The other formats need all masks in
    memory.

    Raises
    ------
    CannotSave
        If a file cannot be written.
    NotEnoughMemory
        If the masks do not fit into memory.
    """
    chosen = [name for name in FORMATS if name in kinds]
    streamed = [name for name in chosen if name in STREAMED]
    written = save_streamed(base, result.labels, streamed, result.image, check)
    rest = [name for name in chosen if name not in STREAMED]
    if rest:
        written += save_segmentation(result.loaded(check), rest, base=base)
    return written
