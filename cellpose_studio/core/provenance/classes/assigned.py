"""The class of each cell, and who said so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cellpose_studio.core.provenance.cell_changes import changes_to


@dataclass(frozen=True, kw_only=True)
class Assigned:
    """The class of a cell.

    Attributes
    ----------
    number
        Id of the class in the project.
    probability
        That the classifier gave it, 0 to 1; None for what was said by hand.
    classifier
        Id of the record of the classifier; None for what was said by hand.
    """

    number: int
    probability: float | None = None
    classifier: int | None = None

    @property
    def by_hand(self) -> bool:
        """Whether a person said it."""
        return self.classifier is None


ClassChanges = dict[int, tuple[Assigned | None, Assigned | None]]
"""Class of each cell before and after; None for no class."""


def by_hand(
    known: Mapping[int, Assigned], cells: Iterable[int], number: int | None
) -> ClassChanges:
    """Return the changes that put cells into a class by hand; None for no class."""
    wanted = None if number is None else Assigned(number=number)
    return changes_to(known, dict.fromkeys(cells, wanted))


def by_classifier(
    known: Mapping[int, Assigned],
    found: Mapping[int, Assigned],
    classes: Iterable[int],
) -> ClassChanges:
    """Return the changes that give cells the classes that a classifier has found.

    What a person said about a cell stays, unless that is none of ``classes``, the ids
    of those that there are.
    """
    there = set(classes)
    said = {cell for cell, one in known.items() if one.by_hand and one.number in there}
    return changes_to(known, {c: one for c, one in found.items() if c not in said})


def classifiers_of(assigned: Mapping[int, Assigned]) -> frozenset[int | None]:
    """Return the ids of the classifiers that gave cells their class, and None."""
    return frozenset(one.classifier for one in assigned.values())


def class_of_all(several: Iterable[Assigned | None]) -> Assigned | None:
    """Return the class of a cell that was several: that which all of them had.

    What a person said of any of them counts, not what a classifier said of the others.
    If that differs, or one has no class and nobody said anything, it is None.
    """
    every = list(several)
    said = [one for one in every if one is not None and one.by_hand]
    found = said or [one for one in every if one is not None]
    if not found or (not said and len(found) < len(every)):
        return None
    if len({one.number for one in found}) > 1:
        return None
    # All parts were at least as sure as that.
    return min(found, key=lambda one: (one.probability or 0.0, one.classifier or 0))
