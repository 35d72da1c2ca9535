"""Parts of arrays that are resized without resizing all of them."""

from __future__ import annotations

import numpy as np
import pytest

from cellpose_studio.engine.flows import resampling
from cellpose_studio.engine.flows.resampling import needed, resampled, resampled_box


@pytest.mark.parametrize(
    ("source", "target", "most"),
    [
        ((1, 90, 70), (1, 31, 25), 500),
        ((1, 31, 25), (1, 90, 70), 60),
        ((20, 12, 9), (7, 24, 18), 200),
    ],
)
def test_what_is_resized_in_parts_is_the_same(monkeypatch, source, target, most):
    array = np.random.default_rng(0).normal(size=(*source, 3)).astype(np.float32)
    box = tuple(slice(n // 4, n) if n > 1 else slice(0, 1) for n in target)
    read = []

    def part(there):
        read.append(there)
        return array[there]

    there = needed(box, source, target)
    at_once = resampled(array[there], there, box, source, target)
    monkeypatch.setattr(resampling, "_AT_ONCE", most)
    np.testing.assert_array_equal(resampled_box(part, box, source, target), at_once)
    assert len(read) > 3
    # Two rows, or planes, more than were asked for may be needed.
    sizes = [np.prod([s.stop - s.start for s in there]) for there in read]
    assert max(sizes) < 2 * most
