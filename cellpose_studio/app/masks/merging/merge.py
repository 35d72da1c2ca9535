"""What of an image's masks stays when a run or other thresholds bring new ones.

Cells keep their ids where new ones match them. Cells that the user accepted, drew or
edited stay as they are, and those that were deleted do not come back. A run in a region
changes only that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np

from cellpose_studio.app.masks.hand_edits import hand_edits, where_deleted
from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.masks.merging.region_merge import merge_in_region
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.project.project import Project
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.masks.cell_scan import Ids
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.chunks import Labels, pieces
from cellpose_studio.core.masks.edit import LabelEdit, edit_between
from cellpose_studio.core.masks.snapshot import Snapshot
from cellpose_studio.core.matching.links import carry_over_ids, keep_locked, names_after
from cellpose_studio.core.provenance.hand_edits import HandEdits
from cellpose_studio.core.provenance.revision import CellStatus
from cellpose_studio.core.runs.confidence import Confidence
from cellpose_studio.core.wording import cell_count
from cellpose_studio.io.masks.mapped import empty_labels


@dataclass(frozen=True, eq=False, kw_only=True)
class MasksState:
    """Masks that new ones take the place of, as they were at a moment.

    Attributes
    ----------
    masks
        None if there were none. Edits change their pixels in place.
    edits
        How many had changed them.
    statuses
        Of their cells.
    frames
        Time points of the image.
    snapshot
        Their pixels; None where those were not in memory, and after `released`.
    """

    masks: LabelSet | None
    edits: int
    statuses: dict[int, CellStatus]
    frames: int = 1
    snapshot: Snapshot | None = None

    @classmethod
    def of(cls, image: ProjectImage, name: str) -> MasksState:
        """Return the state of the masks of that name of an image; in the GUI thread."""
        masks = image.kept_masks(name)
        statuses = image.statuses.get(name, {}).copy()
        if masks is None:
            return cls(masks=None, edits=0, statuses=statuses)
        pixels = masks.pixels
        snapshot = pixels.snapshot() if pixels.loaded else None
        return cls(
            masks=masks,
            edits=pixels.edits,
            statuses=statuses,
            frames=image.source.frames,
            snapshot=snapshot,
        )

    def released(self) -> MasksState:
        """Return what `is_same` needs, so that edits need not copy what they change."""
        return replace(self, snapshot=None)

    def is_same(self, other: MasksState) -> bool:
        """Return whether nothing has changed between the two."""
        if self.masks is None or other.masks is None:
            return self.masks is other.masks
        return (
            self.masks.pixels is other.masks.pixels
            and self.edits == other.edits
            # A stroke changes pixels, and makes an edit of them when it ends.
            and self.masks.edited == other.masks.edited
            and self.statuses == other.statuses
        )


def merge_into(
    project: Project, before: MasksState, new: LabelSet, checkpoint: Checkpoint
) -> LabelSet:
    """Return new masks with what stays of those before; for any thread.

    Raises
    ------
    ProjectUnusable, ProjectDamaged
    """
    masks = before.masks
    if masks is None or masks.revision is None:
        return new
    # Masks that were not in memory are read here; who edits them meanwhile is noticed.
    present = (before.snapshot or masks.pixels.snapshot()).array(empty_labels)
    table = CellTable.of(present, masks.pixels.highest)
    known = hand_edits(project, masks, present, table)
    locked = sorted(known.cells | accepted(before.statuses, table))
    if new.parameters.region is not None and new.confidence is not None:
        return merge_in_region(
            project,
            masks,
            known,
            locked,
            new,
            present,
            table,
            before.frames,
            checkpoint,
        )
    highest = table.highest
    labels = carry_over_ids(present, new.array, highest, empty=empty_labels)
    checkpoint.check()
    left_out = None
    if locked or known.deleted:
        every = keep_locked(labels, present, locked, empty=empty_labels)
        labels = every
        if known.deleted:
            gone = where_deleted(project, known.deleted, labels.shape)
            labels = keep_locked(every, present, locked, gone, empty_labels)
            left_out = _bringing_back(labels, every)
            # Cells that are drawn until they come back must not get their ids.
            highest = max(highest, int(every.max()))
    checkpoint.check()
    pixels = LabelImage(labels, highest=highest)
    kept = replace(
        new, pixels=pixels, kept=known, kept_cells=len(locked), left_out=left_out
    )
    if new.maker is None:
        cells = pixels.cell_table().ids()
        confidence = _without_flows(masks, new, labels, cells, locked)
        return replace(kept, cells=len(cells), confidence=confidence)
    confidence = new.maker.confidence(labels, new.parameters, checkpoint)
    return replace(kept, cells=len(confidence.ids), confidence=confidence)


def _without_flows(
    masks: LabelSet, new: LabelSet, labels: Labels, cells: Ids, locked: Collection[int]
) -> Confidence | None:
    """Return the confidence in cells that merged masks have after a run in blocks.

    Without flows, it is what the run knows of new cells, and what was known of the
    ``locked`` ones.
    """
    if new.confidence is None:
        return None
    found = frozenset(cells.tolist()) - frozenset(locked)
    confidence = new.confidence.renamed(names_after(new.array, labels, found))
    if masks.confidence is None:
        return confidence
    kept = masks.confidence.among(np.array([*locked], np.uint32))
    return confidence.with_others(kept)


def accepted(statuses: Mapping[int, CellStatus], table: CellTable) -> frozenset[int]:
    """Return the accepted cells that are there."""
    cells = [cell for cell, status in statuses.items() if status == "accepted"]
    return frozenset(compress(cells, table.sizes_of(cells)))


def decisions(project: Project, labels: LabelSet) -> HandEdits:
    """Return what was made of masks by hand, to be remembered with them.

    For any thread, which must be the only one that has these masks.

    Raises
    ------
    ProjectUnusable, ProjectDamaged
    """
    present = labels.array
    table = CellTable.of(present, labels.pixels.highest)
    return hand_edits(project, labels, present, table)


def _bringing_back(labels: Labels, every: Labels) -> LabelEdit | None:
    """Return the edit that makes ``every`` of ``labels``, None if they are the same."""
    cells: set[int] = set()
    flat, with_them = labels.reshape(-1), every.reshape(-1)
    for piece in pieces(flat.size):
        differs = flat[piece] != with_them[piece]
        cells.update(np.unique(with_them[piece][differs]).tolist())
    whole = tuple(slice(0, size) for size in labels.shape)
    name = f"Bring back {cell_count(len(cells))}"
    return edit_between(name, sorted(cells), labels, whole, every) if cells else None
