"""Finds commands by words of their texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is known of a command that can be found.

    Attributes
    ----------
    name
        Of the command.
    text, menu, keys, tip
        What the user may have seen of it: all are searched.
    enabled
        It can be called now.
    """

    name: str
    text: str
    menu: str
    keys: str
    tip: str
    enabled: bool = True


def found(entries: Sequence[Entry], words: str, recent: Sequence[str]) -> list[Entry]:
    """Return the entries with all of the ``words``, the best first.

    Words in the text count more than those in the menu or the tip, and those that begin
    a word more than those within. Among equal ones come those first that can be called,
    then those of ``recent``, the names of the commands called last, the latest first.
    """
    asked = words.lower().split()
    order = {name: n for n, name in enumerate(recent)}
    ranked = [
        (rank, not entry.enabled, order.get(entry.name, len(order)), n)
        for n, entry in enumerate(entries)
        if (rank := _rank(entry, asked)) is not None
    ]
    return [entries[n] for *_, n in sorted(ranked)]


def _rank(entry: Entry, asked: Sequence[str]) -> int | None:
    """Return how well an entry fits, 0 best; None if a word is nowhere in it."""
    text = entry.text.lower()
    beginnings = f" {text}"
    rest = f" {entry.menu} {entry.keys} {entry.tip}".lower()
    worst = 0
    for word in asked:
        if text.startswith(word):
            rank = 0
        elif f" {word}" in beginnings:
            rank = 1
        elif word in text:
            rank = 2
        elif f" {word}" in rest:
            rank = 3
        elif word in rest:
            rank = 4
        else:
            return None
        worst = max(worst, rank)
    return worst
