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
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.matching.links import carry_over_ids, keep_locked
from cellpose_studio.core.provenance.revision import CellStatus, LabelRevision
from cellpose_studio.io.project.tables.revisions import read_revision

_LOCKED, _DELETED = "locked", "deleted"
"""Details of a revision: ids of cells that the user made, and those that were deleted,
by the id of the revision that has them."""

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
        found = {_LOCKED: sorted(self.locked), _DELETED: deleted}
        return {name: value for name, value in found.items() if value}


@dataclass(frozen=True, eq=False)
class MasksState:
    """Masks that new ones take the place of, as they were when they were looked at.

    Attributes
    ----------
    masks
        None if there were none. Edits change their pixels in place.
    edits
        How many had changed them.
    statuses
        Of their cells.
    """

    masks: LabelSet | None
    edits: int
    statuses: dict[int, CellStatus]

    @classmethod
    def of(cls, image: ProjectImage, name: str) -> MasksState:
        """Look at the masks of that name of an image, as they are; for any thread."""
        masks = image.label_sets.get(name)
        preview = image.preview_of
        if preview is not None and preview.name == name:
            masks = preview
        edits = 0 if masks is None else masks.pixels.edits
        return cls(masks, edits, image.statuses.get(name, {}).copy())

    def is_same(self, other: MasksState) -> bool:
        """Tell whether nothing has changed between the two."""
        pixels = [one.masks.pixels if one.masks else None for one in (self, other)]
        return (
            pixels[0] is pixels[1]
            and self.edits == other.edits
            and self.statuses == other.statuses
        )


def merge_into(
    project: Project, before: MasksState, new: LabelSet, checkpoint: Checkpoint
) -> LabelSet:
    """Return new masks with what stays of those before; for any thread.

    Raises
    ------
    ProjectDamaged
    """
    masks = before.masks
    if masks is None or masks.revision is None:
        return new
    decided = _decided(project, masks, before.statuses)
    present = masks.array
    highest = masks.pixels.cell_table().highest
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

    For any thread.

    Raises
    ------
    ProjectDamaged
    """
    return _decided(project, labels, {}).details()


def _decided(
    project: Project, labels: LabelSet, statuses: dict[int, CellStatus]
) -> _Decided:
    assert labels.revision is not None
    base, present = _base(project, labels.revision), labels.array
    details = base.details if base is not None else {}
    there = set(labels.pixels.cell_table().ids().tolist())
    locked = {cell for cell, status in statuses.items() if status == "accepted"}
    locked |= set(details.get(_LOCKED, ()))
    deleted = {int(number): ids for number, ids in details.get(_DELETED, {}).items()}
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
