"""When Python's garbage collection looks at which objects.

napari collects garbage whenever an image leaves the canvas. Among the objects of torch
and Cellpose, or the entries of 10,000 images, that takes 0.3 s each time.

While torch or napari are imported, Python looks several times through the hundred
thousands of objects that they make, of which all stay. That takes a tenth to a fifth of
the time of a start.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

_MANY = 1000
_YOUNG, _MIDDLE, _OLD = gc.get_threshold()
_NEVER = 1 << 30
_RARELY = 1000
"""Collections of older objects to one of all; Python's own number is 10."""


def freeze_gc() -> None:
    """Exclude all current objects from garbage collection."""
    gc.freeze()


def refreeze_gc() -> None:
    """Collect what has become garbage since `freeze_gc`, then freeze the rest again."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def set_full_collections(often: Literal["never", "rarely", "as usual"]) -> None:
    """Say how often Python looks through all objects by itself.

    Young objects, most of the garbage, are looked at in any case. Where most objects
    are frozen, Python takes a few thousand new ones, such as the records of cells, for
    a reason to look through the others, several times in a row.
    """
    old = {"never": _NEVER, "rarely": _RARELY, "as usual": _OLD}[often]
    gc.set_threshold(_YOUNG, _MIDDLE, old)


@contextmanager
def gc_paused() -> Iterator[None]:
    """Look for no garbage in this block, which makes objects that stay."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def frozen_after(number: int) -> Iterator[None]:
    """Freeze after the block, which makes ``number`` long-lived objects, if many."""
    if number < _MANY:
        yield
        return
    # Garbage of before would be frozen with them.
    gc.collect()
    yield
    gc.freeze()
