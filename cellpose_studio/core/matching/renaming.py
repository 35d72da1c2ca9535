"""Cells that get other ids: all that belongs to a cell goes with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from cellpose_studio.core.provenance.cell_changes import changes_to
from cellpose_studio.core.provenance.classes.assigned import (
    Assigned,
    ClassChanges,
    class_of_all,
)
from cellpose_studio.core.provenance.hand_edits import HandEdits
from cellpose_studio.core.provenance.revision import (
    CellChanges,
    CellKnowledge,
    CellStatus,
    MotherChanges,
    StatusChanges,
)
from cellpose_studio.core.runs.confidence import Confidence

Known = TypeVar("Known")


@dataclass(frozen=True, eq=False)
class Renaming:
    """The ids that cells have, and those that they had.

    Attributes
    ----------
    before
        By the id of each cell the ids that it had; several where cells were joined
        to one, as in tracks.
    first, last
        By the ids that cells had, those that they have where they begin and where they
        end; None where no cell became several.
    """

    before: Mapping[int, frozenset[int]]
    first: Mapping[int, int] | None = None
    last: Mapping[int, int] | None = None

    @classmethod
    def of(cls, names: Mapping[int, int]) -> Renaming:
        """Return that of cells with one new id each, by their ids before."""
        return cls({new: frozenset([old]) for old, new in names.items()})

    @classmethod
    def over_time(cls, names: Sequence[Mapping[int, int]]) -> Renaming:
        """Return that of cells with ids of their own at each time point."""
        before: dict[int, set[int]] = {}
        first: dict[int, int] = {}
        last: dict[int, int] = {}
        for one in names:
            for old, new in one.items():
                before.setdefault(new, set()).add(old)
                first.setdefault(old, new)
                last[old] = new
        ids = {new: frozenset(olds) for new, olds in before.items()}
        return cls(ids, first, last)

    def cells(self, olds: frozenset[int]) -> frozenset[int]:
        """Return the ids of the cells that had any of some ids."""
        return frozenset(new for new, had in self.before.items() if had & olds)

    def statuses(self, known: Mapping[int, CellStatus]) -> StatusChanges:
        """Return the changes of statuses that go with the new ids.

        A cell that was several keeps the status that all of them had; if they differ,
        it has none. An id that no cell has any more loses its status. The status of
        an id that no cell had before is not changed, unless a cell gets it.
        """
        return self._carried(known, _status_of_all)

    def classes(self, known: Mapping[int, Assigned]) -> ClassChanges:
        """Return the changes of classes that go with the new ids, as of statuses.

        See `class_of_all` for a cell that was several.
        """
        return self._carried(known, class_of_all)

    def mothers(self, known: Mapping[int, int]) -> MotherChanges:
        """Return the changes of divisions that go with the new ids.

        A division ends where a mother and her daughter became one cell, or where one
        of them is not there any more. Ids that are in no division, before or after,
        are not changed.
        """
        olds = {cell for cells in self.before.values() for cell in cells}
        names = {old: new for new, cells in self.before.items() for old in cells}
        first = names if self.first is None else self.first
        last = names if self.last is None else self.last
        wanted: dict[int, int | None] = dict.fromkeys(olds & known.keys())
        # An id that another cell gets has nothing to do with the former one any more.
        wanted |= dict.fromkeys(self.before.keys() & known.keys())
        for daughter, mother in known.items():
            if daughter in olds and mother in olds:
                new, of_new = first[daughter], last[mother]
                if new != of_new:
                    wanted[new] = of_new
            elif mother in self.before and last.get(mother) != mother:
                wanted.setdefault(daughter, None)
        return changes_to(known, wanted)

    def changes(self, known: CellKnowledge) -> CellChanges:
        """Return the changes of all that is known of cells."""
        return CellChanges(
            statuses=self.statuses(known.statuses),
            mothers=self.mothers(known.mothers),
            classes=self.classes(known.classes),
        )

    def hand_edits(self, known: HandEdits) -> HandEdits:
        """Return what was made by hand, with the new ids."""
        return known.mapped(self.cells)

    def confidence(self, known: Confidence | None) -> Confidence | None:
        """Return the confidence in the cells, with the new ids.

        That of a cell that was several, at different times, is their mean, weighted
        by their pixels; its size is their mean, too.
        """
        if known is None:
            return None
        rows = {int(cell): row for row, cell in enumerate(known.ids)}
        parts = {
            new: [rows[old] for old in sorted(olds) if old in rows]
            for new, olds in sorted(self.before.items())
        }
        parts = {new: found for new, found in parts.items() if found}
        size = len(parts)
        pixels = np.zeros(size, np.int64)
        errors, probabilities = np.zeros(size), np.zeros(size)
        for n, found in enumerate(parts.values()):
            weights = np.maximum(known.pixels[found], 1)
            pixels[n] = round(known.pixels[found].mean())
            errors[n] = np.average(known.flow_errors[found], weights=weights)
            probabilities[n] = np.average(known.probabilities[found], weights=weights)
        return Confidence(
            ids=np.fromiter(parts, np.uint32, size),
            pixels=pixels,
            flow_errors=errors,
            probabilities=probabilities,
            candidates=known.candidates,
            misfits=known.misfits,
        )

    def _carried(
        self,
        known: Mapping[int, Known],
        join: Callable[[Iterable[Known | None]], Known | None],
    ) -> dict[int, tuple[Known | None, Known | None]]:
        if not known:
            return {}
        olds = frozenset[int]().union(*self.before.values())
        # All former ids lose what is known here, and cells get theirs back below.
        wanted: dict[int, Known | None] = dict.fromkeys(olds & known.keys())
        for new, cells in self.before.items():
            had = [known.get(cell) for cell in sorted(cells)]
            # Almost all cells were one: joining them would hold the window.
            wanted[new] = had[0] if len(had) == 1 else join(had)
        return changes_to(known, wanted)


class RenamingAhead:
    """A renaming whose changes are made beside the user, from what is known then.

    To make those of 10,000 cells takes longer than the window may be held.
    """

    def __init__(self, renaming: Renaming, known: CellKnowledge) -> None:
        self._renaming = renaming
        self._known = known
        self._changes = renaming.changes(known)

    @property
    def statuses(self) -> dict[int, CellStatus]:
        """The statuses of the cells with their new ids."""
        after = dict(self._known.statuses)
        for cell, (_, status) in self._changes.statuses.items():
            after.pop(cell, None)
            if status is not None:
                after[cell] = status
        return after

    def changes(self, known: CellKnowledge) -> CellChanges:
        """Return the changes of what is known now, which usually is the same."""
        return self._changes if known == self._known else self._renaming.changes(known)


def _status_of_all(several: Iterable[CellStatus | None]) -> CellStatus | None:
    had = set(several)
    return had.pop() if len(had) == 1 else None
