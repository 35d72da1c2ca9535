"""Texts of the nodes of the history."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from cellpose_studio.app.history.lineage import HistoryNode
from cellpose_studio.app.history.lineage_reader import when_local
from cellpose_studio.core.provenance.record import RunRecord
from cellpose_studio.core.provenance.revision import KIND_WORDS, JournalEntry
from cellpose_studio.core.recipes import describe_edits
from cellpose_studio.core.wording import cell_count

_OUTCOMES = {"failed": "Run failed", "cancelled": "Run cancelled"}
_LISTED = 20
"""Most edits that a tooltip lists."""


def edits(number: int) -> str:
    """Return "1 edit", "12 edits"."""
    return "1 edit" if number == 1 else f"{number} edits"


def title(node: HistoryNode) -> str:
    """Return the title of a node: "Run, 213 cells"."""
    if node.revision is None:
        return _OUTCOMES.get(node.record.outcome if node.record else "", "Run")
    return f"{KIND_WORDS[node.revision.kind]}, {cell_count(node.revision.cells)}"


def detail(node: HistoryNode) -> str:
    """Return the details of a node, in one line."""
    if node.revision is not None and node.revision.kind == "edit":
        what = describe_edits(node.edits)
        return f"{edits(len(node.edits))}: {what}" if what else "no edits left"
    if node.revision is None and node.record is not None and node.record.message:
        return node.record.message
    return ", ".join(node.changes)


def about(node: HistoryNode) -> str:
    """Return the tooltip of a node, as rich text."""
    revision, record = node.revision, node.record
    lines = [f"<b>{escape(title(node))}</b>"]
    if revision is not None:
        by = f" by {escape(revision.author)}" if revision.author else ""
        lines.append(f"Revision {revision.id}, {_when(node)}{by}")
    else:
        lines.append(_when(node))
    if record is not None:
        lines += _run_lines(record)
    lines += [escape(change) for change in node.changes]
    if node.edits:
        lines += ["Edits:", *edit_lines(node.edits)]
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


def _when(node: HistoryNode) -> str:
    return f"{node.time.astimezone():%Y-%m-%d %H:%M:%S}"


def _run_lines(record: RunRecord) -> list[str]:
    lines = [f"Model {escape(record.model.title or record.model.name)}"]
    if record.parameters.diameter is not None:
        lines.append(f"Diameter {record.parameters.diameter:.4g} px")
    if record.device:
        device = escape(record.device_title or record.device)
        lines.append(f"{device}, {record.seconds:.1f} s")
    if record.steps is not None and record.steps_needed is not None:
        lines.append(_steps_line(record.steps, record.steps_needed))
    if record.message:
        lines.append(escape(record.message))
    return lines


def _steps_line(steps: int, needed: int) -> str:
    if needed == steps:
        return f"Some pixels still moved after {steps} steps along the flows"
    return f"Pixels were at rest after {needed} of at most {steps} steps"
