"""Saves the result of a run in blocks."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from cellpose_studio.core.runs.segmentation import BlockSegmentation
from cellpose_studio.io.masks.exchange.streamed import STREAMED, save_streamed
from cellpose_studio.io.masks.export import Saved
from cellpose_studio.io.masks.export_formats import FORMATS
from cellpose_studio.workflows.save import save_fitting_of


def save_blocks(
    result: BlockSegmentation,
    kinds: Collection[str],
    base: Path,
    check: Callable[[], None],
) -> Saved:
    """Write the ``kinds`` of files that can be written, as `save_fitting`.

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
    saved = Saved(files=written)
    rest = [name for name in chosen if name not in STREAMED]
    if rest:
        more = save_fitting_of(result.loaded(check), rest, base)
        saved = Saved(files=written + more.files, reasons=more.reasons)
    return saved
