"""What becomes of an image's masks when a run brings the cells of a region."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from cellpose_studio.app.masks.hand_edits import not_at
from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.project.project import Project
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.matching.region_merge import merge_region
from cellpose_studio.core.provenance.hand_edits import HandEdits

_IN = ", in a region: "


def merge_in_region(
    project: Project,
    masks: LabelSet,
    known: HandEdits,
    locked: Collection[int],
    new: LabelSet,
    present: Labels,
    checkpoint: Checkpoint,
) -> LabelSet:
    """Return masks with the cells of a run in a region; for any thread.

    Places of the region where cells were deleted are free again.

    Parameters
    ----------
    masks, present
        The masks before, and their pixels as they were.
    known
        What was made of them by hand.
    locked
        Cells that the run must not change.
    new
        The cells of the run.

    Raises
    ------
    ProjectUnusable, ProjectDamaged
    """
    region, flows, maker = new.parameters.region, new.flows, new.maker
    assert region is not None
    assert flows is not None
    assert maker is not None
    table = CellTable.of(present, masks.pixels.highest)
    merge = merge_region(present, table, new.array, region, flows.frames, locked)
    checkpoint.check()
    freed = np.isin(merge.labels, list(merge.found))
    if region.cell_at is None:
        box = region.box(present.shape, flows.frames)
        freed[box] |= region.mask((present.shape[-2], present.shape[-1]))
    left = known.without(merge.replaced)
    if merge.found or region.cell_at is None:
        deleted = not_at(project, known.deleted, freed, mostly=True)
        left = replace(left, deleted=deleted)
    checkpoint.check()
    pixels = LabelImage(merge.labels, highest=max(table.highest, masks.pixels.highest))
    pixels.load()
    confidence = maker.confidence(merge.labels, new.parameters, checkpoint)
    confidence = confidence.among(np.array(sorted(merge.found), np.uint32))
    cells = len(pixels.cell_table())
    if masks.confidence is not None:
        others = pixels.cell_table().ids()
        others = np.setdiff1d(others, confidence.ids)
        confidence = confidence.with_others(masks.confidence.among(others))
    return replace(
        new,
        pixels=pixels,
        cells=cells,
        kept=left,
        kept_cells=cells - len(merge.found),
        confidence=confidence,
        # Other thresholds have the origin of the masks before them.
        origin=f"{new.origin.partition(_IN)[0]}{_IN}{merge.counts.text}",
        in_region=merge.counts,
    )
