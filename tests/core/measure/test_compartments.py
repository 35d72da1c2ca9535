from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cellpose_studio.core.measure.compartments import (
    cytoplasm,
    joined,
    match_nuclei,
    rings,
    with_ids_of_cells,
)
from cellpose_studio.core.measure.inputs import Channel
from cellpose_studio.core.measure.measure import measure_cells
from cellpose_studio.core.measure.scale import Scale


@pytest.fixture
def images():
    """Cells 5 (two nuclei), 7 (none) and 9; nucleus 4 is an orphan."""
    cells = np.zeros((12, 40), np.uint32)
    cells[1:11, 1:13], cells[1:11, 13:20], cells[1:11, 22:32] = 5, 7, 9
    nuclei = np.zeros((12, 40), np.uint32)
    nuclei[3:6, 3:6], nuclei[3:6, 8:11] = 1, 2
    nuclei[4:7, 30:33], nuclei[5:8, 34:37] = 3, 4
    return cells, nuclei


def test_nuclei_are_matched_by_overlap(images):
    cells, nuclei = images
    found = match_nuclei(nuclei, cells)
    assert dict(zip(found.nuclei.tolist(), found.cells.tolist(), strict=True)) == {
        1: 5, 2: 5, 3: 9, 4: 0,
    }  # fmt: skip
    assert found.orphans.tolist() == [4]
    assert found.without.tolist() == [7]
    assert found.several == {5: (1, 2)}
    # Two thirds of nucleus 3 are in the cell.
    assert match_nuclei(nuclei, cells, 0.7).orphans.tolist() == [3, 4]


@given(
    arrays(np.uint32, (5, 6), elements=st.integers(0, 3)),
    arrays(np.uint32, (5, 6), elements=st.integers(0, 3)),
    st.sampled_from([0.1, 0.5, 1.0]),
)
def test_the_cell_of_a_nucleus_has_most_of_its_pixels(nuclei, cells, least):
    found = match_nuclei(nuclei, cells, least)
    assert found.nuclei.tolist() == [n for n in np.unique(nuclei) if n]
    for nucleus, cell in zip(found.nuclei, found.cells, strict=True):
        of = nuclei == nucleus
        shares = {c: (of & (cells == c)).sum() / of.sum() for c in (1, 2, 3)}
        most = max(shares.values())
        expected = min(c for c in shares if shares[c] == most) if most >= least else 0
        assert cell == expected
    assert found.without.tolist() == [
        c for c in np.unique(cells) if c and c not in found.cells
    ]


def test_shapes_that_differ_are_refused():
    with pytest.raises(ValueError, match="nuclei"):
        match_nuclei(np.zeros((2, 2), np.uint32), np.zeros((2, 3), np.uint32))


def test_compartments_divide_a_cell(images):
    cells, nuclei = images
    own = with_ids_of_cells(nuclei, match_nuclei(nuclei, cells))
    assert np.unique(own).tolist() == [0, 5, 9]
    around = cytoplasm(cells, nuclei)
    assert not (around[nuclei > 0]).any()
    assert ((around == 5) | (own == 5)).sum() == (cells == 5).sum()


def test_no_nuclei():
    none, cells = np.zeros((4, 4), np.uint32), np.ones((4, 4), np.uint32)
    found = match_nuclei(none, cells)
    assert (len(found.nuclei), found.without.tolist()) == (0, [1])
    assert not with_ids_of_cells(none, found).any()


def test_rings_have_a_width_and_do_not_overlap():
    nuclei = np.zeros((30, 40), np.uint32)
    nuclei[15, 10], nuclei[15, 20] = 1, 2
    ring = rings(nuclei, 6, gap=2)
    y, x = np.indices(ring.shape)
    left, right = np.hypot(y - 15, x - 10), np.hypot(y - 15, x - 20)
    assert ((left > 2) & (left <= 8))[ring == 1].all()
    assert (left <= right)[ring == 1].all()
    assert not ring[(left <= 2) | (right <= 2)].any()
    assert (ring == 1)[(left > 2) & (left <= 8) & (left < right)].all()


def test_rings_keep_to_their_cell_their_time_and_the_proportions():
    nuclei = np.zeros((2, 5, 9, 9), np.uint32)
    nuclei[0, 2, 4, 4] = 3
    scale = Scale(steps=(3, 1, 1))
    ring = rings(nuclei, 3, scale=scale, in_time=True)
    assert not ring[1].any()
    assert ring[0, 2, 4].tolist() == [0, 3, 3, 3, 0, 3, 3, 3, 0]
    assert np.flatnonzero(ring[0, :, 4, 4]).tolist() == [1, 3]
    cells = np.zeros_like(nuclei)
    cells[..., 4:] = 3
    assert not rings(nuclei, 3, cells=cells, in_time=True)[..., :4].any()


def test_compartments_are_columns_of_one_table(images):
    cells, nuclei = images
    pixels = np.where(nuclei > 0, 30.0, 10.0)
    own = with_ids_of_cells(nuclei, match_nuclei(nuclei, cells))
    channels = [Channel(pixels=pixels, name="dna")]
    parts = {
        name: measure_cells(labels, channels, groups=["size", "intensity"])
        for name, labels in {
            "nucleus": own,
            "cytoplasm": cytoplasm(cells, nuclei),
        }.items()
    }
    found = joined(measure_cells(cells, channels), parts)
    assert found.ids.tolist() == [5, 7, 9]
    np.testing.assert_array_equal(found.values["nucleus_area_px"], [18, np.nan, 9])
    np.testing.assert_array_equal(found.values["nucleus_mean_dna"], [30, np.nan, 30])
    assert found.values["cytoplasm_mean_dna"].tolist() == [10, 10, 10]
    assert found.column("nucleus_area_px").text.startswith("Of the nucleus: Number")
    assert len({c.name for c in found.columns}) == len(found.columns)


def test_no_cell_has_the_compartment(images):
    cells, _ = images
    found = measure_cells(cells, groups=["size"])
    none = measure_cells(np.zeros_like(cells), groups=["size"])
    assert np.isnan(joined(found, {"nucleus": none}).values["nucleus_area_px"]).all()
