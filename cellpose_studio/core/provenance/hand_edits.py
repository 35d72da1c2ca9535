"""What a user has made of the cells of some masks by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cellpose_studio.core.provenance.revision import (
    DELETED_KEY,
    LOCKED_KEY,
    JournalEntry,
)

FORGET = "Forget corrections of"
"""What operations are called that change no pixel, but what a new run keeps."""

_DRAWN, _LINKED = "drawn", "linked"
"""Details of a revision: ids of some of the cells made by hand."""


@dataclass(frozen=True, kw_only=True)
class HandEdits:
    """The cells that were made by hand, and where cells were deleted.

    Attributes
    ----------
    drawn, edited, linked
        Ids of cells that are there: drawn, changed in shape, linked over time.
    deleted
        Ids of cells that are not, by the id of a revision that has them.
    """

    drawn: frozenset[int] = frozenset()
    edited: frozenset[int] = frozenset()
    linked: frozenset[int] = frozenset()
    deleted: Mapping[int, tuple[int, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Return whether there are any."""
        return bool(self.cells or self.deleted)

    @property
    def cells(self) -> frozenset[int]:
        """The cells that new masks must not change."""
        return self.drawn | self.edited | self.linked

    @property
    def shaped(self) -> frozenset[int]:
        """The cells whose shape is the user's, not that of a network."""
        return self.drawn | self.edited

    @property
    def places(self) -> int:
        """Number of places where cells were deleted."""
        return sum(map(len, self.deleted.values()))

    def details(self) -> dict[str, Any]:
        """Return plain values for the details of a revision; only what there is."""
        found: dict[str, Any] = {
            LOCKED_KEY: sorted(self.cells),
            _DRAWN: sorted(self.drawn),
            _LINKED: sorted(self.linked),
            DELETED_KEY: {str(n): list(cells) for n, cells in self.deleted.items()},
        }
        return {name: value for name, value in found.items() if value}

    @classmethod
    def of_details(cls, details: Mapping[str, Any]) -> HandEdits:
        """Return what the details of a revision say."""
        drawn = frozenset(details.get(_DRAWN, ()))
        linked = frozenset(details.get(_LINKED, ()))
        deleted = details.get(DELETED_KEY, {})
        return cls(
            drawn=drawn,
            linked=linked,
            edited=frozenset(details.get(LOCKED_KEY, ())) - drawn - linked,
            deleted={int(n): tuple(cells) for n, cells in deleted.items() if cells},
        )

    def mapped(self, names: Callable[[frozenset[int]], frozenset[int]]) -> HandEdits:
        """Return the same for other ids; ``names`` gives those of some cells."""
        drawn, edited = names(self.drawn), names(self.edited)
        # A cell that is part of a drawn one and of an edited one is edited.
        return replace(
            self,
            drawn=drawn - edited,
            edited=edited,
            linked=names(self.linked) - drawn - edited,
        )

    def only(self, cells: frozenset[int]) -> HandEdits:
        """Return the same without cells that are not among those."""
        return self.mapped(lambda known: known & cells)

    def without(self, cells: frozenset[int]) -> HandEdits:
        """Return the same without some cells."""
        return self.mapped(lambda known: known - cells)


def in_force(entries: Iterable[JournalEntry]) -> list[int]:
    """Return the ids of the journal entries whose edits of pixels are in force.

    Of an edit that was undone and redone, it is the entry that redid it last.

    Parameters
    ----------
    entries
        Those of a line of revisions, in the order in which they happened.
    """
    found: dict[int, None] = {}
    for entry in entries:
        if entry.pixels and not was_undone(found, entry.undoes):
            found[entry.id] = None
    return list(found)


def was_undone(found: dict[int, Any], undoes: int | None) -> bool:
    """Remove the edit that an entry undoes; return whether there was one.

    An entry that undoes something else redoes an edit, because the edits that are
    undone are always those in force.
    """
    return undoes is not None and found.pop(undoes, found) is not found
