"""Pixels as text, and the proposal of images for validation."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from cellpose_studio.core.review.training_marks import (
    LeaveOut,
    TrainingMarks,
    leave_out_from,
    pack_mask,
    proposed_validation,
    unpack_mask,
)


@given(arrays(bool, array_shapes(min_dims=2, max_dims=4, max_side=9)))
def test_pixels_come_back_from_their_text(mask):
    np.testing.assert_array_equal(unpack_mask(pack_mask(mask), mask.shape), mask)
    if mask.any() and mask.size > 8:
        with pytest.raises(ValueError, match="mask"):
            unpack_mask(pack_mask(mask), (mask.size * 9, 1))


@pytest.mark.parametrize("text", ["%", "AAAA", "é"])
def test_text_that_is_no_mask_is_refused(text):
    with pytest.raises(ValueError):
        unpack_mask(text, (4, 4))


names = st.sets(st.text("abcdef", min_size=1, max_size=4), max_size=30)


@given(names, names)
def test_one_in_five_is_proposed_and_stays_so(train, validation):
    train -= validation
    order = sorted(train)
    found = proposed_validation(order, sorted(validation))
    assert set(found) <= train
    total = len(train) + len(validation)
    wanted = max(round(total / 5), 1) if total > 1 else 0
    assert len(found) == min(max(wanted - len(validation), 0), len(train))
    random.Random(0).shuffle(order)
    assert proposed_validation(order, [*validation]) == found
    # Accepted, there is nothing more to propose.
    left = [name for name in order if name not in found]
    if len(found) < len(train):
        assert proposed_validation(left, [*validation, *found]) == []


def test_options_that_cannot_be_read_are_those_at_the_beginning():
    assert leave_out_from({"border": True}) == LeaveOut(border=True)
    assert leave_out_from({"fewest_cells": 0}) == leave_out_from({"x": 1}) == LeaveOut()


def test_what_says_nothing_is_short():
    assert TrainingMarks().model_dump_json(exclude_defaults=True) == "{}"
