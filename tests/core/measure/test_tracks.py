"""The table of tracks, against values that are known, and against loops."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellpose_studio.core.measure.measure import measure_cells
from cellpose_studio.core.measure.scale import Scale
from cellpose_studio.core.measure.tracks import track_table


def measured(labels, um=None):
    return measure_cells(labels, scale=Scale(um=um), in_time=True)


@pytest.fixture
def film():
    """Cell 1 moves by 3 and 4 px, then divides into 2 and 5; 7 misses a time point."""
    labels = np.zeros((5, 30, 40), np.uint32)
    labels[0, 2:6, 2:6] = 1
    labels[1, 5:9, 6:10] = 1
    labels[2:, 5:7, 6:8] = 2
    labels[2:, 5:7, 12:14] = 5
    labels[[0, 1, 3, 4], 20:24, 20:24] = 7
    return labels


def test_tracks_are_what_the_page_of_definitions_says(film):
    table = track_table(measured(film, um=0.5), {2: 1, 5: 1, 8: 1}, minutes=30)
    values = table.values
    assert table.ids.tolist() == [1, 2, 5, 7]
    assert table.first.tolist() == [0, 2, 2, 0]
    assert values["first_time"].tolist() == [1, 3, 3, 1]
    assert values["last_time"].tolist() == [2, 5, 5, 5]
    assert values["duration"].tolist() == [2, 3, 3, 5]
    assert values["missing"].tolist() == [0, 0, 0, 1]
    np.testing.assert_array_equal(values["mother"], [np.nan, 1, 1, np.nan])
    assert values["daughters"].tolist() == ["2, 5", "", "", ""]
    assert values["path_px"].tolist() == [5, 0, 0, 0]
    assert values["displacement_um"].tolist() == [2.5, 0, 0, 0]
    assert values["speed_um_per_time_point"].tolist() == [2.5, 0, 0, 0]
    assert values["speed_um_per_h"].tolist() == [5, 0, 0, 0]
    assert values["mean_area_px"].tolist() == [16, 4, 4, 16]
    assert values["mean_area_um2"].tolist() == [4, 1, 1, 4]
    assert [column.name for column in table.columns] == [*values]
    twins = {column.twin for column in table.columns} - {""}
    assert twins <= values.keys()


def test_without_a_size_or_an_interval_there_are_no_columns_for_them(film):
    names = track_table(measured(film), {}).values
    assert not [name for name in names if "um" in name or "_h" in name]


def test_a_film_without_cells_has_no_tracks():
    table = track_table(measured(np.zeros((3, 5, 5), np.uint32)), {2: 1})
    assert len(table.ids) == 0
    assert all(len(values) == 0 for values in table.values.values())


@settings(max_examples=30)
@given(
    hnp.arrays(np.uint32, (4, 5, 6), elements=st.sampled_from([0, 0, 1, 2, 9])),
    st.sampled_from([None, 0.25]),
)
def test_ways_are_those_of_a_loop(labels, um):
    table = track_table(measured(labels, um), {})
    for row, cell in enumerate(table.ids.tolist()):
        there = [t for t in range(4) if (labels[t] == cell).any()]
        places = [np.argwhere(labels[t] == cell).mean(axis=0) for t in there]
        way = sum(np.linalg.norm(b - a) for a, b in pairwise(places))
        straight = np.linalg.norm(places[-1] - places[0])
        sizes = [(labels[t] == cell).sum() for t in there]
        values = {name: found[row] for name, found in table.values.items()}
        assert values["path_px"] == pytest.approx(way)
        assert values["displacement_px"] == pytest.approx(straight)
        assert values["mean_area_px"] == pytest.approx(np.mean(sizes))
        assert values["missing"] == there[-1] - there[0] + 1 - len(there)
        if um:
            assert values["path_um"] == pytest.approx(way * um)


def test_the_page_has_the_definition_of_every_column(film):
    page = Path(__file__).parents[3] / "docs" / "measurements.md"
    _, _, text = page.read_text("utf-8").partition("\n## Tracks\n")
    section = text.partition("\n## ")[0]
    flat, stack = film, np.stack([film, film], axis=1)
    for labels in (flat, stack):
        for column in track_table(measured(labels, um=0.5), {}, minutes=1).columns:
            assert f"`{column.name}`" in section
