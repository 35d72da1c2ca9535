"""Garbage is not looked for among what stays, and what was left is not kept by that."""

from __future__ import annotations

import gc
import weakref

import pytest

from cellpose_studio.gc_tuning import (
    freeze_gc,
    frozen_after,
    gc_paused,
    refreeze_gc,
    set_full_collections,
)


@pytest.fixture(autouse=True)
def _thawed():
    gc.unfreeze()
    yield
    gc.unfreeze()
    set_full_collections("as usual")


class Thing:
    def __init__(self):
        self.me = self


@pytest.mark.parametrize(("number", "kept"), [(10, False), (5000, True)])
def test_only_many_things_are_left_out(number, kept):
    with frozen_after(number):
        things = [Thing() for _ in range(number)]
    assert (gc.get_freeze_count() > number) is kept
    assert any(o is things for o in gc.get_objects()) is not kept


def test_what_became_garbage_goes_when_all_is_set_apart_again():
    thing = Thing()
    gone = weakref.ref(thing)
    freeze_gc()
    del thing
    gc.collect()
    assert gone() is not None
    refreeze_gc()
    assert gone() is None
    assert gc.get_freeze_count() > 0


def test_nothing_is_looked_for_in_a_block_and_all_of_it_after():
    with gc_paused():
        assert not gc.isenabled()
        with gc_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


@pytest.mark.parametrize(
    ("often", "whole"), [("never", False), ("rarely", False), ("as usual", True)]
)
def test_records_of_many_cells_are_no_reason_to_look_through_all_objects(often, whole):
    gc.collect()
    freeze_gc()
    # Python counts anew only now: it looks through all objects when a quarter is new.
    gc.collect()
    seen = []
    set_full_collections(often)
    gc.callbacks.append(look := lambda _, about: seen.append(about["generation"]))
    records = [Thing() for _ in range(100_000)]
    gc.callbacks.remove(look)
    assert 0 in seen
    assert (2 in seen) is whole
    assert len(records) == 100_000
