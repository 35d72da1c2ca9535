"""``segment --block-size``: the files that it writes without holding all masks."""

from __future__ import annotations

import pytest
import tifffile

from cellpose_studio.cli.main import run
from cellpose_studio.io.images.reader import open_images


@pytest.fixture
def segmented(capsys):
    def call(*arguments):
        assert run(["segment", *map(str, arguments), "--diameter", "20"]) == 0
        return capsys.readouterr().out

    return call


@pytest.mark.parametrize(
    ("shape", "axes"), [((150, 170), "YX"), ((2, 3, 90, 110), "TZYX")]
)
def test_files_are_those_of_a_run_as_a_whole(segmented, cells, tmp_path, shape, axes):
    path = cells("a.tif", shape, axes)
    kinds = ("--save", "tif", "ome-tiff", "npy" if axes == "YX" else "geojson")
    segmented(path, "--out", tmp_path / "whole", *kinds)
    out = segmented(path, "--out", tmp_path / "blocks", "--block-size", "64", *kinds)
    assert "blocks, of which 0 showed nothing and were left out" in out
    for ending in ("_cp_masks.tif", ".ome_cp_masks.tif"):
        one, other = (
            tifffile.TiffFile(tmp_path / name / f"a{ending}")
            for name in ("whole", "blocks")
        )
        with one, other:
            assert (one.asarray() == other.asarray()).all()
            assert one.asarray().dtype == other.asarray().dtype
            assert one.is_imagej == other.is_imagej
            assert one.imagej_metadata == other.imagej_metadata
            assert one.series[0].axes == other.series[0].axes
        images = [
            open_images(tmp_path / name / f"a{ending}")[0]
            for name in ("whole", "blocks")
        ]
        assert images[0].pixel_size_um == images[1].pixel_size_um
    assert len([*(tmp_path / "blocks").iterdir()]) == len(
        [*(tmp_path / "whole").iterdir()]
    )


def test_no_block_is_too_small(cells, capsys):
    with pytest.raises(SystemExit):
        run(["segment", str(cells("a.tif")), "--block-size", "3"])
    assert "give 16 or more" in capsys.readouterr().err
