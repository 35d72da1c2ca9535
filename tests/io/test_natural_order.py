"""The order of files in a folder, as file managers show it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from natsort import os_sort_keygen, os_sorted

from cellpose_studio.io import natural_order
from cellpose_studio.io.natural_order import natural_key, sorted_files

NAMES = st.text("aB19.0 _-é²٣", min_size=1, max_size=9)


@pytest.mark.parametrize(
    "name",
    ["well 000123.tif", "a", "12", "1.2.3.ome.tif", "-5.tif", "a.t123456", ".5", "007"],
)
def test_the_key_is_that_of_natsort(name):
    assert natural_key(name) == os_sort_keygen()(name)


@given(NAMES)
def test_the_key_of_any_name_is_that_of_natsort(name):
    assert natural_key(name) == os_sort_keygen()(name)


@given(st.lists(NAMES.filter(lambda name: name not in (".", "..")), unique=True))
def test_files_are_sorted_as_natsort_does(names):
    files = [Path("folder") / name for name in names]
    assert sorted_files(files) == os_sorted(files)


def test_natsort_is_asked_once_for_names_that_differ_in_their_numbers(monkeypatch):
    natural_order._pattern_key.cache_clear()
    asked = []
    whole = natural_order._key
    monkeypatch.setattr(
        natural_order, "_key", lambda name: asked.append(name) or whole(name)
    )
    files = [Path(f"well {n:04}.tif") for n in range(2000)]
    assert sorted_files(reversed(files)) == files
    assert asked == ["well 0000.tif"]
