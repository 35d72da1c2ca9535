"""Saves the result of a run in blocks."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from cellpose_studio.core.errors import CannotSave, NotEnoughMemory
from cellpose_studio.core.runs.segmentation import BlockSegmentation
from cellpose_studio.io.masks.exchange.streamed import STREAMED, save_streamed
from cellpose_studio.io.masks.export import (
    Saved,
    reasons_unfit,
    remove_id_table,
    unfit,
)
from cellpose_studio.io.masks.export_formats import FORMATS
from cellpose_studio.io.masks.mapped import empty_labels
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
        If none of them can.
    NotEnoughMemory
        If only formats are asked for that need all masks, and these do not fit.
    """
    cells = result.labels.cells
    reasons = reasons_unfit(base, kinds, result.image.label_axes, cells)
    saved = Saved(reasons=[*reasons.values()])
    chosen = [name for name in FORMATS if name in kinds and name not in reasons]
    for name in filter(STREAMED.__contains__, chosen):
        # One format that cannot be written must not keep the others.
        try:
            path = save_streamed(base, result.labels, name, result.image, check)
            saved.files.append(path)
        except CannotSave as error:
            saved.reasons.append(error)
    if saved.files:
        # Cells are numbered 1..N.
        remove_id_table(base)
    if rest := [name for name in chosen if name not in STREAMED]:
        _save_whole(result, rest, base, check, saved)
    if saved.reasons and not saved.files:
        raise unfit(saved.reasons)
    return saved


def _save_whole(
    result: BlockSegmentation,
    kinds: Collection[str],
    base: Path,
    check: Callable[[], None],
    saved: Saved,
) -> None:
    """Write formats that need all masks in memory, and add them to ``saved``."""
    try:
        more = save_fitting_of(result.loaded(check, empty_labels), kinds, base)
    except CannotSave as error:
        saved.reasons.append(error)
    except NotEnoughMemory as error:
        if not saved.files:
            raise
        names = ", ".join(FORMATS[name].path(base).name for name in kinds)
        saved.reasons.append(
            CannotSave(f"{names} could not be saved: {error.message}", error.hint)
        )
    else:
        saved.files += more.files
        saved.reasons += more.reasons
