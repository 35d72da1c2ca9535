"""The rows of the history of an image, and what each of them shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import Qt

from cellpose_studio.app.history.lineage import HistoryNode, Lineage
from cellpose_studio.app.history.lineage_reader import ImageHistory, when_local
from cellpose_studio.ui.history.delegate import (
    DETAIL,
    HEAD,
    LINES,
    NOTE,
    NUMBER,
    ROW,
    TIME,
)
from cellpose_studio.ui.history.text import about, detail, edit_lines, edits, title

_NOW = "shown now"
_TEXT = int(Qt.ItemDataRole.DisplayRole)
_TIP = int(Qt.ItemDataRole.ToolTipRole)


@dataclass(frozen=True, eq=False)
class HistoryRow:
    """The content of a row of the tree.

    Attributes
    ----------
    node
        None for the edits after the head.
    """

    lineage: Lineage
    node: HistoryNode | None

    @property
    def key(self) -> tuple[str, object]:
        """Identity of the row, also after the history was read again."""
        if self.node is None:
            return self.lineage.name, "edits"
        revision = self.node.revision
        return self.lineage.name, revision.id if revision else self.node.time

    @property
    def is_head(self) -> bool:
        """Whether the row is the current revision of its label set."""
        revision = self.node.revision if self.node else None
        return revision is not None and revision.id == self.lineage.head

    def value(self, role: int, active: str) -> object:
        """Return what the row shows in a role, made now; None if nothing.

        Parameters
        ----------
        active
            Name of the label set that is shown.
        """
        if role == ROW:
            return self
        if self.node is None:
            return _value_of_edits(self.lineage, role)
        if role == DETAIL:
            shown = self.is_head and self.lineage.name == active
            parts = [_NOW if shown else "", detail(self.node)]
            return " · ".join(filter(None, parts))
        if role == HEAD:
            return self.is_head
        return _value_of_node(self.node, role)


@dataclass(frozen=True, eq=False)
class Place:
    """A row or a heading of the tree, and what lies below it.

    Attributes
    ----------
    key
        Identity among the places beside it, also after the history was read again.
    row
        None for a heading, which has a text and a tooltip instead.
    lines
        Of text.
    """

    key: object
    row: HistoryRow | None
    text: str = ""
    tip: str = ""
    lines: int = 1
    below: Sequence[Place] = ()

    def value(self, role: int, active: str) -> object:
        """Return what is shown in a role; see `HistoryRow.value`."""
        if role == LINES:
            return self.lines
        if self.row is not None:
            return self.row.value(role, active)
        return {_TEXT: self.text, _TIP: self.tip}.get(role)


def places_of(history: ImageHistory) -> list[Place]:
    """Return what the tree has at its top, from top to bottom."""
    several = len(history.lineages) > 1
    places = []
    for one in history.lineages:
        if several:
            places.append(_heading(one.name, "A set of masks of this image."))
        places += _places(one)
    return places


def _places(one: Lineage) -> list[Place]:
    places = _of_nodes(one, one.line)
    if one.open_edits:
        head = one.step_of(one.head)
        at = one.line.index(head) if head in one.line else 0
        row = HistoryRow(one, None)
        places.insert(at, Place(row.key, row))
    if one.others:
        tip = "Masks that do not derive from the first revision."
        places.append(_heading("Other starts", tip, _of_nodes(one, one.others)))
    return places


def _heading(text: str, tip: str, below: Sequence[Place] = ()) -> Place:
    return Place(text, None, text, tip, below=below)


def _of_nodes(one: Lineage, nodes: Sequence[HistoryNode]) -> list[Place]:
    places = []
    for node in nodes:
        row = HistoryRow(one, node)
        lines = 3 if node.revision is not None and node.revision.note else 2
        below = _of_nodes(one, node.below)
        places.append(Place(row.key, row, lines=lines, below=below))
    return places


def _value_of_edits(one: Lineage, role: int) -> object:
    if role == _TEXT:
        return f"{edits(len(one.open_edits))} since"
    if role == _TIP:
        return f"<qt>{'<br>'.join(edit_lines(one.open_edits))}</qt>"
    return True if role == HEAD else None


def _value_of_node(node: HistoryNode, role: int) -> object:
    revision = node.revision
    if role == _TEXT:
        return title(node)
    if role == _TIP:
        return about(node)
    if role == TIME:
        return when_local(node.time)
    if revision is None:
        return None
    return {NUMBER: str(revision.id), NOTE: revision.note}.get(role)
