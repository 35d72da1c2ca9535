from __future__ import annotations

import threading
from itertools import cycle, islice

import numpy as np
import pytest

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.core.images.grey_calibration import GreyCalibration
from cellpose_studio.core.masks.snapshot import Snapshot
from cellpose_studio.core.measure.frame.frame import _threads
from cellpose_studio.core.measure.frame.workers import Workers
from cellpose_studio.core.measure.inputs import CellFacts, Channel
from cellpose_studio.core.measure.measure import measure_cells
from cellpose_studio.core.measure.scale import Scale
from tests.waiting import LONG


def disc(radius, centre=(0.0, 0.0), shape=None):
    size = 2 * int(radius) + 5
    y, x = np.indices(shape or (size, size))
    middle = size // 2
    inside = np.hypot(y - middle - centre[0], x - middle - centre[1]) <= radius
    return inside.astype(np.uint32)


def ball(radius, step=1.0):
    half = int(radius) + 2
    line = np.arange(-half, half + 1.0)
    planes = np.arange(-int(half / step) - 1, int(half / step) + 2) * step
    z, y, x = np.meshgrid(planes, line, line, indexing="ij")
    return (z**2 + y**2 + x**2 <= radius**2).astype(np.uint32)


def values_of(labels, *args, **options):
    return measure_cells(labels, *args, **options).values


class Lazy:
    """Reads parts of an array, and remembers how large they were."""

    def __init__(self, pixels):
        self._pixels = pixels
        self.shape = pixels.shape
        self.sizes = []

    def __getitem__(self, region):
        assert len(region) == len(self.shape)
        part = self._pixels[region]
        self.sizes.append(part.size)
        return part.copy()


@pytest.mark.parametrize("radius", [0.5, 0.8, 1, 1.5, 2, 2.5, 3, 4, 6, 10, 30, 100])
def test_discs_of_any_size_are_round(radius):
    random = np.random.default_rng(0)
    for _ in range(20):
        labels = disc(radius, random.random(2))
        if labels.any():
            assert 0.98 <= values_of(labels)["roundness"][0] <= 1


@pytest.mark.parametrize("step", [1.0, 2.0])
@pytest.mark.parametrize("radius", [3, 5, 10, 20])
def test_balls_are_round_and_have_their_surface(radius, step):
    found = values_of(ball(radius, step), scale=Scale(steps=(step, 1, 1)))
    assert 0.96 <= found["roundness"][0] <= 1
    error = 0.12 if radius < 10 else 0.03
    assert found["surface_px2"][0] == pytest.approx(4 * np.pi * radius**2, rel=error)


def test_long_cells_are_less_round():
    bar = np.ones((10, 40), np.uint32)
    assert values_of(bar)["roundness"][0] == pytest.approx(6 / np.pi * 4 / 17, 0.01)


def test_perimeter_of_pixels_that_are_not_square():
    y, x = np.indices((120, 60))
    labels = (np.hypot(y - 60, (x - 30) * 2) <= 50).astype(np.uint32)
    found = values_of(labels, scale=Scale(steps=(1, 1, 2), um=0.5))
    assert found["perimeter_um"][0] == pytest.approx(np.pi * 50, rel=0.01)
    assert found["feret_um"][0] == pytest.approx(50, rel=0.04)
    assert found["area_um2"][0] == pytest.approx(np.pi * 25**2, rel=0.01)
    assert found["roundness"][0] == pytest.approx(1, abs=0.01)


def test_units():
    labels = np.zeros((4, 6, 8), np.uint32)
    labels[1:3, 2:4, 4:8] = 9
    found = values_of(labels, scale=Scale(steps=(4, 1, 1), um=0.5))
    assert found["volume_voxels"] == [16]
    assert found["volume_um3"] == [16 * 0.5 * 0.5 * 2]
    assert found["centroid_z_px"], found["centroid_z_um"] == ([1.5], [3.0])
    assert found["centroid_x_um"] == [5.5 * 0.5]
    # From the outer edge of the first pixel to that of the last one.
    assert (found["bbox_x_min_um"], found["bbox_x_max_um"]) == ([1.75], [3.75])
    assert (found["bbox_z_min_um"], found["bbox_z_max_um"]) == ([1.0], [5.0])
    assert found["touches_edge"] == [1]
    unknown = values_of(labels)
    assert not [name for name in unknown if "_um" in name]


@pytest.mark.parametrize(
    "cell",
    [
        np.ones((1, 1, 1)),
        np.ones((1, 5, 7)),
        np.ones((1, 1, 6)),
        np.ones((4, 1, 1)),
        np.eye(3)[None],
    ],
)
def test_thin_cells_of_a_stack_have_finite_values(cell):
    labels = np.zeros((6, 8, 9), np.uint32)
    labels[1 : 1 + cell.shape[0], 1 : 1 + cell.shape[1], 1 : 1 + cell.shape[2]] = cell
    found = measure_cells(labels, [Channel(pixels=labels, name="a")])
    unknown = {"nearest_distance_px", "nearest_cell"}
    for name, values in found.values.items():
        assert np.isfinite(values).all() == (name not in unknown), name
    flat = values_of(labels[1]) if cell.shape[0] == 1 else {}
    for name in ("solidity", "feret_px"):
        if flat:
            assert found.values[name] == pytest.approx(flat[name])


def test_a_single_pixel():
    labels = np.zeros((5, 5), np.uint32)
    labels[2, 3] = 1
    found = values_of(labels)
    expected = {
        "area_px": 1, "axis_major_px": 0, "axis_minor_px": 0, "eccentricity": 0,
        "orientation_deg": 0, "roundness": 1, "solidity": 1, "feret_px": 1,
        "touching_cells": 0, "touches_edge": 0,
    }  # fmt: skip
    assert {name: found[name][0] for name in expected} == expected


def test_orientation_turns_counter_clockwise():
    bar = np.zeros((30, 30), np.uint32)
    bar[10:13, 5:25] = 1
    diagonal = np.eye(30, dtype=np.uint32)
    angles = [
        values_of(labels)["orientation_deg"][0]
        for labels in (bar, bar.T, diagonal[::-1], diagonal)
    ]
    assert angles == pytest.approx([0, 90, 45, -45])


def test_parts_of_an_image_give_what_the_whole_gives():
    random = np.random.default_rng(3)
    labels = np.kron(random.integers(0, 9, (2, 3, 8, 7)), np.ones((1, 1, 5, 6)))
    labels = labels.astype(np.uint32) * 4_000_000
    pixels = random.normal(100, 10, labels.shape)
    whole = measure_cells(
        labels, [Channel(pixels=pixels, name="a")], in_time=True, threads=1
    )
    lazy, lazy_labels = Lazy(pixels), Lazy(labels)
    parts = measure_cells(
        lazy_labels,
        [Channel(pixels=lazy, name="a")],
        in_time=True,
        threads=3,
        slab=42 * 7,
    )
    assert max(lazy.sizes) <= 42 * 7
    # The neighbours of a part are read with it.
    assert max(lazy_labels.sizes) <= 3 * 42 * 9
    assert parts.ids.tolist() == whole.ids.tolist()
    assert parts.times.tolist() == whole.times.tolist()
    for name, values in whole.values.items():
        np.testing.assert_allclose(parts.values[name], values, rtol=1e-12, err_msg=name)


def test_each_time_point_has_rows_of_its_own():
    labels = np.zeros((3, 10, 10), np.uint32)
    labels[0, 2:4, 2:4] = 5
    labels[2, 2:6, 2:4] = 5
    labels[2, 8, 8] = 2
    found = measure_cells(labels, in_time=True)
    assert found.times.tolist() == [0, 2, 2]
    assert found.ids.tolist() == [5, 2, 5]
    assert found.values["area_px"].tolist() == [4, 1, 8]
    assert [found.row(5, 0), found.row(5, 2), found.row(5, 1)] == [0, 2, -1]
    assert np.isnan(found.values["nearest_cell"][0])
    assert found.values["nearest_cell"][1:].tolist() == [5, 2]


def test_pixels_that_are_no_numbers_are_left_out():
    labels = np.array([[1, 1, 1, 0, 2, 2, 0, 0]], np.uint32)
    pixels = np.array([[1, np.nan, 3, np.inf, np.nan, np.nan, 4, 6]], np.float32)
    found = values_of(labels, [Channel(pixels=pixels, name="a")])
    for name, expected in {
        "mean_a": 2, "min_a": 1, "max_a": 3, "sum_a": 4, "sd_a": 1, "median_a": 2,
        "background_a": 5, "mean_corrected_a": -3,
    }.items():  # fmt: skip
        assert found[name][0] == expected
        unknown = name not in ("sum_a", "background_a")
        assert np.isnan(found[name][1]) == unknown
    assert found["sum_a"][1] == 0


def test_calibrated_grey_values():
    labels = np.array([[1, 1, 1, 0, 0]], np.uint32)
    pixels = np.array([[10, 20, 60, 5, 5]], np.uint8)
    falling = GreyCalibration(offset=100, slope=-0.5, unit="OD")
    found = measure_cells(labels, [Channel(pixels=pixels, name="a b", grey=falling)])
    line = 100 - 0.5 * pixels[0, :3]
    for name, expected in {
        "mean": line.mean(), "min": line.min(), "max": line.max(), "sum": line.sum(),
        "sd": line.std(), "median": np.median(line), "background": 97.5,
        "mean_corrected": line.mean() - 97.5,
    }.items():  # fmt: skip
        assert found.values[f"{name}_a_b"][0] == pytest.approx(expected)
        column = found.column(f"{name}_a_b")
        assert column.unit == "OD"
        assert "100 + -0.5 × grey value" in column.text


def test_large_values_with_a_small_spread():
    labels = np.ones((10, 10), np.uint32)
    pixels = 1e9 + np.arange(100.0).reshape(10, 10)
    found = values_of(labels, [Channel(pixels=pixels, name="a")])
    assert found["sd_a"][0] == pytest.approx(np.arange(100).std(), rel=1e-9)
    assert np.isnan(found["background_a"][0])


def test_neighbours():
    labels = np.array(
        [
            [1, 1, 0, 3, 3],
            [0, 0, 2, 0, 0],
            [4, 0, 0, 0, 0],
        ],
        np.uint32,
    )
    found = values_of(labels)
    assert found["touching_cells"].tolist() == [1, 2, 1, 0]
    assert found["nearest_cell"].tolist() == [2, 1, 2, 1]
    assert found["nearest_distance_px"][0] == pytest.approx(np.hypot(1.5, 1))


def test_cells_with_one_centre_are_next_to_each_other():
    labels = np.ones((5, 5), np.uint32)
    labels[2, 2] = 2
    found = values_of(labels)
    assert found["nearest_cell"].tolist() == [2, 1]
    assert found["nearest_distance_px"].tolist() == [0, 0]
    # The rim of a hole belongs to the outline.
    whole = values_of(np.ones((5, 5), np.uint32))
    hole = values_of(labels[1:4, 1:4] // 2)
    outer = whole["perimeter_px"][0] + hole["perimeter_px"][0]
    assert found["perimeter_px"][0] == pytest.approx(outer)


def test_cells_that_touch_across_planes():
    labels = np.zeros((2, 3, 3), np.uint32)
    labels[0, 0, 0], labels[1, 1, 1] = 1, 2
    assert values_of(labels)["touching_cells"].tolist() == [1, 1]


def test_no_cells():
    labels = np.zeros((8, 8), np.uint32)
    found = measure_cells(labels, [Channel(pixels=labels, name="a")])
    assert len(found) == 0
    assert all(len(values) == 0 for values in found.values.values())


def test_facts_of_cells():
    labels = np.array([[1, 2, 3, 4]], np.uint32)
    facts = CellFacts(
        flow_errors={1: 0.5},
        statuses={2: "accepted"},
        drawn={2},
        edited={2, 3},
        origin="run",
    )
    found = values_of(labels, facts=facts)
    assert found["origin"].tolist() == ["run", "drawn", "edited", "run"]
    assert found["status"].tolist() == ["", "accepted", "", ""]
    np.testing.assert_array_equal(found["flow_error"], [0.5, np.nan, np.nan, np.nan])


def test_only_what_is_asked_for():
    labels = disc(5)
    found = measure_cells(labels, [Channel(pixels=labels, name="a")], groups=["size"])
    assert [column.name for column in found.columns] == ["area_px"]


def test_a_snapshot_can_be_measured():
    labels = disc(20)
    assert values_of(Snapshot(labels))["area_px"] == labels.sum()


def test_measuring_can_be_stopped():
    checkpoint = Checkpoint()
    checkpoint.stop()
    with pytest.raises(Cancelled):
        measure_cells(disc(5), checkpoint=checkpoint)


def test_channels_have_the_shape_of_the_labels():
    with pytest.raises(ValueError, match="dna has the shape"):
        measure_cells(disc(5), [Channel(pixels=disc(6), name="dna")])


def test_an_error_in_a_thread_stops_the_others():
    begun, stopped = threading.Event(), []

    def work(worker, share):
        if worker == 0:
            assert begun.wait(LONG)
            raise ValueError
        try:
            # More than anybody has the time for.
            for _ in workers.each(islice(cycle(share), 3 * 10**7)):
                begun.set()
        except Cancelled:
            stopped.append(worker)
            raise

    workers = Workers(2, Checkpoint())
    with pytest.raises(ValueError), workers:
        workers.share(range(1000), work)
    assert stopped == [1]


def test_of_many_cells_fewer_threads_have_sums():
    assert [_threads(cells, 32) for cells in (0, 1000, 300_000)] == [32, 32, 4]
    assert _threads(10**7, 32) == 2
    assert _threads(10**7, 1) == 1
