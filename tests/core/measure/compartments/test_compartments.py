from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cellpose_studio.core.measure.compartments.choice import (
    CompartmentChoice,
    CompartmentsUnfit,
    choice_from,
)
from cellpose_studio.core.measure.compartments.matching import match_nuclei
from cellpose_studio.core.measure.compartments.measure import (
    Nuclei,
    with_compartments,
)
from cellpose_studio.core.measure.compartments.regions import (
    cytoplasm,
    nuclei_of_cells,
    rings,
)
from cellpose_studio.core.measure.definition import GROUPS
from cellpose_studio.core.measure.inputs import Channel
from cellpose_studio.core.measure.measure import measure_cells
from cellpose_studio.core.measure.scale import Scale
from cellpose_studio.core.measure.summary import summary_of

EVERY = ("nucleus", "cytoplasm", "ring")


@pytest.fixture
def images():
    """Cells 5 (two nuclei), 7 (none) and 9; nucleus 4 is an orphan."""
    cells = np.zeros((12, 40), np.uint32)
    cells[1:11, 1:13], cells[1:11, 13:20], cells[1:11, 22:32] = 5, 7, 9
    nuclei = np.zeros((12, 40), np.uint32)
    nuclei[3:6, 3:6], nuclei[3:6, 8:12] = 1, 2
    nuclei[4:7, 30:33], nuclei[5:8, 34:37] = 3, 4
    return cells, nuclei


def measured(cells, nuclei, channels=(), groups=GROUPS, in_time=False, **options):
    scale = options.pop("scale", Scale())
    choice = CompartmentChoice(nuclei="nuclei", **{"parts": EVERY, **options})
    table = measure_cells(cells, channels, scale=scale, in_time=in_time, groups=groups)
    nuclei = Nuclei(labels=nuclei, choice=choice)
    return with_compartments(table, cells, nuclei, channels, groups)


def test_nuclei_are_matched_by_overlap(images):
    cells, nuclei = images
    found = match_nuclei(nuclei, cells)
    assert dict(zip(found.nuclei.ids.tolist(), found.owners.tolist(), strict=True)) == {
        1: 5, 2: 5, 3: 9, 4: 0,
    }  # fmt: skip
    assert [one.ids.tolist() for one in found.remarkable] == [[4], [7], [5]]
    assert found.counts.tolist() == [2, 0, 1]
    assert found.texts.tolist() == ["1 2", "", "3"]
    # Two thirds of nucleus 3 are in the cell.
    assert match_nuclei(nuclei, cells, 0.7).orphans.ids.tolist() == [3, 4]


@given(
    arrays(np.uint32, (2, 5, 6), elements=st.integers(0, 3)),
    arrays(np.uint32, (2, 5, 6), elements=st.integers(0, 3)),
    st.sampled_from([0.1, 0.5, 1.0]),
    st.booleans(),
)
def test_the_cell_of_a_nucleus_has_most_of_its_pixels(nuclei, cells, least, in_time):
    found = match_nuclei(nuclei, cells, least, in_time)
    frames = [*zip(nuclei, cells, strict=True)] if in_time else [(nuclei, cells)]
    owners, empty, names = {}, [], found.names(len(frames), 10)
    for time, (some, others) in enumerate(frames):
        for nucleus in (n for n in np.unique(some) if n):
            of = some == nucleus
            shares = {c: (of & (others == c)).sum() / of.sum() for c in (1, 2, 3)}
            most = max(shares.values())
            cell = min(c for c in shares if shares[c] == most) if most >= least else 0
            owners[time, int(nucleus)] = cell
        there = {owners[key] for key in owners if key[0] == time}
        empty += [(time, c) for c in np.unique(others) if c and c not in there]
    keys = zip(found.nuclei.times, found.nuclei.ids, strict=True)
    assert dict(zip(keys, found.owners.tolist(), strict=True)) == owners
    assert [*zip(*(part.tolist() for part in found.empty), strict=True)] == empty
    assert found.counts.sum() == sum(cell > 0 for cell in owners.values())
    # No two nuclei get one id, and only the largest of a cell gets that of the cell.
    every = set(np.unique(cells).tolist())
    for time, of_frame in enumerate(names):
        assert len({*of_frame.values()}) == len(of_frame)
        for cell in {owners[time, n] for n in of_frame} - {0}:
            inside = [n for n in of_frame if owners[time, n] == cell]
            sizes = {n: (frames[time][0] == n).sum() for n in inside}
            named = [n for n, name in of_frame.items() if name == cell]
            assert named == [max(sizes, key=lambda n: (sizes[n], -n))]
        for nucleus, name in of_frame.items():
            assert name == owners[time, nucleus] or name not in every


def test_shapes_that_differ_are_refused():
    with pytest.raises(CompartmentsUnfit, match=r"nuclei have the shape 2 × 2.*2 × 3"):
        match_nuclei(np.zeros((2, 2), np.uint32), np.zeros((2, 3), np.uint32))


def test_no_nuclei_and_no_cells():
    none, cells = np.zeros((4, 4), np.uint32), np.ones((4, 4), np.uint32)
    found = match_nuclei(none, cells)
    assert (len(found.nuclei.ids), found.empty.ids.tolist()) == (0, [1])
    assert not nuclei_of_cells(none, found, False).any()
    assert match_nuclei(cells, none).orphans.ids.tolist() == [1]
    table = measured(cells, none)
    assert np.isnan(table.values["nucleus_area_px"]).all()
    assert table.values["cytoplasm_area_px"].tolist() == [16]
    assert len(measured(none, cells)) == 0


def test_compartments_divide_a_cell(images):
    cells, nuclei = images
    own = nuclei_of_cells(nuclei, match_nuclei(nuclei, cells), False)
    assert np.unique(own).tolist() == [0, 5, 9]
    around = cytoplasm(cells, nuclei)
    assert not (around[nuclei > 0]).any()
    assert ((around == 5) | (own == 5)).sum() == (cells == 5).sum()


def test_a_ring_has_a_width_and_lies_in_the_cytoplasm_of_its_cell():
    cells = np.zeros((30, 40), np.uint32)
    cells[:, :17], cells[:, 17:] = 1, 2
    own = np.zeros_like(cells)
    own[15, 10], own[15, 20] = 1, 2
    around = cytoplasm(cells, own)
    # A nucleus of no cell takes no part in a ring.
    around[14, 10] = 0
    ring = rings(own, around, 6, Scale())
    y, x = np.indices(ring.shape)
    left, right = np.hypot(y - 15, x - 10), np.hypot(y - 15, x - 20)
    expected = np.where((left <= 6) & (cells == 1), 1, 0)
    expected = np.where((right <= 6) & (cells == 2), 2, expected)
    np.testing.assert_array_equal(ring, np.where(around > 0, expected, 0))


def test_a_ring_keeps_to_its_time_and_the_proportions():
    own = np.zeros((2, 5, 9, 9), np.uint32)
    own[0, 2, 4, 4] = 3
    around = np.where(own > 0, 0, np.uint32(3))
    ring = rings(own, around, 3, Scale(steps=(3, 1, 1)), in_time=True)
    assert not ring[1].any()
    assert ring[0, 2, 4].tolist() == [0, 3, 3, 3, 0, 3, 3, 3, 0]
    assert np.flatnonzero(ring[0, :, 4, 4]).tolist() == [1, 3]


def test_compartments_are_columns_of_one_table(images):
    cells, nuclei = images
    pixels = np.where(nuclei > 0, 30.0, np.where(cells > 0, 10.0, 2.0))
    found = measured(cells, nuclei, [Channel(pixels=pixels, name="dna")], ring=1)
    values = found.values
    assert found.ids.tolist() == [5, 7, 9]
    np.testing.assert_array_equal(values["nucleus_area_px"], [21, np.nan, 9])
    np.testing.assert_array_equal(values["nucleus_mean_dna"], [30, np.nan, 30])
    assert values["cytoplasm_mean_dna"].tolist() == [10, 10, 10]
    assert values["cytoplasm_area_px"].tolist() == [120 - 21, 70, 100 - 6]
    # By 4, 4, 3 and 3 pixels a nucleus touches its cell, and by one corner less.
    np.testing.assert_array_equal(values["ring_area_px"], [12 + 14, np.nan, 2 + 2 + 3])
    np.testing.assert_array_equal(values["nucleus_cytoplasm_ratio_dna"], [3, np.nan, 3])
    # The background is what lies outside the cells, not outside the nuclei.
    assert values["background_dna"].tolist() == [2, 2, 2]
    assert values["cytoplasm_mean_corrected_dna"].tolist() == [8, 8, 8]
    np.testing.assert_array_equal(
        values["nucleus_cytoplasm_ratio_corrected_dna"], [3.5, np.nan, 3.5]
    )
    assert values["nuclei"].tolist() == [2, 0, 1]
    assert len({c.name for c in found.columns}) == len(found.columns)
    assert {*values} == {c.name for c in found.columns}
    text = found.column("nucleus_area_px").text
    assert text.startswith("Of the nucleus (all nuclei of the masks “nuclei” that are")
    assert "50% of them at least" in text
    assert "up to 1 px" in found.column("ring_area_px").text
    summary = summary_of(found).values
    assert [
        summary[name].tolist()
        for name in (
            "all_nuclei",
            "orphan_nuclei",
            "cells_without_nucleus",
            "cells_with_several_nuclei",
            "mean_of_nuclei",
        )
    ] == [[4], [1], [1], [1], [1]]


def test_groups_choose_the_columns(images):
    names = [c.name for c in measured(*images, groups=["size"]).columns]
    assert names == [
        "area_px",
        "nuclei",
        "nucleus_ids",
        "nucleus_area_px",
        "cytoplasm_area_px",
        "ring_area_px",
    ]


def test_stacks_over_time_are_measured_at_their_proportions():
    cells = np.zeros((2, 4, 10, 10), np.uint32)
    cells[0, :, 1:9, 1:9], cells[1, :, 1:9, 1:9] = 1, 2
    nuclei = np.zeros_like(cells)
    nuclei[0, 1, 4, 4], nuclei[1, 2, 4, 4:6], nuclei[1, 0, 0, 0] = 6, 6, 7
    scale = Scale(steps=(2, 1, 1), um=0.5)
    found = measured(cells, nuclei, in_time=True, scale=scale, ring=1, unit="um")
    assert (found.times.tolist(), found.ids.tolist()) == ([0, 1], [1, 2])
    assert found.values["nucleus_volume_voxels"].tolist() == [1, 2]
    assert found.values["nucleus_volume_um3"].tolist() == [0.25, 0.5]
    # 2 px are 12 neighbours in the plane, and the planes above and below.
    assert found.values["ring_volume_voxels"].tolist() == [12 + 2, 16 + 4]
    assert found.nuclei is not None
    assert [part.tolist() for part in found.nuclei.orphans] == [[1], [7]]
    assert summary_of(found).values["orphan_nuclei"].tolist() == [0, 1]


def test_a_ring_in_um_needs_the_size_of_a_pixel(images):
    with pytest.raises(CompartmentsUnfit, match=r"ring of 2\.5 µm cannot be measured"):
        measured(*images, ring=2.5, unit="um")


def test_a_choice_is_stored():
    choice = CompartmentChoice(nuclei="n", cells="c", parts=EVERY, unit="um", least=0.3)
    assert choice_from(choice.as_json()) == choice
    for bad in ({}, {"nuclei": 3}, {"nuclei": "n", "ring": -1}, {"unit": "m"}):
        assert choice_from({**bad}) is None
