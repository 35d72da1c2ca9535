"""What can be done with rows of the history, or why not."""

from __future__ import annotations

from collections.abc import Sequence

from cellpose_studio.app.history.comparison import Side
from cellpose_studio.app.history.lineage_reader import ImageHistory
from cellpose_studio.core.provenance.record import RunRecord
from cellpose_studio.core.provenance.revision import LabelRevision
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.ui.history.tree import Row

_ONE = "Select one revision."
_NO_MASKS = "There are no masks yet."
_GAVE_NONE = "This run gave no masks."


def revision_of(row: Row) -> LabelRevision | None:
    """Return the revision of a row, of edits since the head that they came after."""
    if row.step is not None:
        return row.step.revision
    head = row.lineage.step_of(row.lineage.head)
    return head.revision if head else None


def now_of(history: ImageHistory | None) -> Row | None:
    """Return the row of what is shown at present; None where there are no masks."""
    if history is None:
        return None
    for lineage in history.lineages:
        if lineage.name == history.image.active and lineage.head is not None:
            step = None if lineage.open_edits else lineage.step_of(lineage.head)
            return Row(lineage, step)
    return None


def run_of(row: Row) -> tuple[RunRecord, SegmentationParameters] | None:
    """Return the run that masks come from, and what they were made with."""
    step = row.step or row.lineage.step_of(row.lineage.head)
    if step is None or step.record is None:
        return None
    own = step.revision.parameters if step.revision else None
    return step.record, own or step.record.parameters


def sides(rows: Sequence[Row]) -> tuple[Side, Side] | None:
    """Return what to compare: two rows, the older first, or one with the head."""
    if reason_not_comparable(rows):
        return None
    found = [_side(row) for row in rows]
    if len(rows) == 1:
        lineage = rows[0].lineage
        now = _side(Row(lineage, None))
        if rows[0].step is None:
            # The edits alone: what they changed.
            return Side(now.revision), now
        return found[0], Side(now.revision, bool(lineage.open_edits))
    older, newer = sorted(found, key=lambda s: (s.revision.id, s.with_edits))
    return older, newer


def reason_not_comparable(rows: Sequence[Row]) -> str:
    """Return why rows cannot be compared; empty if they can."""
    if len(rows) not in (1, 2):
        return "Select one revision, to compare it with what is shown now, or two."
    if any(revision_of(row) is None for row in rows):
        return _GAVE_NONE
    if len({row.lineage.name for row in rows}) > 1:
        return "These belong to different sets of masks."
    lineage = rows[0].lineage
    if len(rows) == 1 and lineage.head is None:
        return "No masks are shown now. Select two revisions."
    if len(rows) == 1 and rows[0].is_head and not lineage.open_edits:
        return "This is what is shown now. Select another revision."
    return ""


def reason_not_restorable(rows: Sequence[Row], read_only: str) -> str:
    """Return why a revision cannot be brought back; empty if it can."""
    if len(rows) != 1:
        return read_only or _ONE
    row = rows[0]
    if row.step is not None and row.step.revision is None:
        return _GAVE_NONE
    if row.step is None or (row.is_head and not row.lineage.open_edits):
        return "This is what is shown now."
    return read_only


def reason_not_notable(rows: Sequence[Row], read_only: str) -> str:
    """Return why no note can be written on a row; empty if one can."""
    if len(rows) != 1:
        return read_only or _ONE
    if rows[0].step is None:
        return "Save a version first."
    return read_only if rows[0].step.revision else _GAVE_NONE


def reason_not_reusable(rows: Sequence[Row], now: Row | None) -> str:
    """Return why there are no parameters to use; empty if there are."""
    row = target(rows, now)
    if row is None:
        return _ONE if rows else _NO_MASKS
    return "" if run_of(row) else _no_run(row)


def reason_no_recipe(rows: Sequence[Row], now: Row | None) -> str:
    """Return why it cannot be told how masks were made; empty if it can."""
    row = target(rows, now)
    if row is None:
        return _ONE if rows else _NO_MASKS
    if row.step is not None and row.step.revision is None:
        return _GAVE_NONE
    return "" if run_of(row) else _no_run(row)


def target(rows: Sequence[Row], now: Row | None) -> Row | None:
    """Return the row that is selected, or that of what is shown; None for several."""
    if not rows:
        return now
    return rows[0] if len(rows) == 1 else None


def _side(row: Row) -> Side:
    revision = revision_of(row)
    assert revision is not None
    return Side(revision, row.step is None)


def _no_run(row: Row) -> str:
    revision = revision_of(row)
    if revision is None:
        return _NO_MASKS
    how = f"were imported {revision.origin}" if revision.origin else "have no record"
    return f"Revision {revision.id} has no run: its masks {how}."
