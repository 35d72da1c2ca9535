"""Marks of reviewed cells in the picture of `core.display.label_picture`.

Statuses differ by line style as well as by colour: accepted cells have a solid
outline, rejected ones a dashed one, and those for later a dotted one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cellpose_studio.core.compiling.compiled import compiled
from cellpose_studio.core.display.label_picture import (
    COLOURS,
    OUTLINE,
    Box,
    LabelPicture,
    Labels,
    draw_labels,
)

ACCEPTED, REJECTED, LATER = range(COLOURS + 1, COLOURS + 4)
"""Values of pixels, in place of the colour of the cell."""

MARKS = {"accepted": ACCEPTED, "rejected": REJECTED, "later": LATER}
"""Pixel value of each cell status."""

_HIGHEST = 1 << 24
"""Ids above are not marked; a table of them would be too large."""


def marks_of(statuses: Mapping[int, str]) -> LabelPicture:
    """Return for `mark` the value for every id, 0 for cells without a status."""
    ids = [cell for cell in statuses if cell < _HIGHEST]
    marks = np.zeros(max(ids, default=-1) + 1, np.uint8)
    marks[ids] = [MARKS[statuses[cell]] for cell in ids]
    return marks


def statuses_of(marks: LabelPicture) -> list[str]:
    """Return the statuses that are among marks by `marks_of`."""
    return [status for status, mark in MARKS.items() if (marks == mark).any()]


@dataclass(frozen=True, eq=False)
class DrawnLabels:
    """The picture of labels with the marks of their cells, made ahead.

    Attributes
    ----------
    picture
        As of `draw_labels` and `draw_marks`.
    marks
        (N,) by `marks_of`.
    """

    picture: LabelPicture
    marks: LabelPicture


def draw_ahead(labels: Labels, marks: LabelPicture) -> DrawnLabels:
    """Draw labels (Y, X) with marks; in a job, as millions of pixels take a while."""
    picture = draw_labels(labels)
    whole = tuple(slice(0, size) for size in labels.shape)
    draw_marks(picture, labels, whole, marks)
    return DrawnLabels(picture, marks)


def draw_marks(
    drawn: LabelPicture, labels: Labels, box: Box, marks: LabelPicture
) -> None:
    """Draw the marks of reviewed cells within ``box`` of their picture.

    Parameters
    ----------
    drawn
        The picture of ``labels``, Y and X last; modified in place.
    marks
        (N,) by `marks_of`.
    """
    if not marks.any():
        return
    *planes, rows, columns = box
    shown, cells = drawn[tuple(planes)], labels[tuple(planes)]
    for plane in np.ndindex(shown.shape[:-2]):
        _mark(
            shown[plane],
            cells[plane],
            marks,
            rows.start,
            rows.stop,
            columns.start,
            columns.stop,
        )


def apply_ranks(
    drawn: LabelPicture, labels: Labels, ranks: LabelPicture, beyond: int = 0
) -> None:
    """Give the cells of a picture the colours in ``ranks``.

    Parameters
    ----------
    drawn
        The picture of ``labels``, Y and X last; modified in place.
    ranks
        (N,) colour of each id; 0 hides a cell.
    beyond
        The colour of ids beyond ``ranks``; 0 leaves them their own.
    """
    for plane in np.ndindex(drawn.shape[:-2]):
        _rank(drawn[plane], labels[plane], ranks, np.uint8(beyond))


@compiled
def _rank(
    drawn: LabelPicture, labels: Labels, ranks: LabelPicture, beyond: np.uint8
) -> None:
    height, width = labels.shape
    for y in range(height):
        for x in range(width):
            cell = labels[y, x]
            if cell < len(ranks):
                drawn[y, x] = (drawn[y, x] & OUTLINE) | ranks[cell]
            elif beyond != 0:
                drawn[y, x] = (drawn[y, x] & OUTLINE) | beyond


@compiled
def _mark(
    drawn: LabelPicture,
    labels: Labels,
    marks: LabelPicture,
    top: int,
    bottom: int,
    left: int,
    right: int,
) -> None:
    for y in range(top, bottom):
        for x in range(left, right):
            cell = labels[y, x]
            value = marks[cell] if cell < len(marks) else 0
            if value == 0:
                continue
            edge = drawn[y, x] & OUTLINE
            # Diagonals cut upright and level outlines into the same dashes. A division
            # for each pixel of a cell would take most of the time.
            if edge != 0 and value == REJECTED and (y + x) % 6 > 2:
                edge = 0
            if edge != 0 and value == LATER and (y + x) % 2 == 1:
                edge = 0
            drawn[y, x] = value | edge
