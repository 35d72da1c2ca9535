"""Two revisions side by side: what became of each cell, as a picture to look at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cellpose_studio.app.project.project import Project
from cellpose_studio.core.display.label_picture import OUTLINE, draw_labels
from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.masks.chunks import Labels, pieces
from cellpose_studio.core.matching.compare import (
    CHANGED,
    Comparison,
    compare_labels,
    highlight,
)
from cellpose_studio.core.provenance.revision import LabelRevision

KEPT = 5
"""In pictures: a pixel that a cell of other pixels had before, too."""


class Incomparable(StudioError):
    """Two revisions have no pixels in common."""


@dataclass(frozen=True)
class Side:
    """Masks to compare.

    Attributes
    ----------
    with_edits
        The edits that came after the revision are part of it.
    """

    revision: LabelRevision
    with_edits: bool = False

    @property
    def words(self) -> str:
        """What the user calls them."""
        return "now" if self.with_edits else f"revision {self.revision.id}"


@dataclass(frozen=True, eq=False)
class Compared:
    """What came of a comparison.

    Attributes
    ----------
    picture
        What `core.matching.compare.highlight` gives, with `OUTLINE` set along the
        border of each cell, and `KEPT` for those pixels of changed cells that did not
        change.
    """

    before: Side
    after: Side
    comparison: Comparison
    picture: npt.NDArray[np.uint8]


def compared(project: Project, before: Side, after: Side) -> Compared:
    """Read and compare two sides; for any thread.

    Raises
    ------
    Incomparable
        If they are of different sizes.
    ProjectDamaged
    """
    old, new = _masks(project, before), _masks(project, after)
    if old.shape != new.shape:
        raise Incomparable(
            "These two cannot be compared: the image had another size then."
        )
    comparison = compare_labels(old, new)
    drawn = highlight(old, new, comparison)
    _mark(drawn, old, new, comparison)
    return Compared(before, after, comparison, drawn)


def _mark(
    picture: npt.NDArray[np.uint8], old: Labels, new: Labels, comparison: Comparison
) -> None:
    """Mark the border of each cell, and what changed cells had before, too."""
    before, after = comparison.changed.T
    # By id before, the id after; a table is much faster than a search.
    same = np.zeros(int(old.max(initial=0)) + 1, np.uint32)
    same[before] = after
    olds, news, flat = old.reshape(-1), new.reshape(-1), picture.reshape(-1)
    lines_before, lines = draw_labels(old).reshape(-1), draw_labels(new).reshape(-1)
    for at in pieces(flat.size):
        is_cell, drawn = news[at] > 0, flat[at]
        drawn[(same[olds[at]] == news[at]) & is_cell & (drawn == CHANGED)] = KEPT
        # Removed cells are only in the old masks, so these fill the gaps.
        outlines = np.where(is_cell, lines[at], lines_before[at])
        drawn |= outlines & np.uint8(OUTLINE)


def _masks(project: Project, side: Side) -> Labels:
    revision = side.revision
    if not side.with_edits:
        return project.labels(revision)
    return project.labels_now(revision)
