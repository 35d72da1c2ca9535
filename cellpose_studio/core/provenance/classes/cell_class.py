"""The classes of a project: names, colours and keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.wording import numbered

KEYS = range(1, 10)
"""Number keys that classes may have."""
NO_KEY = 0

# Those of Okabe and Ito, which colour-blind readers can tell apart, with grey in place
# of black, which would not be seen on dark images.
_COLOURS = (
    "#e69f00",
    "#56b4e9",
    "#009e73",
    "#f0e442",
    "#0072b2",
    "#d55e00",
    "#cc79a7",
    "#999999",
)


class ClassRefused(StudioError):
    """A class cannot have that name."""


@dataclass(frozen=True, kw_only=True)
class CellClass:
    """A class that cells are sorted into.

    Attributes
    ----------
    id
        In the project; never reused.
    name
        Of the user; no two classes have the same.
    colour
        "#rrggbb".
    key
        1 to 9, the number key that puts cells into it; 0 for none.
    removed
        It was removed from the list. Which cells it had is kept, for undo.
    """

    id: int
    name: str
    colour: str
    key: int = NO_KEY
    removed: bool = False


def present(classes: Iterable[CellClass]) -> tuple[CellClass, ...]:
    """Return the classes that were not removed, those with keys first, by their key."""
    there = (one for one in classes if not one.removed)
    return tuple(sorted(there, key=lambda one: (one.key or len(KEYS) + 1, one.id)))


def new_class(classes: Sequence[CellClass], name: str, number: int) -> CellClass:
    """Return another class with a free colour and the first free key.

    Raises
    ------
    ClassRefused
    """
    there = present(classes)
    used = [one.colour for one in there]
    colour = min(_COLOURS, key=used.count)
    taken = {one.key for one in there}
    key = next((key for key in KEYS if key not in taken), NO_KEY)
    free = checked_name(there, name, number)
    return CellClass(id=number, name=free, colour=colour, key=key)


def checked_name(classes: Iterable[CellClass], name: str, number: int) -> str:
    """Return a name for the class of an id, without spaces around it.

    Raises
    ------
    ClassRefused
        If it is empty, or another class has it.
    """
    name = " ".join(name.split())
    if not name:
        raise ClassRefused("A class needs a name.")
    others = {one.name.casefold() for one in present(classes) if one.id != number}
    if name.casefold() in others:
        raise ClassRefused(
            f"There is a class “{name}” already.", "Choose another name."
        )
    return name


def free_name(classes: Iterable[CellClass], name: str) -> str:
    """Return ``name``, with a number if one of the classes has it."""
    others = {one.name.casefold() for one in present(classes)}
    return numbered(name, lambda free: free.casefold() in others)


def changed_with(
    classes: Sequence[CellClass], changed: CellClass
) -> tuple[CellClass, ...]:
    """Return the classes that change when one gets another name, colour or key.

    The class that has the key gets the one that ``changed`` had.

    Raises
    ------
    ClassRefused
    """
    before = next((one for one in classes if one.id == changed.id), None)
    name = checked_name(classes, changed.name, changed.id)
    left = before.key if before else NO_KEY
    others = [
        replace(one, key=left)
        for one in present(classes)
        if one.id != changed.id and one.key == changed.key != NO_KEY
    ]
    found = (replace(changed, name=name), *others)
    return tuple(one for one in found if one not in classes)
