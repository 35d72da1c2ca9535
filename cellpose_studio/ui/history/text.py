"""What the history says of its steps in words."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from cellpose_studio.app.history.lineage import HistoryNode
from cellpose_studio.app.history.lineage_reader import when_local
from cellpose_studio.core.provenance.record import RunRecord
from cellpose_studio.core.provenance.revision import KIND_WORDS, JournalEntry
from cellpose_studio.core.recipes import describe_edits

_OUTCOMES = {"failed": "Run failed", "cancelled": "Run cancelled"}
_LISTED = 20
"""How many edits a tooltip names."""


def cells(number: int) -> str:
    """Return "1 cell", "12 cells"."""
    return "1 cell" if number == 1 else f"{number:,} cells"


def edits(number: int) -> str:
    """Return "1 edit", "12 edits"."""
    return "1 edit" if number == 1 else f"{number} edits"


def title(step: HistoryNode) -> str:
    """Return what a step is: "Run, 213 cells"."""
    if step.revision is None:
        return _OUTCOMES.get(step.record.outcome if step.record else "", "Run")
    return f"{KIND_WORDS[step.revision.kind]}, {cells(step.revision.cells)}"


def detail(step: HistoryNode) -> str:
    """Return what is particular about a step, in one line."""
    if step.revision is not None and step.revision.kind == "edit":
        what = describe_edits(step.edits)
        return f"{edits(len(step.edits))}: {what}" if what else "no edits left"
    if step.revision is None and step.record is not None and step.record.message:
        return step.record.message
    return ", ".join(step.changes)


def about(step: HistoryNode) -> str:
    """Return the tooltip of a step, as rich text."""
    revision, record = step.revision, step.record
    lines = [f"<b>{escape(title(step))}</b>"]
    if revision is not None:
        by = f" by {escape(revision.author)}" if revision.author else ""
        lines.append(f"Revision {revision.id}, {_when(step)}{by}")
    else:
        lines.append(_when(step))
    if record is not None:
        lines += _run_lines(record)
    lines += [escape(change) for change in step.changes]
    if step.edits:
        lines += ["Edits:", *edit_lines(step.edits)]
    if revision is not None and revision.note:
        lines.append(f"<i>{escape(revision.note)}</i>")
    return f"<qt>{'<br>'.join(lines)}</qt>"


def edit_lines(entries: Sequence[JournalEntry]) -> list[str]:
    """Return a line of rich text for each edit, the newest first."""
    newest = list(reversed(entries))
    lines = [
        f"{escape(entry.operation)}{_cells_of(entry)}, {when_local(entry.time)}"
        for entry in newest[:_LISTED]
    ]
    if len(newest) > _LISTED:
        lines.append(f"and {len(newest) - _LISTED} earlier ones")
    return lines


def _cells_of(entry: JournalEntry) -> str:
    return f" {entry.cells[0]}" if len(entry.cells) == 1 else ""


def _when(step: HistoryNode) -> str:
    return f"{step.time.astimezone():%Y-%m-%d %H:%M:%S}"


def _run_lines(record: RunRecord) -> list[str]:
    lines = [f"Model {escape(record.model.title or record.model.name)}"]
    if record.parameters.diameter is not None:
        lines.append(f"Diameter {record.parameters.diameter:.4g} px")
    if record.device:
        device = escape(record.device_title or record.device)
        lines.append(f"{device}, {record.seconds:.1f} s")
    if record.message:
        lines.append(escape(record.message))
    return lines
