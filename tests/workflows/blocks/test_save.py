"""What a run in blocks writes, if some of the formats do not fit."""

from __future__ import annotations

import pytest
import tifffile

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import CannotSave
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.workflows.blocks.save import save_blocks
from cellpose_studio.workflows.blocks.segment import segment_in_blocks


@pytest.fixture
def result(cells, tmp_path):
    """Return masks of a time series of two planes."""
    [image] = open_images(cells("a.tif", (2, 96, 128), "TYX"))
    given = SegmentationParameters(diameter=20.0)
    common = (image, shipped()[0], given, Checkpoint(), (1, 64, 64))
    with segment_in_blocks(*common, folder=tmp_path / "state") as found:
        yield found


def test_formats_that_do_not_fit_leave_the_others(result, tmp_path):
    base = tmp_path / "out"
    table = tmp_path / "out_cp_masks_ids.csv"
    table.write_text("label,cell\n1,7\n")
    saved = save_blocks(result, ["png", "tif"], base, lambda: None)
    [file] = saved.files
    assert len(tifffile.imread(file)) == 2
    [reason] = saved.reasons
    assert ".png could not be saved" in str(reason)
    # It told the ids of cells in masks that are replaced.
    assert not table.exists()


def test_formats_of_which_none_fits_are_refused(result, tmp_path):
    with pytest.raises(CannotSave, match="png could not be saved"):
        save_blocks(result, ["png"], tmp_path / "out", lambda: None)


def test_a_file_that_cannot_be_written_leaves_the_others(result, tmp_path):
    base = tmp_path / "out"
    (tmp_path / "out_cp_masks.tif").mkdir()
    (tmp_path / "out_cp_masks.tif" / "mine").touch()
    saved = save_blocks(result, ["tif", "ome-tiff"], base, lambda: None)
    assert [file.name for file in saved.files] == ["out.ome_cp_masks.tif"]
    assert len(saved.reasons) == 1
