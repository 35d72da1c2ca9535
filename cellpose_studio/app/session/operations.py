"""Operations after which cells have other ids, or count as made by hand no longer.

Each makes new masks of those present: a revision of its own, to which all that is
known of cells goes with them. This is the only way in which cells get other ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cellpose_studio.app.masks.hand_edits import hand_edits, not_at
from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.edits.whole import relabel_sequential
from cellpose_studio.core.masks.cell_table import Box, CellTable
from cellpose_studio.core.masks.chunks import Labels, chunk, copied
from cellpose_studio.core.masks.map_ids import map_ids
from cellpose_studio.core.matching.proposals import propose_divisions
from cellpose_studio.core.matching.renaming import Renaming, RenamingAhead
from cellpose_studio.core.matching.tracks import Tracks, link_cells
from cellpose_studio.core.provenance.hand_edits import FORGET, HandEdits
from cellpose_studio.core.provenance.revision import CellChanges, CellKnowledge
from cellpose_studio.core.wording import counted, listed
from cellpose_studio.io.masks.mapped import empty_labels


@dataclass(frozen=True, eq=False)
class Changed:
    """Masks that an operation made.

    Attributes
    ----------
    text
        What the menu calls the operation.
    renaming
        The ids of cells; None where they are as they were.
    forgotten
        Cells that are not accepted any more.
    ahead
        What goes with the new ids, as far as it was made ahead.
    """

    labels: LabelSet
    text: str
    renaming: Renaming | None = None
    forgotten: frozenset[int] = frozenset()
    ahead: RenamingAhead | None = None

    def prepared(self, known: CellKnowledge) -> Changed:
        """Return it with what `put_in_place` would have to work out, for any thread."""
        if self.renaming is None:
            return self
        ahead = RenamingAhead(self.renaming, known)
        self.labels.pixels.draw_ahead(ahead.statuses)
        return replace(self, ahead=ahead)


class Operations:
    """Makes masks of those of an image, in any thread.

    Parameters
    ----------
    masks
        The masks as they are when the operation is asked for.
    present, table
        Their pixels, which operations may only read, and their cells.
    """

    def __init__(
        self, project: Project, masks: LabelSet, present: Labels, table: CellTable
    ) -> None:
        self._project = project
        self._masks = masks
        self.present = present
        self._table = table

    def relabel(self) -> Changed | None:
        """Return the masks with cells numbered from 1; None if they are so.

        Raises
        ------
        ProjectUnusable, ProjectDamaged
        """
        names = relabel_sequential(self._table)
        if all(cell == name for cell, name in names.items()):
            return None
        labels = map_ids(self.present, names, empty_labels)
        return self._renamed(labels, "Relabel cells", Renaming.of(names))

    def tracks(
        self,
        threshold: float,
        checkpoint: Checkpoint,
        mothers: Mapping[int, int] | None = None,
    ) -> Tracks:
        """Return which cells are the same over time; see `link_cells`."""
        return link_cells(self.present, self._table, threshold, checkpoint, mothers)

    def proposed_divisions(
        self,
        linked: Changed | None,
        mothers: Mapping[int, int],
        checkpoint: Checkpoint,
    ) -> dict[int, int]:
        """Return what `propose_divisions` finds in masks after `link`.

        ``mothers`` are those before it.
        """
        if linked is None:
            return propose_divisions(self.present, self._table, mothers, checkpoint)
        changes = linked.renaming.mothers(mothers) if linked.renaming else {}
        after = {**mothers, **{cell: mother for cell, (_, mother) in changes.items()}}
        known = {cell: mother for cell, mother in after.items() if mother is not None}
        pixels = linked.labels.pixels
        return propose_divisions(pixels.array(), pixels.cell_table(), known, checkpoint)

    def link(self, tracks: Tracks) -> Changed | None:
        """Give cells the ids of their tracks; None if they have them.

        Tracks of several cells count as made by hand, which a new run keeps.

        Raises
        ------
        ProjectUnusable, ProjectDamaged
        """
        if not tracks.edit.parts:
            return None
        moved = {
            track
            for track, cells in tracks.renaming.before.items()
            if len(cells) > 1 or track in tracks.edit.cells
        }
        labels = copied(self.present, empty_labels)
        tracks.edit.apply(labels)
        return self._renamed(
            labels, tracks.edit.operation, tracks.renaming, frozenset(moved)
        )

    def rename(self, names: Sequence[dict[int, int]], operation: str) -> Changed | None:
        """Give the cells of each time point other ids; None if they have them.

        Parameters
        ----------
        names
            For each time point, the new id of each of its cells.

        Raises
        ------
        ProjectUnusable, ProjectDamaged
        """
        if all(old == new for one in names for old, new in one.items()):
            return None
        in_time = len(names) > 1
        frames = self.present if in_time else self.present[None]
        labels = empty_labels(self.present.shape)
        renamed = labels.reshape(frames.shape)
        for n, one in enumerate(zip(frames, names, strict=True)):
            renamed[n] = map_ids(*one)
        return self._renamed(labels, operation, Renaming.over_time(names))

    def bring_back(self, checkpoint: Checkpoint) -> Changed | None:
        """Put cells into place that were left out where cells were deleted.

        They take no pixels from others. None without such cells.

        Raises
        ------
        ProjectUnusable, ProjectDamaged
        """
        edit, masks = self._masks.left_out, self._masks
        if edit is None:
            return None
        labels = copied(self.present, empty_labels)
        edit.apply(labels)
        where = np.zeros(labels.shape, bool)
        for index in edit.chunk_indices:
            now, before = chunk(labels, index), chunk(self.present, index)
            np.copyto(now, before, where=before != 0)
            chunk(where, index)[...] = now != before
        known = self._hand_edits()
        left = replace(known, deleted=not_at(self._project, known.deleted, where))
        made = replace(self._made(labels, left), left_out=None)
        if masks.maker is not None:
            confidence = masks.maker.confidence(labels, masks.parameters, checkpoint)
            made = replace(made, confidence=confidence)
        return Changed(made, edit.operation)

    def forget(
        self,
        accepted: frozenset[int],
        cells: frozenset[int] | None = None,
        region: Box | None = None,
    ) -> Changed | None:
        """Let cells count as found by a run, so that the next one may replace them.

        Parameters
        ----------
        accepted
            Cells that the user accepted, which they are not afterwards.
        cells
            The cells to choose from; None for all.
        region
            Where they are, with places where cells were deleted; None for anywhere.

        Returns
        -------
        None if nothing of that kind is there.

        Raises
        ------
        ProjectUnusable, ProjectDamaged
        """
        chosen = cells
        if region is not None:
            chosen = frozenset(np.unique(self.present[region]).tolist())
        elif cells is None:
            chosen = frozenset(self._table.ids().tolist())
        assert chosen is not None
        known = self._hand_edits()
        left = known.without(chosen)
        if cells is None:
            left = replace(left, deleted=self._deleted_outside(known, region))
        forgotten = (known.cells | accepted) & chosen
        places = known.places - left.places
        if not forgotten and not places:
            return None
        made = self._made(copied(self.present, empty_labels), left)
        text = f"{FORGET} {_counts(len(forgotten), places)}"
        return Changed(made, text, forgotten=accepted & chosen)

    def _deleted_outside(
        self, known: HandEdits, region: Box | None
    ) -> Mapping[int, tuple[int, ...]]:
        """Return the deleted cells without those that have a pixel in a region.

        None is all of the image.
        """
        if region is None:
            return {}
        where = np.zeros(self.present.shape, bool)
        where[region] = True
        return not_at(self._project, known.deleted, where)

    def _renamed(
        self,
        labels: Labels,
        operation: str,
        renaming: Renaming,
        linked: frozenset[int] = frozenset(),
    ) -> Changed:
        known = renaming.hand_edits(self._hand_edits())
        known = replace(known, linked=(known.linked | linked) - known.shaped)
        made = self._made(labels, known)
        confidence = renaming.confidence(self._masks.confidence)
        return Changed(replace(made, confidence=confidence), operation, renaming)

    def _made(self, labels: Labels, kept: HandEdits) -> LabelSet:
        pixels = LabelImage(labels, highest=self._masks.pixels.highest)
        pixels.load()
        return replace(
            self._masks,
            pixels=pixels,
            cells=len(pixels.cell_table()),
            kept=kept,
            kept_cells=0,
            touched={},
            in_region=None,
        )

    def _hand_edits(self) -> HandEdits:
        return hand_edits(self._project, self._masks, self.present, self._table)


def put_in_place(
    session: Session, image: ProjectImage, changed: Changed, activate: bool = True
) -> None:
    """Give an image the masks of an operation, as one step that can be undone.

    They become the active ones with ``activate``.
    """
    name = changed.labels.name
    known = image.statuses.get(name, {})
    changes = CellChanges(
        statuses={
            cell: (known[cell], None) for cell in changed.forgotten & known.keys()
        }
    )
    renaming = changed.ahead or changed.renaming
    if renaming is not None:
        changes = renaming.changes(image.cell_knowledge(name))
    session.replace_masks(
        image,
        changed.labels,
        changed.text,
        "operation",
        changes=changes,
        activate=activate,
    )


def _counts(cells: int, places: int) -> str:
    """Return "3 cells and 1 deleted place"; without what there is none of."""
    found = ((cells, "cell"), (places, "deleted place"))
    return listed([counted(number, what) for number, what in found if number])
