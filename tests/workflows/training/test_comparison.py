"""A model against its parent."""

from __future__ import annotations

import math

import pytest

from cellpose_studio.workflows.training.comparison import compare_with_parent


def test_the_difference_has_an_interval_from_the_images():
    found = compare_with_parent([0.5, 0.6, 0.7, 0.4], [0.6, 0.7, 0.8, 0.5])
    assert (found.images, found.before, found.after) == (4, 0.55, 0.65)
    # Each image gains the same, so that nothing is left to chance.
    assert (found.low, found.high) == pytest.approx((0.1, 0.1))
    assert not found.worse
    assert str(found).startswith("better than before on 4 validation images: AP 0.550")


def test_a_model_that_is_worse_is_said_to_be():
    found = compare_with_parent([0.9, 0.5], [0.6, 0.6])
    assert found.worse
    assert found.low == pytest.approx(-0.3)
    assert found.high == pytest.approx(0.1)
    assert "worse than before on 2 validation images" in str(found)
    assert "a difference of -0.100" in str(found)


def test_images_without_cells_do_not_count():
    found = compare_with_parent([0.5, math.nan], [0.6, 0.2])
    assert found.images == 1
    assert (found.low, found.high, found.doubtful) == (None, None, True)
    assert str(found).endswith("a difference of +0.100 (one image gives no interval)")
    assert compare_with_parent([math.nan], [math.nan]) is None
