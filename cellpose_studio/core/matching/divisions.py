"""Divisions: which cells of a time series came from which."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.lineage import Mothers, Spans, in_force
from cellpose_studio.core.provenance.cell_changes import changes_to
from cellpose_studio.core.provenance.revision import MotherChanges
from cellpose_studio.core.wording import listed


class DivisionRefused(StudioError):
    """Cells that cannot be mother and daughter."""


def spans_of(table: CellTable) -> dict[int, tuple[int, int]]:
    """Return the first and the last time point of each cell of a time series."""
    ids, first, last = (one.tolist() for one in table.extents())
    return dict(zip(ids, zip(first, last, strict=True), strict=True))


def family_of(
    mothers: Mothers, table: CellTable, cell: int
) -> tuple[int | None, tuple[int, ...]]:
    """Return the mother of a cell, None without one, and its daughters, ascending.

    Divisions that are not in force are left out.
    """
    near = {d: m for d, m in mothers.items() if cell in (d, m)}
    boxes = {one: table.box(one)[0] for one in {*near, *near.values()}}
    spans = {
        one: (time.start, time.stop - 1)
        for one, time in boxes.items()
        if time.stop > time.start
    }
    known = in_force(near, spans)
    return known.get(cell), tuple(sorted(d for d, m in known.items() if m == cell))


def describe_family(mother: int | None, daughters: Sequence[int]) -> str:
    """Return "daughter of 3, mother of 5 and 6"; "" without a division."""
    parts = [] if mother is None else [f"daughter of {mother}"]
    if daughters:
        parts.append(f"mother of {listed([str(cell) for cell in daughters])}")
    return ", ".join(parts)


def divide(
    mothers: Mothers, spans: Spans, mother: int, daughters: Sequence[int]
) -> MotherChanges:
    """Return the changes that make cells the daughters of a cell.

    Daughters that it has stay. Since a mother ends before her daughters begin, no cell
    can come from itself.

    Raises
    ------
    DivisionRefused
        If a cell does not exist, a daughter has another mother, or a daughter begins
        before the mother has ended.
    """
    for cell in (mother, *daughters):
        if cell not in spans:
            raise DivisionRefused(f"There is no cell {cell}.", "Choose another cell.")
    for daughter in daughters:
        known = mothers.get(daughter, mother)
        if daughter == mother:
            raise DivisionRefused(
                f"Cell {mother} cannot be its own daughter.",
                "Cut the track where the cell divides: what follows gets a new number.",
            )
        if known != mother and known in spans:
            raise DivisionRefused(
                f"Cell {daughter} has a mother already, cell {known}.",
                "Cut that division first.",
            )
        if spans[daughter][0] <= spans[mother][1]:
            raise DivisionRefused(
                f"Cell {daughter} begins at time point {spans[daughter][0] + 1}, "
                f"before its mother, cell {mother}, has ended (at "
                f"{spans[mother][1] + 1}).",
                "Cut one of the two tracks where the cell divides.",
            )
    return changes_to(mothers, dict.fromkeys(daughters, mother))


def without_divisions(mothers: Mothers, cells: Iterable[int]) -> MotherChanges:
    """Return the changes that remove every division that some cells take part in."""
    chosen = frozenset(cells)
    return {
        daughter: (mother, None)
        for daughter, mother in mothers.items()
        if daughter in chosen or mother in chosen
    }


def merged(mothers: Mothers, cells: Sequence[int]) -> MotherChanges:
    """Return the changes after which several cells are the first of them.

    It has the daughters of all, and its own mother, or that of the first that has one.
    No cell is the mother of itself.
    """
    kept, parts = cells[0], frozenset(cells)
    found = (mothers[cell] for cell in cells if cell in mothers)
    mother = next((one for one in found if one not in parts), None)
    wanted: dict[int, int | None] = {
        daughter: kept
        for daughter, one in mothers.items()
        if one in parts and daughter not in parts
    }
    wanted |= dict.fromkeys(parts - {kept}) | {kept: mother}
    return changes_to(mothers, wanted)


def divided_track(mothers: Mothers, cell: int, later: int) -> MotherChanges:
    """Return the changes after which the later part of a cell has another id.

    Its daughters came from that part.
    """
    return {
        daughter: (cell, later)
        for daughter, mother in mothers.items()
        if mother == cell
    }
