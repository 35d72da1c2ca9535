"""What becomes of an image's masks when a run brings the cells of a region."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from cellpose_studio.app.masks.hand_edits import not_at
from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.project.project import Project
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.edits.changes import box_around
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.map_ids import only
from cellpose_studio.core.matching.links import names_after
from cellpose_studio.core.matching.region_merge import RegionMerge, merge_region
from cellpose_studio.core.provenance.hand_edits import HandEdits
from cellpose_studio.io.masks.mapped import empty_labels

_IN = ", in a region: "


def merge_in_region(
    project: Project,
    masks: LabelSet,
    known: HandEdits,
    locked: Collection[int],
    new: LabelSet,
    present: Labels,
    table: CellTable,
    frames: int,
    checkpoint: Checkpoint,
) -> LabelSet:
    """Return masks with the cells of a run in a region; for any thread.

    Places of the region where cells were deleted are free again.

    Parameters
    ----------
    masks, present, table
        The masks before, their pixels as they were, and the cells of these.
    known
        What was made of them by hand.
    locked
        Cells that the run must not change.
    new
        The cells of the run.
    frames
        Time points of the image.

    Raises
    ------
    ProjectUnusable, ProjectDamaged
    """
    region = new.parameters.region
    assert region is not None
    merge = merge_region(
        present, table, new.array, region, frames, locked, empty_labels
    )
    checkpoint.check()
    pixels = LabelImage(merge.labels, highest=max(table.highest, masks.pixels.highest))
    pixels.load()
    freed = np.zeros(present.shape, bool)
    if merge.found:
        box = box_around(map(pixels.cell_table().box, merge.found))
        freed[box] = only(merge.labels[box], [*merge.found]) > 0
    if region.cell_at is None:
        box = region.box(present.shape, frames)
        freed[box] |= region.mask((present.shape[-2], present.shape[-1]))
    left = known.without(merge.replaced)
    if merge.found or region.cell_at is None:
        deleted = not_at(project, known.deleted, freed, mostly=True)
        left = replace(left, deleted=deleted)
    checkpoint.check()
    if new.maker is not None:
        confidence = new.maker.confidence(merge.labels, new.parameters, checkpoint)
        confidence = confidence.among(np.array(sorted(merge.found), np.uint32))
    else:
        # After a run in blocks, there are no flows to compare the cells with.
        assert new.confidence is not None
        confidence = new.confidence.renamed(_names(new, merge, pixels.cell_table()))
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


def _names(new: LabelSet, merge: RegionMerge, table: CellTable) -> dict[int, int]:
    """Return the ids that cells of a run have in masks that they were merged with.

    ``table`` is that of these masks.
    """
    if not merge.found:
        return {}
    box = box_around([table.box(cell) for cell in merge.found])
    return names_after(new.array[box], merge.labels[box], merge.found)
