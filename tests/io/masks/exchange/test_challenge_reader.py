"""Tracks of the Cell Tracking Challenge come back as they were exported."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cellpose_studio.core.errors import MasksUnreadable
from cellpose_studio.core.masks.lineage import frames_of_cells
from cellpose_studio.io.masks.folders import masks_of_image, scan_folder
from cellpose_studio.io.masks.reader import read_masks
from cellpose_studio.workflows.open import images_of
from tests.io.masks.exchange.conftest import masks_and_axes

TIMES = masks_and_axes(("TYX", "TZYX"))


def divisions(data, frames):
    """Draw mothers, each of several daughters or of one that follows at once."""
    mothers = {}
    for cell, times in frames.items():
        ended = [n for n, others in frames.items() if others[-1] < times[0]]
        if ended and data.draw(st.booleans()):
            mothers[cell] = data.draw(st.sampled_from(ended))
    only = [cell for cell, m in mothers.items() if [*mothers.values()].count(m) == 1]
    # A single successor after a gap is the same cell to the format.
    gaps = {cell for cell in only if frames[cell][0] > frames[mothers[cell]][-1] + 1}
    return {cell: mother for cell, mother in mothers.items() if cell not in gaps}


@settings(max_examples=25)
@given(drawn=TIMES, data=st.data(), kind=st.sampled_from(["ctc", "ctc-truth"]))
def test_cells_gaps_and_divisions_come_back(exported, drawn, data, kind):
    labels, axes = drawn
    assume(labels.any())
    mothers = divisions(data, frames_of_cells(labels))
    found = read_masks(exported(labels, axes, kind, parents=mothers))
    assert found.labels.shape == labels.shape
    pairs = set(zip(labels.flat, found.labels.flat, strict=True))
    names = dict(pairs)
    assert len(names) == len(pairs) == len(set(names.values()))
    assert found.mothers == {names[d]: names[m] for d, m in mothers.items()}
    if labels.max() <= 65535:
        np.testing.assert_array_equal(found.labels, labels)


def film():
    labels = np.zeros((4, 8, 20), np.uint32)
    labels[:2, 1:7, 1:7] = 3
    labels[2:, 1:7, 1:4] = 5
    labels[2:, 1:7, 5:8] = 6
    labels[[0, 3], 1:4, 12:16] = 9
    return labels


def test_the_folder_beside_an_image_is_found(exported):
    folder = exported(film(), "TYX", "ctc", parents={5: 3, 6: 3})
    image = folder.with_name("a.tif")
    tifffile.imwrite(image, film().astype(np.uint8), metadata={"axes": "TYX"})
    assert masks_of_image(image) == (folder,)
    assert [(one.image, one.masks) for one in scan_folder(folder.parent)] == [
        (image, (folder,))
    ]
    for path in (folder, folder / "res_track.txt"):
        [entry] = images_of(path)
        assert (entry.image, entry.masks) == (image, (folder,))
    found = read_masks(folder)
    np.testing.assert_array_equal(found.labels, film())
    assert found.mothers == {5: 3, 6: 3}
    assert found.axes == "TYX"


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("1 0 3\n", "Line 1 of res_track.txt is not four numbers"),
        ("3 0 1 0\n5 2 -1 3\n", "Line 2 of res_track.txt is not four numbers"),
        ("\xff", "cannot be read as a table"),
    ],
)
def test_a_damaged_table_is_refused(exported, table, reason):
    folder = exported(film(), "TYX", "ctc")
    (folder / "res_track.txt").write_bytes(table.encode("latin-1"))
    with pytest.raises(MasksUnreadable, match=reason):
        read_masks(folder)


def test_missing_or_damaged_images_are_refused(exported):
    folder = exported(film(), "TYX", "ctc")
    (folder / "mask002.tif").write_bytes(b"II*\0 nothing")
    with pytest.raises(MasksUnreadable, match=r"beside res_track.txt cannot be read"):
        read_masks(folder)
    for image in folder.glob("*.tif"):
        image.unlink()
    with pytest.raises(MasksUnreadable, match="no label images beside"):
        read_masks(folder)


def test_a_cell_without_a_line_and_a_parent_without_one_are_kept_out(exported):
    folder = exported(film(), "TYX", "ctc", parents={5: 3, 6: 3})
    table = folder / "res_track.txt"
    table.write_text(table.read_text().replace("3 0 1 0\n", ""))
    found = read_masks(folder)
    np.testing.assert_array_equal(found.labels, film())
    assert found.mothers == {}
