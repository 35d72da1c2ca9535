"""Numbers and lists in sentences."""

from __future__ import annotations

from collections.abc import Callable, Sequence

MOST_NAMES = 5
"""How many names are listed where there may be thousands."""

_TIMES = {"h": 7200, "min": 120, "s": 0}
"""Shortest time that is told in a unit, in seconds."""
_LENGTHS = {"h": 3600, "min": 60, "s": 1}


def counted(number: int, what: str) -> str:
    """Return a number of things as a text: "1 cell", "1,200 cells"."""
    return f"1 {what}" if number == 1 else f"{number:,} {what}s"


def image_count(number: int) -> str:
    """Return a number of images as a text: "1 image", "12 images"."""
    return counted(number, "image")


def cell_count(number: int) -> str:
    """Return a number of cells as a text: "1 cell", "1,200 cells"."""
    return counted(number, "cell")


def time_text(seconds: float) -> str:
    """Return a length of time in the unit that suits it: "30 s", "5 min", "2 h"."""
    unit = next(unit for unit, least in _TIMES.items() if seconds >= least)
    return f"{seconds / _LENGTHS[unit]:.4g} {unit}"


def were(number: int) -> str:
    """Return the verb of a number of things: "was" or "were"."""
    return "was" if number == 1 else "were"


def some(names: Sequence[str]) -> str:
    """Return the first five names, and … if there are more."""
    more = ", …" if len(names) > MOST_NAMES else ""
    return f"{', '.join(names[:MOST_NAMES])}{more}"


def first_names(names: Sequence[str], most: int = 3, rest: str = "more") -> str:
    """Return the first names, and how many more there are: "a, b, c and 1,200 more"."""
    more = len(names) - most
    return listed([*names[:most], *([f"{more:,} {rest}"] if more > 0 else [])])


def listed(parts: Sequence[str], word: str = "and") -> str:
    """Return parts as a text: "a", "a and b", "a, b and c"; or with another word."""
    *first, last = parts
    return f"{', '.join(first)} {word} {last}" if first else last


def numbered(name: str, is_taken: Callable[[str], bool]) -> str:
    """Return a name that is not taken: the name itself, or "name 2", "name 3" …."""
    number, free = 1, name
    while is_taken(free):
        number += 1
        free = f"{name} {number}"
    return free
