"""The cells of true and of found masks, and which of them share pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.matching.compare import shared_pixels
from cellpose_studio.core.matching.links import assign

LEFT_OUT_AT = 0.5
"""IoU at which a found cell is taken for a true one that is left out."""

Labels = npt.NDArray[np.integer]
Ids = npt.NDArray[np.uint32]
Counts = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False, kw_only=True)
class Overlaps:
    """Cells of two label images, and the pairs of them that share pixels.

    Attributes
    ----------
    true_ids, found_ids
        (N,), (M,) ascending.
    true_pixels, found_pixels
        (N,), (M,) how many pixels each has, without ignored ones.
    rows, columns
        (K,) of each pair the index of the true and of the found cell.
    shared
        (K,) pixels that both have.
    """

    true_ids: Ids
    found_ids: Ids
    true_pixels: Counts
    found_pixels: Counts
    rows: Indices
    columns: Indices
    shared: Counts

    @property
    def iou(self) -> npt.NDArray[np.float64]:
        """(K,) pixels that both have over those that either has."""
        either = self.true_pixels[self.rows] + self.found_pixels[self.columns]
        return self.shared / (either - self.shared)

    def matched(self, threshold: float) -> Indices:
        """Return the pairs that are one cell, each cell in at most one.

        As many pairs as possible with an IoU of at least ``threshold``; of all such
        choices the one with the highest sum of IoU. From 0.5 on, there is hardly ever
        a choice: only a cell in two equal halves has one.
        """
        iou = self.iou
        likely = np.flatnonzero(iou >= threshold)
        return likely[self._assigned(likely, 1 + self._small(iou[likely]))]

    def best_pairs(self) -> Indices:
        """Return the pairs as Cellpose chooses them for the aggregated Jaccard index.

        Those with an IoU of at least 0.5 come first; what is left is paired as well.
        """
        iou = self.iou
        sure = iou > 0.5  # no other pair of either cell can have as much
        taken_rows = np.zeros(len(self.true_ids), bool)
        taken_columns = np.zeros(len(self.found_ids), bool)
        taken_rows[self.rows[sure]] = taken_columns[self.columns[sure]] = True
        free = ~taken_rows[self.rows] & ~taken_columns[self.columns]
        rest = np.flatnonzero(free)
        scores = (iou[rest] >= 0.5) + self._small(iou[rest])
        chosen = rest[self._assigned(rest, scores)]
        return np.concatenate([np.flatnonzero(sure), chosen])

    def without(self, true: Flags, found: Flags) -> Overlaps:
        """Return the same without cells, (N,) and (M,) true for those to leave out."""
        if not true.any() and not found.any():
            return self
        pairs = ~true[self.rows] & ~found[self.columns]
        # Cells move up in their list by the number of those before that are gone.
        new_rows, new_columns = np.cumsum(~true) - 1, np.cumsum(~found) - 1
        return Overlaps(
            true_ids=self.true_ids[~true],
            found_ids=self.found_ids[~found],
            true_pixels=self.true_pixels[~true],
            found_pixels=self.found_pixels[~found],
            rows=new_rows[self.rows[pairs]],
            columns=new_columns[self.columns[pairs]],
            shared=self.shared[pairs],
        )

    def _small(self, iou: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return parts of the IoU whose sum is less than one pair more."""
        return iou / (2 * max(1, min(len(self.true_ids), len(self.found_ids))))

    def _assigned(self, pairs: Indices, scores: npt.NDArray[np.float64]) -> Indices:
        rows, columns = self.rows[pairs], self.columns[pairs]
        once = len(np.unique(rows)) == len(rows) == len(np.unique(columns))
        if once:
            return np.arange(len(pairs))
        return assign(rows.astype(np.uint32), columns.astype(np.uint32), scores)


def overlaps_of(true: Labels, found: Labels, ignore: Flags | None = None) -> Overlaps:
    """Return the cells of two label images of one shape, on pixels not ignored.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if true.shape != found.shape:
        raise ValueError(f"{true.shape} and {found.shape} cannot be compared")
    if ignore is not None:
        true, found = (np.where(ignore, 0, labels) for labels in (true, found))
    olds, news, shared = shared_pixels(
        true.astype(np.uint32, copy=False), found.astype(np.uint32, copy=False)
    )
    true_ids, rows, true_pixels = _cells(olds, shared)
    found_ids, columns, found_pixels = _cells(news, shared)
    both = np.flatnonzero((olds > 0) & (news > 0))
    # The order of the compiled dictionary is not that of the ids.
    both = both[np.lexsort((news[both], olds[both]))]
    return Overlaps(
        true_ids=true_ids,
        found_ids=found_ids,
        true_pixels=true_pixels,
        found_pixels=found_pixels,
        rows=rows[both],
        columns=columns[both],
        shared=shared[both],
    )


def counted_overlaps(
    true: Labels,
    found: Labels,
    ignore: Flags | None = None,
    without_border: bool = False,
) -> Overlaps:
    """Return the cells of two label images that count, and the pixels they share.

    Ignored pixels belong to no cell. A cell more than half of which is ignored does not
    count, nor, with ``without_border``, one that touches the border of the image (of a
    volume, the first and the last plane as well). A found cell that matches a true one,
    with an IoU of at least 0.5, counts if that does, whatever it is itself.
    """
    cells = overlaps_of(true, found, ignore)
    out_true = _left_out(true, cells.true_ids, cells.true_pixels, ignore)
    out_found = _left_out(found, cells.found_ids, cells.found_pixels, ignore)
    if without_border:
        out_true |= np.isin(cells.true_ids, border_cells(true))
        out_found |= np.isin(cells.found_ids, border_cells(found))
    if out_true.any() or out_found.any():
        pairs = cells.matched(LEFT_OUT_AT)
        out_found[cells.columns[pairs]] = out_true[cells.rows[pairs]]
    return cells.without(out_true, out_found)


def border_cells(labels: Labels) -> Ids:
    """Return the ids of the cells that touch the border, on any axis.

    Axes with one place, as that of a stack with one plane, have no border.
    """
    faces = [
        np.take(labels, end, axis).ravel()
        for axis, size in enumerate(labels.shape)
        for end in (0, -1)
        if size > 1
    ]
    if not faces:
        return np.array([], np.uint32)
    found = np.unique(np.concatenate(faces))
    return found[found > 0].astype(np.uint32)


def _cells(ids: Ids, pixels: Counts) -> tuple[Ids, Indices, Counts]:
    """Return the ids, of each pair which of them it has, and the pixels of each."""
    cells, which = np.unique(ids, return_inverse=True)
    sums = np.zeros(len(cells), np.int64)
    np.add.at(sums, which, pixels)
    background = int(len(cells) > 0 and cells[0] == 0)
    return cells[background:], which - background, sums[background:]


def _left_out(labels: Labels, ids: Ids, pixels: Counts, ignore: Flags | None) -> Flags:
    """Return which cells are ignored with more than half of their pixels."""
    if ignore is None:
        return np.zeros(len(ids), bool)
    hidden, counts = np.unique(labels[ignore], return_counts=True)
    at = np.searchsorted(hidden, ids)
    there = at < len(hidden)
    there[there] = hidden[at[there]] == ids[there]
    ignored = np.zeros(len(ids), np.int64)
    ignored[there] = counts[at[there]]
    return ignored > pixels
