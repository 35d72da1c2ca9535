"""A store of blocks in memory, for tests."""

from __future__ import annotations

from typing import Any

import numpy as np


class MemoryStore:
    """Keeps what blocks put, each key once."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}

    def has(self, key: str) -> bool:
        return key in self.kept

    def put(self, key, arrays, facts) -> None:
        assert key not in self.kept
        self.kept[key] = ({n: np.array(a) for n, a in arrays.items()}, facts)

    def facts(self, key: str) -> dict[str, Any]:
        return self.kept[key][1]

    def read(self, key: str, name: str, box=None):
        array = self.kept[key][0][name]
        return array if box is None else array[tuple(box)]
