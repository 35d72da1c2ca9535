"""The order in which a file manager lists files, for folders of any size."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

_NUMBER = re.compile("[0-9]+")
_ZEROS = str.maketrans("123456789", "000000000")
_MOST_PATTERNS = 10_000


@cache
def _natsorts_key() -> Callable[[str], Any]:
    # The window does without it until files are listed.
    from natsort import os_sort_keygen

    return os_sort_keygen()


def _key(name: str) -> Any:
    return _natsorts_key()(name)


def sorted_files(files: Iterable[Path]) -> list[Path]:
    """Return the files of one folder as a file manager sorts them."""
    return sorted(files, key=lambda path: natural_key(path.name))


def natural_key(name: str) -> Any:
    """Return the key of natsort for the name of a file, in a fraction of its time.

    Files of a folder mostly differ in their numbers. The key is therefore made once
    for all names that are the same but for their digits.
    """
    if not name.isascii():
        return _key(name)
    numbers = [int(number) for number in _NUMBER.findall(name)]
    pattern, places = _pattern_key(name.translate(_ZEROS))
    # On macOS and Windows, a key may be something else than numbers among texts.
    if places != len(numbers):
        return _key(name)
    rest = iter(numbers)
    return tuple(
        tuple(next(rest) if part == 0 else part for part in parts) for parts in pattern
    )


@lru_cache(_MOST_PATTERNS)
def _pattern_key(pattern: str) -> tuple[Any, int]:
    """Return the key of a pattern, and how many numbers it takes."""
    key = _key(pattern)
    return key, _count_numbers(key)


def _count_numbers(key: Any) -> int:
    """Return how many numbers, all 0, are in a key of texts and numbers; else -1."""
    if not isinstance(key, tuple) or not all(isinstance(parts, tuple) for parts in key):
        return -1
    found = [part for parts in key for part in parts]
    if not all(part == 0 or isinstance(part, str) for part in found):
        return -1
    return sum(part == 0 for part in found)
