"""The time between time points, as files of several programs have it."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import tifffile

from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.images.units import interval_of, to_seconds
from cellpose_studio.io.masks.export_format import MasksToExport
from cellpose_studio.io.masks.export_formats import FORMATS
from tests import vendor_samples as samples

FILM = np.zeros((3, 8, 9), np.uint16)


def written(path, ome=False, **metadata):
    metadata = {"axes": "TYX", **metadata}
    tifffile.imwrite(path, FILM, imagej=not ome, ome=ome, metadata=metadata)
    return open_images(path)[0]


def test_imagej_has_it_in_a_unit_of_its_own(tmp_path):
    path = tmp_path / "a.tif"
    assert written(path, finterval=90.0).interval_s == 90
    assert written(path, finterval=1.5, tunit="min").interval_s == 90
    # The pace of the animation is not that of the experiment.
    assert written(path, fps=10.0).interval_s is None
    assert written(path, finterval=0.0).interval_s is None


def test_ome_has_an_increment_or_the_times_of_planes(tmp_path):
    path = tmp_path / "a.ome.tif"
    known = {"TimeIncrement": 5.0, "TimeIncrementUnit": "min"}
    assert written(path, ome=True, **known).interval_s == 300
    planes = {"DeltaT": [0.0, 30.5, 60.0], "DeltaTUnit": ["s"] * 3}
    places = {"TheT": [0, 1, 2], "TheC": [0] * 3, "TheZ": [0] * 3}
    found = written(path, ome=True, Plane={**planes, **places}).interval_s
    assert found == pytest.approx(30)
    assert written(path, ome=True).interval_s is None


def test_imaris_has_the_dates_of_time_points(tmp_path):
    path = tmp_path / "a.ims"
    samples.write_ims(path)
    assert open_images(path)[0].interval_s is None
    with h5py.File(path, "a") as file:
        info = file.create_group("DataSetInfo/TimeInfo")
        for n, text in enumerate(("12:00:00.000", "12:02:30.500")):
            date = f"2026-01-31 {text}"
            info.attrs[f"TimePoint{n + 1}"] = np.array(list(date), "S1")
    assert open_images(path)[0].interval_s == 150.5


def test_nd2_has_it_in_ms(tmp_path):
    samples.write_nd2(tmp_path / "a.nd2", "T")
    assert open_images(tmp_path / "a.nd2")[0].interval_s == 0.001


@pytest.mark.parametrize("name", ["tif", "ome-tiff", "ome-zarr", "ome-zarr-0.4"])
def test_exported_masks_keep_it(tmp_path, name):
    image = written(tmp_path / "a.tif", finterval=90.0)
    labels = np.zeros(image.label_shape, np.uint32)
    labels[:, 2:5, 2:5] = 1
    form = FORMATS[name]
    path = form.path(tmp_path / "out")
    if form.folder:
        path.mkdir()
    form.write(path, MasksToExport.of(image, labels))
    assert open_images(path)[0].interval_s == 90


def test_times_are_seconds_or_unknown():
    assert to_seconds(2, "hours") == 7200
    assert to_seconds("0.5", "μs") == 5e-7
    assert [to_seconds(*one) for one in ((1, "frame"), (-1, "s"), ("", "s"))] == [
        None
    ] * 3
    assert interval_of([3.0]) is None
    assert interval_of([5.0, 5.0]) is None
