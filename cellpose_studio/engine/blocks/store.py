"""Where the results of blocks are kept until the run is over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy.typing as npt

from cellpose_studio.engine.flows.boxes import Box

Array = npt.NDArray[Any]
Arrays = Mapping[str, Array]
Facts = dict[str, Any]


class BlockStore(Protocol):
    """Arrays of blocks by their keys, on disk; several processes may use one.

    A key is there with all that belongs to it, or not at all: what is there after a
    kill needs not be done again.
    """

    def has(self, key: str) -> bool:
        """Return whether `put` has been called with this key."""
        ...

    def put(self, key: str, arrays: Arrays, facts: Facts) -> None:
        """Keep arrays, and facts that JSON can hold; raises `CannotSave`."""
        ...

    def facts(self, key: str) -> Facts:
        """Return the facts of a key that is there."""
        ...

    def read(self, key: str, name: str, box: Box | None = None) -> Array:
        """Return an array of a key that is there, or a box of it."""
        ...
