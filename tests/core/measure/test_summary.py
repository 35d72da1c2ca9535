from __future__ import annotations

import numpy as np
import pytest

from cellpose_studio.core.measure.inputs import Channel
from cellpose_studio.core.measure.measure import measure_cells
from cellpose_studio.core.measure.scale import Scale
from cellpose_studio.core.measure.summary import summary_columns, summary_of


def test_a_plane():
    labels = np.zeros((10, 20), np.uint32)
    labels[2:4, 2:4], labels[5:9, 5:9] = 1, 2
    pixels = labels * 10.0
    pixels[2, 2] = np.nan
    found = measure_cells(
        labels, [Channel(pixels=pixels, name="a")], scale=Scale(um=0.5)
    )
    summary = summary_of(found)
    values = {name: value[0] for name, value in summary.values.items()}
    assert values["cells"] == 2
    assert values["density_per_Mpx"] == 2 / 200 * 1e6
    assert values["density_per_mm2"] == pytest.approx(2 / (200 * 0.25e-6))
    assert values["confluence_percent"] == pytest.approx(10)
    assert values["mean_of_area_um2"] == 2.5
    assert values["mean_of_mean_a"] == 15
    assert not [name for name in values if "centroid" in name or "nearest_cell" in name]
    assert [column.name for column in summary.columns] == list(summary.values)


def test_each_time_point_of_stacks_also_without_cells():
    labels = np.zeros((3, 4, 10, 10), np.uint32)
    labels[0, 0, 0, :5] = 1
    labels[2, 1, 0, :4] = 1
    labels[2, 1, 5, :2] = 3
    scale = Scale(steps=(4, 1, 1), um=0.5)
    values = summary_of(measure_cells(labels, in_time=True, scale=scale)).values
    assert values["cells"].tolist() == [1, 0, 2]
    assert values["confluence_percent"] == pytest.approx([1.25, 0, 1.5])
    assert values["density_per_mm3"][2] == pytest.approx(2 / (400 * 0.5e-9))
    np.testing.assert_array_equal(values["mean_of_volume_voxels"], [5, np.nan, 3])


def test_without_sizes_there_is_no_density():
    found = measure_cells(np.ones((3, 3), np.uint32), groups=["neighbours"])
    assert [c.name for c in summary_columns(found.columns)] == [
        "cells",
        "mean_of_touching_cells",
        "mean_of_nearest_distance_px",
    ]
