from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import roifile
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellpose_studio.core.errors import CannotSave, ImageUnreadable
from cellpose_studio.io.masks.export import IDS_ENDING, reasons_unfit, save_all
from cellpose_studio.io.masks.export_formats import FORMATS
from cellpose_studio.io.masks.reader import read_masks
from tests.images import image_of

MASKS = ("tif", "png", "ome-tiff", "cellprofiler", "npy")
OF_PLANES = [name for name, form in FORMATS.items() if not form.needs_time]


@pytest.fixture(scope="session")
def save():
    """Return a function that saves labels of an image a.tif in a folder."""

    def save(folder, labels, kinds, axes=None, channels=1, **more):
        axes = axes or ("YX", "ZYX", "TZYX")[labels.ndim - 2]
        length = dict(zip(axes, labels.shape, strict=True))
        shape = (length.get("T", 1), channels, length.get("Z", 1), *labels.shape[-2:])
        image = image_of(np.zeros(shape, np.uint8), path=folder / "a.tif")
        return save_all(folder / "a", labels, None, kinds, image=image, **more)

    return save


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def cells(labels) -> np.ndarray:
    """Return labels as uint32."""
    return np.array(labels, np.uint32)


TWO = cells([[0, 1, 1, 0], [2, 2, 0, 0]])
GAPS = TWO * 5

ids = st.sampled_from([0, 0, 1, 2, 3, 9, 2**32 - 1])
sides = st.integers(2, 8)
shapes = st.one_of(
    st.tuples(sides, sides),
    st.tuples(sides, sides, sides),
    st.tuples(sides, sides, sides, sides),
)
labels_of = hnp.arrays(np.uint32, shapes, elements=ids)


def test_files_have_the_names_that_cellpose_gives_them(save, tmp_path):
    written = save(tmp_path, TWO, OF_PLANES)
    assert [path.name for path in written] == [
        "a_cp_masks.tif",
        "a_cp_masks.png",
        "a.ome_cp_masks.tif",
        "a_cp_masks.ome.zarr",
        "a_cp_masks.v04.ome.zarr",
        "a_cellprofiler_masks.tif",
        "a_seg.npy",
        "a_cp_outlines.txt",
        "a_rois.zip",
        "a_cells.geojson",
        "a_coco.json",
        "a_coco_polygons.json",
    ]
    assert sorted(written) == sorted(tmp_path.iterdir())


@pytest.mark.parametrize("kind", FORMATS)
def test_only_what_was_asked_for_is_written(save, tmp_path, kind):
    labels = np.stack([TWO, TWO]) if FORMATS[kind].needs_time else TWO
    axes = "TYX" if FORMATS[kind].needs_time else "YX"
    expected = tmp_path / f"a{FORMATS[kind].ending}"
    assert save(tmp_path, labels, [kind], axes) == [expected]
    assert [*tmp_path.iterdir()] == [expected]


@given(labels=labels_of)
def test_every_mask_file_holds_the_same_cells_numbered_in_order(
    save, tmp_path_factory, labels
):
    folder = tmp_path_factory.mktemp("masks")
    kinds = {2: MASKS, 3: ("tif", "ome-tiff", "npy"), 4: ("tif", "ome-tiff")}
    kinds = kinds[labels.ndim]
    before = labels.copy()
    written = save(folder, labels, kinds)
    present = np.unique(labels[labels > 0])
    expected = np.searchsorted(present, labels) + 1
    expected[labels == 0] = 0
    for path in written:
        if path.suffix != ".csv":
            np.testing.assert_array_equal(read_masks(path).labels, expected)
    np.testing.assert_array_equal(labels, before)
    table = folder / f"a{IDS_ENDING}"
    if present.tolist() == list(range(1, len(present) + 1)):
        assert not table.exists()
    else:
        rows = list(csv.DictReader(table.open(newline="")))
        assert [int(row["label"]) for row in rows] == [*range(1, len(present) + 1)]
        assert [int(row["cell"]) for row in rows] == present.tolist()


def test_cellpose_reads_the_same_masks_from_every_file(save, tmp_path, cellpose_io):
    for path in save(tmp_path, TWO, MASKS):
        masks = cellpose_io.imread(str(path))
        assert masks.dtype == np.uint16
        assert masks.tolist() == TWO.tolist()


@pytest.mark.parametrize("planes", [3, 4, 12])
def test_cellpose_reads_the_same_stack(save, tmp_path, cellpose_io, planes):
    stack = np.stack([np.pad(TWO, 9)] * planes)
    for path in save(tmp_path, stack, ["tif", "npy"]):
        np.testing.assert_array_equal(cellpose_io.imread(str(path)), stack)


def test_cellpose_takes_images_for_images_and_masks_for_masks(
    save, tmp_path, cellpose_io
):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros(TWO.shape, np.uint8))
    save(tmp_path, GAPS, OF_PLANES)
    folder, image = str(tmp_path), str(tmp_path / "a.tif")
    assert cellpose_io.get_image_files(folder, "_masks") == [image]
    for mask_filter in ("_cp_masks", "_seg.npy"):
        images, labels, names = cellpose_io.load_images_labels(folder, mask_filter)
        assert names == [image]
        assert len(images) == 1
        assert labels[0].tolist() == TWO.tolist()


def test_more_cells_than_16_bits_hold_are_saved_with_32(save, tmp_path, cellpose_io):
    labels = np.arange(300 * 300, dtype=np.uint32).reshape(300, 300)
    for path in save(tmp_path, labels, ["tif", "npy"]):
        np.testing.assert_array_equal(read_masks(path).labels, labels)
        masks = cellpose_io.imread(str(path))
        assert masks.dtype == np.uint32
        np.testing.assert_array_equal(masks, labels)


def test_a_png_holds_65535_cells_and_no_more(save, tmp_path):
    labels = np.arange(65536, dtype=np.uint32).reshape(256, 256)
    save(tmp_path, labels, ["png"])
    np.testing.assert_array_equal(
        read_masks(tmp_path / "a_cp_masks.png").labels, labels
    )
    before = files_in(tmp_path)
    with pytest.raises(CannotSave, match=r"a_cp_masks\.png could .* 65535 cells"):
        save(tmp_path, labels + 1, ["png", "tif"])
    # The formats that have a place for them are there.
    np.testing.assert_array_equal(
        read_masks(tmp_path / "a_cp_masks.tif").labels, labels + 1
    )
    assert before.items() <= files_in(tmp_path).items()


@pytest.mark.parametrize(
    ("axes", "kind"),
    [
        ("ZYX", "png"),
        ("TYX", "outlines"),
        ("TZYX", "png"),
        ("TZYX", "outlines"),
        ("TZYX", "npy"),
    ],
)
def test_a_format_without_a_place_for_the_axes_does_not_keep_the_others(
    save, tmp_path, axes, kind
):
    labels = np.broadcast_to(TWO, (2,) * (len(axes) - 2) + TWO.shape)
    with pytest.raises(CannotSave) as raised:
        save(tmp_path, labels, ["tif", "rois", kind], axes)
    assert raised.value.message.startswith(
        f"a{FORMATS[kind].ending} could not be saved: "
    )
    assert sorted(files_in(tmp_path)) == ["a_cp_masks.tif", "a_rois.zip"]
    reasons = reasons_unfit(tmp_path / "a", ["tif", "rois", kind], axes)
    assert {k: e.message for k, e in reasons.items()} == {kind: raised.value.message}


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_ome_zarr_of_an_empty_channel_is_valid_json(tmp_path, value):
    pixels = np.full((1, 1, 1, *TWO.shape), value, np.float32)
    image = image_of(pixels, path=tmp_path / "a.tif")
    (path,) = save_all(tmp_path / "a", TWO, None, ["ome-zarr"], image=image)

    def refuse(constant):
        raise AssertionError(constant)

    json.loads((path / "zarr.json").read_text(), parse_constant=refuse)


FOLDERS = [name for name, form in FORMATS.items() if form.folder]


@pytest.mark.parametrize("kind", FOLDERS)
def test_a_folder_with_files_of_others_is_not_replaced(save, tmp_path, kind):
    film = np.broadcast_to(TWO, (2, *TWO.shape))
    (folder,) = save(tmp_path, film, [kind], "TYX")
    (folder / ".DS_Store").write_bytes(b"")
    save(tmp_path, film, [kind], "TYX")
    other = folder / "SEG" / "man_seg000.tif"
    other.parent.mkdir()
    other.write_bytes(b"truth")
    with pytest.raises(CannotSave, match=r"also holds SEG/man_seg000\.tif"):
        save(tmp_path, film, ["tif", kind], "TYX")
    assert other.read_bytes() == b"truth"
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == sorted(["a_cp_masks.tif", folder.name])


@pytest.mark.parametrize("axes", ["YX", "ZYX", "TYX", "TZYX"])
def test_a_tiff_says_what_its_axes_are(save, tmp_path, axes):
    labels = np.broadcast_to(TWO, (3,) * (len(axes) - 2) + TWO.shape)
    save(tmp_path, labels, ["tif"], axes)
    with tifffile.TiffFile(tmp_path / "a_cp_masks.tif") as tiff:
        assert tiff.series[0].axes == axes
        assert tiff.series[0].shape == labels.shape
        assert len(tiff.pages) == np.prod(labels.shape[:-2])
        assert {page.photometric.name for page in tiff.pages} == {"MINISBLACK"}


@pytest.mark.parametrize("count", [2, 70_000], ids=["16 bits", "32 bits"])
@pytest.mark.parametrize("axes", ["YX", "ZYX", "TYX", "TZYX"])
def test_imagej_opens_masks_as_a_hyperstack(tmp_path, axes, count):
    length = {"T": 2, "Z": 3, "Y": 300, "X": 260}
    shape = tuple(length[axis] for axis in axes)
    labels = (np.arange(np.prod(shape)) % (count + 1)).astype(np.uint32).reshape(shape)
    all_axes = (length["T"] if "T" in axes else 1, 1, length["Z"] if "Z" in axes else 1)
    image = image_of((*all_axes, 300, 260), pixel_size_um=(2.0, 0.5, 0.25))
    save_all(tmp_path / "a", labels, None, ["tif"], image=image)
    path = tmp_path / "a_cp_masks.tif"
    with tifffile.TiffFile(path) as tiff:
        known = tiff.imagej_metadata
        assert tiff.is_imagej
        assert (tiff.series[0].kind, tiff.series[0].axes) == ("imagej", axes)
        assert tiff.series[0].dtype == (np.uint16 if count == 2 else np.uint32)
        across = tiff.pages[0].tags["XResolution"].value
        along = tiff.pages[0].tags["YResolution"].value
    assert known["hyperstack"]
    assert (known.get("frames", 1), known.get("slices", 1)) == all_axes[::2]
    assert known["images"] == all_axes[0] * all_axes[2]
    assert (known["unit"], known.get("spacing")) == ("um", 2.0 if "Z" in axes else None)
    assert (across[0] / across[1], along[0] / along[1]) == (4, 2)
    read = read_masks(path)
    np.testing.assert_array_equal(read.labels, labels)
    np.testing.assert_array_equal(tifffile.imread(path), labels)


def test_masks_of_pixels_of_no_known_size_have_none_in_imagej(save, tmp_path):
    save(tmp_path, TWO, ["tif"])
    with tifffile.TiffFile(tmp_path / "a_cp_masks.tif") as tiff:
        assert "unit" not in tiff.imagej_metadata


def test_masks_without_cells_are_saved_empty(save, tmp_path):
    written = save(tmp_path, TWO * 0, OF_PLANES)
    assert len(written) == len(OF_PLANES) - 1
    assert "a_rois.zip" not in {path.name for path in written}
    for path in written[:7]:
        np.testing.assert_array_equal(read_masks(path).labels, TWO * 0)
    assert written[7].read_bytes() == b""


def test_regions_and_table_of_an_earlier_export_go_when_they_are_untrue(save, tmp_path):
    assert save(tmp_path, GAPS, ["tif", "rois"])[-1].name == f"a{IDS_ENDING}"
    save(tmp_path, TWO * 0, ["tif", "rois"])
    assert list(files_in(tmp_path)) == ["a_cp_masks.tif"]


def test_regions_alone_keep_their_ids_and_need_no_table(save, tmp_path):
    save(tmp_path, GAPS, ["rois"])
    assert list(files_in(tmp_path)) == ["a_rois.zip"]
    regions = roifile.roiread(tmp_path / "a_rois.zip")
    assert [region.name for region in regions] == ["5", "10"]


@pytest.mark.parametrize(
    ("axes", "channels", "position"),
    [
        ("ZYX", 1, (2, 0, 0)),
        ("TYX", 1, (2, 0, 0)),
        ("ZYX", 2, (0, 2, 0)),
        ("TYX", 2, (0, 0, 2)),
        ("TZYX", 1, (0, 2, 2)),
    ],
)
def test_regions_stand_where_imagej_looks_for_them(
    save, tmp_path, axes, channels, position
):
    labels = np.zeros((2,) * (len(axes) - 2) + TWO.shape, np.uint32)
    labels[(1,) * (len(axes) - 2)] = TWO
    save(tmp_path, labels, ["rois"], axes, channels)
    for region in roifile.roiread(tmp_path / "a_rois.zip"):
        found = (region.position, region.z_position, region.t_position)
        assert found == position


def blobs() -> np.ndarray:
    """Labels of round cells, some at the border, one in two parts."""
    labels = np.zeros((80, 90), np.uint8)
    for cell, (x, y) in enumerate([(0, 40), (30, 30), (60, 79), (50, 10)], start=1):
        cv2.circle(labels, (x, y), 9, cell, -1)
    cv2.circle(labels, (75, 50), 4, 2, -1)
    return labels.astype(np.uint32)


def lines_of(path: Path) -> list[np.ndarray]:
    """Return the points of each line, read like Cellpose's macro for ImageJ does."""
    lines = path.read_text().splitlines()
    points = [[int(number) for number in line.split(",")] for line in lines]
    return [np.array(list(zip(p[::2], p[1::2], strict=True))) for p in points]


def test_outlines_are_those_of_cellpose(save, tmp_path, cellpose_io):
    from cellpose.utils import outlines_list

    save(tmp_path, blobs(), ["outlines"])
    theirs = tmp_path / "theirs"
    cellpose_io.outlines_to_text(str(theirs), outlines_list(blobs()))
    ours = (tmp_path / "a_cp_outlines.txt").read_text()
    assert ours == (tmp_path / "theirs_cp_outlines.txt").read_text()


def test_outlines_enclose_their_cells(save, tmp_path):
    labels = blobs()
    labels[40:60, 70:] = 0  # the second part of cell 2
    save(tmp_path, labels, ["outlines"])
    drawn = np.zeros(labels.shape, np.uint8)
    for cell, line in enumerate(lines_of(tmp_path / "a_cp_outlines.txt"), start=1):
        cv2.fillPoly(drawn, [line], cell)
    np.testing.assert_array_equal(drawn, labels)


def test_cells_too_small_for_an_outline_have_the_corners_of_their_pixels(
    save, tmp_path
):
    labels = cells([[4, 0, 0, 0, 0], [0, 0, 6, 6, 0], [8, 8, 0, 0, 0]])
    labels = np.pad(labels, ((0, 9), (0, 0)))
    labels[6:12] = 9
    save(tmp_path, labels, ["outlines"])
    lines = lines_of(tmp_path / "a_cp_outlines.txt")
    assert [line.tolist() for line in lines[:3]] == [
        [[0, 0], [1, 0], [1, 1], [0, 1]],
        [[2, 1], [4, 1], [4, 2], [2, 2]],
        [[0, 2], [2, 2], [2, 3], [0, 3]],
    ]
    assert len(lines) == 4


SHORT_OF_SPACE = """
import resource, sys
from pathlib import Path
import numpy as np
from cellpose_studio.core.errors import CannotSave, ImageUnreadable
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.io.masks.export import save_all
from cellpose_studio.io.masks.export_formats import FORMATS
folder = Path(sys.argv[1])
labels = np.random.default_rng(0).integers(0, 300, (60, 60)).astype(np.uint32)
class Noise:
    def read(self, region):
        return np.random.default_rng(0).integers(0, 255, (1, 1, 1, 60, 60), "u1")
image = ImageSource(path=folder / "a.tif", scene="", shape=(1, 1, 1, 60, 60),
                    dtype=np.dtype("u1"), file_axes="YX",
                    pixel_size_um=(None, None, None), channel_names=("Channel 1",),
                    rgb=False, fingerprint="", reader=Noise())
kinds = [name for name, form in FORMATS.items() if not form.needs_time]
save_all(folder / "warm", labels, None, kinds, image=image)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
for kind in kinds:
    try:
        save_all(folder / "a", labels, None, [kind], image=image)
    except CannotSave as error:
        print(error.message)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on files on Windows")
def test_without_space_every_old_file_stays_and_no_part_is_left(tmp_path):
    forms = [form for form in FORMATS.values() if not form.needs_time]
    old = {}
    for form in forms:
        path = form.path(tmp_path / "a")
        if form.folder:
            path.mkdir()
            path /= "zarr.json"
        path.write_bytes(form.ending.encode())
        old[str(path.relative_to(tmp_path))] = form.ending.encode()
    ran = subprocess.run(
        [sys.executable, "-c", SHORT_OF_SPACE, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.splitlines() == [
        f"a{form.ending} could not be saved: the disk takes no file as large as this."
        for form in forms
    ]
    left = [p for p in tmp_path.rglob("*") if p.is_file()]
    left = {str(path.relative_to(tmp_path)): path.read_bytes() for path in left}
    assert {n: c for n, c in left.items() if not n.startswith("warm")} == old


class Gone:
    """Stands for the pixels of a file that is no longer there."""

    def read(self, _):
        raise ImageUnreadable("a.tif does not exist.")


@pytest.mark.parametrize("kind", ["ome-zarr", "ome-zarr-0.4"])
def test_an_image_that_is_gone_leaves_what_was_exported(save, tmp_path, kind):
    (path,) = save(tmp_path, TWO, [kind])
    before = sorted(path.rglob("*"))
    image = replace(image_of((1, 1, 1, 2, 4), path=tmp_path / "a.tif"), reader=Gone())
    with pytest.raises(ImageUnreadable, match=r"a\.tif does not exist"):
        save_all(tmp_path / "a", TWO, None, [kind], image=image)
    assert sorted(path.rglob("*")) == before
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize(("kind", "old"), [("ome-zarr", "0/9"), ("ctc", "mask999.tif")])
def test_a_folder_replaces_an_earlier_one_and_no_file(save, tmp_path, kind, old):
    labels = np.stack([TWO, TWO])
    (path,) = save(tmp_path, labels, [kind], "TYX")
    (path / old).touch()
    assert save(tmp_path, labels, [kind], "TYX") == [path]
    assert not (path / old).exists()
    assert [*tmp_path.iterdir()] == [path]
    path.rename(tmp_path / "moved")
    path.write_text("mine")
    with pytest.raises(CannotSave, match="there is a file of that name"):
        save(tmp_path, labels, [kind], "TYX")
    assert path.read_text() == "mine"


def test_a_file_that_fails_does_not_keep_the_others(save, tmp_path):
    (tmp_path / "a_seg.npy").mkdir()
    with pytest.raises(CannotSave, match=r"a_seg\.npy could not be saved: there is a"):
        save(tmp_path, TWO, ["tif", "png", "npy", "rois"])
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "a_cp_masks.png",
        "a_cp_masks.tif",
        "a_rois.zip",
        "a_seg.npy",
    ]
