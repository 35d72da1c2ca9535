"""What of an image's masks stays when a run or other thresholds bring new ones.

Cells keep their ids where new ones match them. Cells that the user accepted, drew or
edited stay as they are, and those that were deleted do not come back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.project.project import Project
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.snapshot import Snapshot
from cellpose_studio.core.matching.links import carry_over_ids, keep_locked
from cellpose_studio.core.provenance.revision import (
    DELETED_KEY,
    LOCKED_KEY,
    CellStatus,
    LabelRevision,
)
from cellpose_studio.io.project.tables.revisions import read_revision

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Decided:
    """What the user has decided about the cells of some masks.

    Attributes
    ----------
    locked
        Cells that were drawn or edited by hand, or accepted.
    deleted
        Cells that are gone, by the id of the revision that has them.
    """

    locked: frozenset[int]
    deleted: dict[int, list[int]]

    def details(self) -> dict[str, Any]:
        """Return plain values for the project, of what is to be remembered."""
        deleted = {str(number): cells for number, cells in self.deleted.items()}
        found = {LOCKED_KEY: sorted(self.locked), DELETED_KEY: deleted}
        return {name: value for name, value in found.items() if value}


@dataclass(frozen=True, eq=False)
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
    snapshot
        Their pixels; None where those were not in memory, and after `released`.
    """

    masks: LabelSet | None
    edits: int
    statuses: dict[int, CellStatus]
    snapshot: Snapshot | None = None

    @classmethod
    def of(cls, image: ProjectImage, name: str) -> MasksState:
        """Return the state of the masks of that name of an image; in the GUI thread."""
        masks = image.kept_masks(name)
        statuses = image.statuses.get(name, {}).copy()
        if masks is None:
            return cls(None, 0, statuses)
        pixels = masks.pixels
        snapshot = pixels.snapshot() if pixels.loaded else None
        return cls(masks, pixels.edits, statuses, snapshot)

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
    present = (before.snapshot or masks.pixels.snapshot()).array()
    table = CellTable.of(present, masks.pixels.highest)
    decided = _decided(project, masks, present, table, before.statuses)
    highest = table.highest
    labels = carry_over_ids(present, new.array, highest)
    checkpoint.check()
    if decided.locked or decided.deleted:
        gone = _where_deleted(project, decided, labels.shape)
        labels = keep_locked(labels, present, sorted(decided.locked), gone)
    checkpoint.check()
    pixels = LabelImage(labels, highest=highest)
    kept = replace(new, pixels=pixels, kept=decided.details())
    if new.maker is None:
        return replace(kept, cells=len(pixels.cell_table()), confidence=None)
    confidence = new.maker.confidence(labels, new.parameters, checkpoint)
    return replace(kept, cells=len(confidence.ids), confidence=confidence)


def decisions(project: Project, labels: LabelSet) -> dict[str, Any]:
    """Return what was decided about the cells of masks, to be remembered with them.

    For any thread, which must be the only one that has these masks.

    Raises
    ------
    ProjectDamaged
    """
    present = labels.array
    table = CellTable.of(present, labels.pixels.highest)
    return _decided(project, labels, present, table, {}).details()


def _decided(
    project: Project,
    labels: LabelSet,
    present: Labels,
    table: CellTable,
    statuses: dict[int, CellStatus],
) -> _Decided:
    """Return what was decided about masks whose pixels are ``present``."""
    assert labels.revision is not None
    base = _base(project, labels.revision)
    details = base.details if base is not None else {}
    there = set(table.ids().tolist())
    locked = {cell for cell, status in statuses.items() if status == "accepted"}
    locked |= set(details.get(LOCKED_KEY, ()))
    deleted = {int(number): ids for number, ids in details.get(DELETED_KEY, {}).items()}
    if base is None:
        locked |= there
    elif base.id != labels.revision.id or labels.edited:
        touched = _touched(project.labels(base), present)
        locked |= touched
        if gone := sorted(touched - there):
            deleted[base.id] = gone
    return _Decided(frozenset(locked & there), deleted)


def _base(project: Project, revision: LabelRevision) -> LabelRevision | None:
    """Return what edits began on; None where all cells were drawn by hand."""
    found: LabelRevision | None = revision
    while found is not None and found.kind == "edit":
        found = _revision(project, found.parent) if found.parent else None
    return found


def _revision(project: Project, number: int) -> LabelRevision | None:
    return project.read(lambda db: read_revision(db, number))


def _touched(before: Labels, after: Labels) -> set[int]:
    """Return the ids of cells that have lost or got pixels."""
    differs = before != after
    ids = np.union1d(before[differs], after[differs]).tolist()
    return {int(cell) for cell in ids if cell}


def _where_deleted(
    project: Project, decided: _Decided, shape: tuple[int, ...]
) -> Mask | None:
    """Return where cells were that the user deleted; None without any."""
    if not decided.deleted:
        return None
    gone = np.zeros(shape, bool)
    for number, cells in decided.deleted.items():
        revision = _revision(project, number)
        if revision is not None and revision.shape == shape:
            gone |= np.isin(project.labels(revision), np.array(cells, np.uint32))
    return gone
