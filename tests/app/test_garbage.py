"""Large projects do not slow down the collection of garbage."""

from __future__ import annotations

import gc

import pytest

from cellpose_studio.app.garbage import staying


@pytest.fixture(autouse=True)
def _thawed():
    yield
    gc.unfreeze()


class Thing:
    def __init__(self):
        self.me = self


@pytest.mark.parametrize(("number", "kept"), [(10, False), (5000, True)])
def test_only_many_things_are_left_out(number, kept):
    gc.unfreeze()
    with staying(number):
        things = [Thing() for _ in range(number)]
    assert (gc.get_freeze_count() > number) is kept
    assert any(o is things for o in gc.get_objects()) is not kept


def test_they_are_collected_after_the_next_ones():
    with staying(5000):
        things = [Thing() for _ in range(5000)]
    assert gc.get_freeze_count() > 5000
    del things
    with staying(1):
        pass
    assert gc.get_freeze_count() == 0
    assert gc.collect() >= 5000
