"""What a user has said of masks in a project, as scores take it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.errors import MasksUnreadable
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.provenance.revision import CellStatus
from cellpose_studio.core.review.training_ignore import annotated
from cellpose_studio.core.review.training_marks import (
    NO_MARKS,
    TrainingMarks,
    unpack_mask,
)

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, kw_only=True)
class Decisions:
    """Of masks as they are now: earlier ones may have other cells with the same ids.

    Attributes
    ----------
    statuses
        Of cells, by id.
    frames
        Number of time points of the image.
    """

    statuses: Mapping[int, CellStatus] = field(default_factory=dict)
    marks: TrainingMarks = NO_MARKS
    frames: int = 1

    @property
    def counted(self) -> tuple[object, ...]:
        """What scores depend on, to be compared with that of a later time."""
        cells = {one for one in self.statuses.items() if one[1] != "accepted"}
        marks = self.marks
        return cells, marks.partly, marks.unannotated, marks.unlabelled

    def cells(self, labels: Labels) -> Labels:
        """Return masks without the cells that were rejected."""
        rejected = self._with("rejected")
        if not rejected:
            return labels
        return np.where(np.isin(labels, rejected), np.uint32(0), labels)

    def unknown(self, labels: Labels) -> Mask | None:
        """Return where masks do not say whether there is a cell; None if nowhere.

        That is in regions that are not annotated, between the cells of images that are
        only partly annotated, and in cells to be fixed later. A cell is ignored in
        whole or not at all.

        Parameters
        ----------
        labels
            Of `cells`.

        Raises
        ------
        MasksUnreadable
            If what is not annotated belongs to masks of another shape.
        """
        later, marks = self._with("later"), self.marks
        drawn: Mask | None = None
        if marks.unlabelled or marks.unannotated:
            try:
                drawn = unpack_mask(marks.unlabelled, labels.shape)
            except ValueError as error:
                raise MasksUnreadable(
                    "What is not annotated belongs to masks of another size."
                ) from error
            for region in marks.unannotated:
                part = drawn[region.box(labels.shape, self.frames)]
                part |= region.mask((labels.shape[-2], labels.shape[-1]))
        if drawn is None and not later and not marks.partly:
            return None
        return annotated(
            labels, left_out=later, partly=marks.partly, unannotated=drawn
        ).ignore

    def _with(self, status: CellStatus) -> list[int]:
        return [cell for cell, one in self.statuses.items() if one == status]


NO_DECISIONS = Decisions()
