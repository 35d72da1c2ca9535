"""Changes of something that is known of cells: what it was before, and is after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")


def changes_to(
    known: Mapping[int, T], wanted: Mapping[int, T | None]
) -> dict[int, tuple[T | None, T | None]]:
    """Return before and after for each cell of ``wanted`` that it differs for.

    None, before or after, for a cell of which nothing is known.
    """
    get = known.get
    return {
        cell: (before, after)
        for cell, after in wanted.items()
        if (before := get(cell)) is not after
        # Nothing differs from anything; to ask thousands of records takes its time.
        and (before is None or after is None or before != after)
    }
