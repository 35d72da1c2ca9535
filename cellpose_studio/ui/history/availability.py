"""Rules: which commands are available for rows of the history, or why not."""

from __future__ import annotations

from collections.abc import Sequence

from cellpose_studio.app.history.comparison import Side
from cellpose_studio.app.history.lineage_reader import ImageHistory
from cellpose_studio.core.provenance.record import RunRecord
from cellpose_studio.core.provenance.revision import LabelRevision
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.ui.history.rows import HistoryRow

_ONE = "Select one revision."
_NO_MASKS = "This image has no masks yet."
_NO_RESULT = "This run produced no masks."


def revision_of(row: HistoryRow) -> LabelRevision | None:
    """Return the revision of a row; of open edits, the head that they follow."""
    if row.node is not None:
        return row.node.revision
    head = row.lineage.step_of(row.lineage.head)
    return head.revision if head else None


def current_row(history: ImageHistory | None) -> HistoryRow | None:
    """Return the row of the masks that are shown now; None without masks."""
    if history is None:
        return None
    for lineage in history.lineages:
        if lineage.name == history.image.active and lineage.head is not None:
            node = None if lineage.open_edits else lineage.step_of(lineage.head)
            return HistoryRow(lineage, node)
    return None


def run_of(row: HistoryRow) -> tuple[RunRecord, SegmentationParameters] | None:
    """Return the run of a row, and the parameters of its masks; None without a run."""
    node = row.node or row.lineage.step_of(row.lineage.head)
    if node is None or node.record is None:
        return None
    own = node.revision.parameters if node.revision else None
    return node.record, own or node.record.parameters


def sides(rows: Sequence[HistoryRow]) -> tuple[Side, Side] | None:
    """Return the sides to compare: two rows, the older first, or one and the head."""
    if reason_not_comparable(rows):
        return None
    found = [_side(row) for row in rows]
    if len(rows) == 1:
        lineage = rows[0].lineage
        now = _side(HistoryRow(lineage, None))
        if rows[0].node is None:
            # Open edits are compared with the head that they follow.
            return Side(now.revision), now
        return found[0], Side(now.revision, bool(lineage.open_edits))
    # Ids of revisions increase with time.
    older, newer = sorted(found, key=lambda s: (s.revision.id, s.with_edits))
    return older, newer


def reason_not_comparable(rows: Sequence[HistoryRow]) -> str:
    """Return the reason why rows cannot be compared; "" if they can."""
    if len(rows) not in (1, 2):
        return "Select one revision to compare with what is shown now, or two."
    if any(revision_of(row) is None for row in rows):
        return _NO_RESULT
    if len({row.lineage.name for row in rows}) > 1:
        return "These revisions belong to different sets of masks."
    lineage = rows[0].lineage
    if len(rows) == 1 and lineage.head is None:
        return "No masks are shown now. Select two revisions."
    if len(rows) == 1 and rows[0].is_head and not lineage.open_edits:
        return "This revision is shown now. Select another one."
    return ""


def reason_not_restorable(rows: Sequence[HistoryRow], read_only: str) -> str:
    """Return the reason why a revision cannot be restored; "" if it can."""
    if len(rows) != 1:
        return read_only or _ONE
    row = rows[0]
    if row.node is not None and row.node.revision is None:
        return _NO_RESULT
    if row.node is None or (row.is_head and not row.lineage.open_edits):
        return "This revision is shown now."
    return read_only


def reason_not_notable(rows: Sequence[HistoryRow], read_only: str) -> str:
    """Return the reason why a row cannot have a note; "" if it can."""
    if len(rows) != 1:
        return read_only or _ONE
    if rows[0].node is None:
        return "Save a version first."
    return read_only if rows[0].node.revision else _NO_RESULT


def reason_not_reusable(rows: Sequence[HistoryRow], now: HistoryRow | None) -> str:
    """Return the reason why a row has no parameters to use; "" if it has."""
    row = target(rows, now)
    if row is None:
        return _ONE if rows else _NO_MASKS
    return "" if run_of(row) else _no_run(row)


def reason_no_methods(rows: Sequence[HistoryRow], now: HistoryRow | None) -> str:
    """Return the reason why there is nothing to write about masks; "" if there is."""
    row = target(rows, now)
    if row is None:
        return _ONE if rows else _NO_MASKS
    return _NO_RESULT if revision_of(row) is None else ""


def reason_no_recipe(rows: Sequence[HistoryRow], now: HistoryRow | None) -> str:
    """Return the reason why masks have no recipe; "" if they have."""
    row = target(rows, now)
    if reason := reason_no_methods(rows, now):
        return reason
    return _no_run(row) if row is not None and not run_of(row) else ""


def target(rows: Sequence[HistoryRow], now: HistoryRow | None) -> HistoryRow | None:
    """Return the selected row, or without one that shown now; None for several."""
    if not rows:
        return now
    return rows[0] if len(rows) == 1 else None


def _side(row: HistoryRow) -> Side:
    revision = revision_of(row)
    assert revision is not None
    return Side(revision, row.node is None)


def _no_run(row: HistoryRow) -> str:
    revision = revision_of(row)
    if revision is None:
        return _NO_MASKS
    how = f"were imported {revision.origin}" if revision.origin else "have no record"
    return f"Revision {revision.id} has no run: its masks {how}."
