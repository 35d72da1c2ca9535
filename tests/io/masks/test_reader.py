from __future__ import annotations

import subprocess
import sys

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellpose_studio.core.errors import MasksUnreadable
from cellpose_studio.io.masks.reader import read_masks

CELLS = np.array([[0, 3, 3, 0], [7, 7, 0, 300]])


def stack(*shape: int) -> np.ndarray:
    """Labels in which every pixel is another cell."""
    return np.arange(np.prod(shape)).reshape(shape)


@pytest.mark.parametrize("dtype", ["u1", "i1", "<u2", ">u2", "i4", ">u4", "i8", "u8"])
def test_ids_are_read_as_they_are(tmp_path, dtype):
    labels = CELLS.clip(0, 100).astype(dtype)
    tifffile.imwrite(tmp_path / "a_masks.tif", labels)
    masks = read_masks(tmp_path / "a_masks.tif")
    assert masks.labels.dtype == np.uint32
    assert masks.labels.tolist() == labels.tolist()
    assert masks.flows is None


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_whole_numbers_may_be_floats(tmp_path, dtype):
    tifffile.imwrite(tmp_path / "a.tif", CELLS.astype(dtype))
    assert read_masks(tmp_path / "a.tif").labels.tolist() == CELLS.tolist()


def test_one_cell_may_be_true_pixels(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", CELLS > 0)
    assert read_masks(tmp_path / "a.tif").labels.tolist() == (CELLS > 0).tolist()


@pytest.mark.parametrize("dtype", ["u1", "u2"])
@pytest.mark.parametrize("name", ["a_masks.png", "A_MASKS.PNG"])
def test_a_png_is_read(tmp_path, dtype, name):
    labels = CELLS.clip(0, 100).astype(dtype)
    (tmp_path / name).write_bytes(imagecodecs.png_encode(labels))
    assert read_masks(tmp_path / name).labels.tolist() == labels.tolist()


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8", "f4"])
def test_what_nobody_has_annotated_is_no_cell(tmp_path, dtype):
    """StarDist, and others, mark it by -1; all other numbers stay as they are."""
    tifffile.imwrite(tmp_path / "a.tif", np.array([[-1, 0], [5, 127]], dtype))
    masks = read_masks(tmp_path / "a.tif")
    assert masks.labels.tolist() == [[0, 0], [5, 127]]
    assert masks.unlabelled.tolist() == [[True, False], [False, False]]
    [note] = masks.notes
    assert note == (
        "a.tif marks 25% of the pixels as not annotated (-1); they are shown as "
        "background, and ignored in training."
    )


def test_of_other_masks_there_is_nothing_to_say(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", CELLS.astype(np.uint16))
    masks = read_masks(tmp_path / "a.tif")
    assert masks.unlabelled is None
    assert masks.notes == ()


def test_signed_pixels_of_imagej_are_what_imagej_shows(tmp_path):
    """It writes them as unsigned ones, and -32768 into the calibration."""
    stored = (CELLS + 32768).astype(np.uint16)
    description = "ImageJ=1.54f\ncf=0\nc0=-32768.0\nc1=1.0\nvunit=Gray Value\n"
    path = tmp_path / "a_masks.tif"
    tifffile.imwrite(path, stored, description=description, metadata=None)
    assert read_masks(path).labels.tolist() == CELLS.tolist()
    stored[0, 0] = 32767
    tifffile.imwrite(path, stored, description=description, metadata=None)
    assert read_masks(path).unlabelled.sum() == 1


def test_a_calibration_of_brightness_leaves_labels_as_they_are(tmp_path):
    description = "ImageJ=1.54f\ncf=0\nc0=12.5\nc1=0.25\nvunit=OD\n"
    path = tmp_path / "a_masks.tif"
    pixels = CELLS.astype(np.uint16)
    tifffile.imwrite(path, pixels, description=description, metadata=None)
    assert read_masks(path).labels.tolist() == CELLS.tolist()


@pytest.mark.parametrize("value", [1, 255, 65535])
def test_one_number_for_all_cells_is_noticed(tmp_path, value):
    parts = np.zeros((20, 20), np.uint16)
    parts[1::4, 1::4] = value
    tifffile.imwrite(tmp_path / "a.tif", parts)
    masks = read_masks(tmp_path / "a.tif")
    assert masks.foreground_only
    assert masks.notes == (
        f"a.tif holds 0 and {value} only: it says where cells are, but not which "
        "pixels belong to which cell.",
    )


@pytest.mark.parametrize("value", [0, 1, 2, 255])
def test_a_single_cell_is_a_cell(tmp_path, value):
    one = np.zeros((20, 20), np.uint8)
    one[3:9, 3:9] = value
    tifffile.imwrite(tmp_path / "a.tif", one)
    assert not read_masks(tmp_path / "a.tif").foreground_only


def appended(path, planes, **how):
    for n, plane in enumerate(planes):
        tifffile.imwrite(path, plane, append=n > 0, **how)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("metadata", [{}, None])
def test_planes_that_were_written_one_by_one_are_a_stack(
    tmp_path, compression, metadata
):
    labels = stack(5, 20, 30).astype(np.uint16)
    how = {"compression": compression, "metadata": metadata}
    appended(tmp_path / "a.tif", labels, **how)
    np.testing.assert_array_equal(read_masks(tmp_path / "a.tif").labels, labels)


def test_planes_that_imageio_wrote_are_a_stack(tmp_path):
    imageio = pytest.importorskip("imageio.v2")
    labels = stack(4, 20, 30).astype(np.uint16)
    imageio.mimwrite(tmp_path / "a.tif", list(labels))
    np.testing.assert_array_equal(read_masks(tmp_path / "a.tif").labels, labels)


def test_images_of_different_sizes_are_no_stack(tmp_path):
    appended(tmp_path / "a.tif", [stack(8, 9), stack(7, 9)])
    with pytest.raises(MasksUnreadable, match="holds 2 images of different sizes"):
        read_masks(tmp_path / "a.tif")


def test_transparency_is_no_number_of_a_cell(tmp_path):
    labels = CELLS.clip(0, 100).astype(np.uint8)
    with_alpha = np.stack([labels, np.full_like(labels, 255)], axis=-1)
    tifffile.imwrite(
        tmp_path / "a.tif",
        with_alpha,
        photometric="minisblack",
        planarconfig="contig",
        extrasamples=["unassalpha"],
    )
    assert read_masks(tmp_path / "a.tif").labels.tolist() == labels.tolist()


def png(mode, labels, path, **how):
    """Write what QuPath, labelme and others do, by Pillow."""
    pillow = pytest.importorskip("PIL.Image")
    picture = pillow.fromarray(labels, mode=mode)
    if mode == "P":
        colours = np.random.default_rng(0).integers(0, 256, 768).astype("u1")
        picture.putpalette(how.pop("palette", colours.tobytes()))
    picture.save(path, **how)


GREYS = bytes(n for n in range(256) for _ in "rgb")


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"palette": GREYS},
        {"bits": 4},
        {"bits": 2},
        {"transparency": 0},
        {"transparency": bytes([0, 90])},
    ],
    ids=str,
)
def test_labels_of_a_palette_are_the_numbers_in_the_file(tmp_path, how):
    most = 2 ** how.get("bits", 8) - 1
    labels = (CELLS % (most + 1)).astype(np.uint8)
    png("P", labels, tmp_path / "a_masks.png", **how)
    assert read_masks(tmp_path / "a_masks.png").labels.tolist() == labels.tolist()


@pytest.mark.parametrize("transparency", [None, 0, 7])
def test_grey_labels_with_a_transparent_number_stay(tmp_path, transparency):
    labels = CELLS.clip(0, 100).astype(np.uint8)
    how = {} if transparency is None else {"transparency": transparency}
    png("L", labels, tmp_path / "a_masks.png", **how)
    assert read_masks(tmp_path / "a_masks.png").labels.tolist() == labels.tolist()
    both = np.dstack([labels, labels % 2 * 255])
    png("LA", both, tmp_path / "b_masks.png")
    assert read_masks(tmp_path / "b_masks.png").labels.tolist() == labels.tolist()


def test_labels_of_one_bit_are_0_and_1(tmp_path):
    pillow = pytest.importorskip("PIL.Image")
    pillow.fromarray(CELLS > 0).save(tmp_path / "a_masks.png")
    assert read_masks(tmp_path / "a_masks.png").labels.tolist() == (CELLS > 0).tolist()


def test_labels_of_a_tiff_with_a_palette_are_the_numbers_in_the_file(tmp_path):
    labels = CELLS.clip(0, 100).astype(np.uint8)
    colours = np.random.default_rng(0).integers(0, 65535, (3, 256)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", labels, colormap=colours)
    assert read_masks(tmp_path / "a.tif").labels.tolist() == labels.tolist()


outer = st.lists(st.integers(1, 5), max_size=2)
# Of a line of pixels a TIFF without names of its axes does not say which way it runs.
shapes = st.builds(lambda a, b: (*a, *b), outer, st.tuples(*[st.integers(2, 6)] * 2))
labels = hnp.arrays(st.sampled_from(["u1", "u2", "u4"]), shapes)


@given(labels=labels, named=st.booleans())
def test_any_stack_comes_back_without_outer_axes_of_length_one(
    tmp_path_factory, labels, named
):
    path = tmp_path_factory.mktemp("tif") / "a_cp_masks.tif"
    axes = {"axes": ("YX", "ZYX", "TZYX")[labels.ndim - 2]} if named else {}
    tifffile.imwrite(path, labels, photometric="minisblack", metadata=axes)
    outer = [n for n in labels.shape[:-2] if n > 1]
    expected = labels.reshape(*outer, *labels.shape[-2:])
    np.testing.assert_array_equal(read_masks(path).labels, expected)


@pytest.mark.parametrize("planes", [2, 3, 4, 5, 12])
def test_a_stack_that_cellpose_wrote_is_no_colour_picture(
    tmp_path, cellpose_io, planes
):
    labels = stack(planes, 20, 30).astype(np.uint16)
    image, flows = np.zeros((planes, 20, 30)), [None] * 3
    file = str(tmp_path / "a.tif")
    cellpose_io.save_masks(image, labels, flows, file, png=False, tif=True)
    read = read_masks(tmp_path / "a_cp_masks.tif").labels
    np.testing.assert_array_equal(read, labels)


def test_a_plane_that_cellpose_wrote_is_read(tmp_path, cellpose_io):
    labels = stack(20, 30).astype(np.uint16)
    file = str(tmp_path / "a.tif")
    cellpose_io.save_masks(np.zeros((20, 30)), labels, [None] * 3, file, tif=True)
    for ending in ("tif", "png"):
        read = read_masks(tmp_path / f"a_cp_masks.{ending}").labels
        np.testing.assert_array_equal(read, labels)


@pytest.mark.parametrize("axes", ["TZYX", "ZTYX", "TZCYX", "CZTYX"])
def test_time_comes_before_planes(tmp_path, axes):
    labels = stack(2, 3, 4, 5).astype(np.uint16)  # TZYX
    written = labels if "TZ" in axes else labels.swapaxes(0, 1)
    if "C" in axes:
        written = np.expand_dims(written, axes.index("C"))
    path = tmp_path / "a_masks.ome.tif"
    tifffile.imwrite(path, written, ome=True, metadata={"axes": axes})
    np.testing.assert_array_equal(read_masks(path).labels, labels)


@pytest.mark.parametrize(
    "how",
    [
        {"imagej": True, "metadata": {"axes": "ZYX"}},
        {"compression": "lzw"},
        {"bigtiff": True, "byteorder": ">"},
        {"tile": (16, 16)},
        {"rowsperstrip": 3},
    ],
)
def test_tiffs_of_all_kinds_are_read(tmp_path, how):
    labels = stack(5, 20, 30).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", labels, **how)
    np.testing.assert_array_equal(read_masks(tmp_path / "a.tif").labels, labels)


def test_real_masks_are_read(shared_data):
    for path in sorted(shared_data.glob("*/*_masks.tif"))[::10]:
        np.testing.assert_array_equal(read_masks(path).labels, tifffile.imread(path))


RGB = np.zeros((8, 9, 3), np.uint8)

REFUSED = {
    "fractions": (CELLS / 2, {}, "not all of its values are whole numbers"),
    "missing values": (np.full((4, 4), np.nan), {}, "not all of its values are whole"),
    "infinity": (np.full((4, 4), np.inf), {}, "not all of its values are whole"),
    "negative": (CELLS - 2, {}, "negative"),
    "too large": (CELLS.astype(float) * 1e9, {}, "beyond 4294967295"),
    "complex": (CELLS.astype(complex), {}, "complex"),
    "colours": (RGB, {"photometric": "rgb"}, "is a colour image"),
    "colours by plane": (
        RGB.transpose(2, 0, 1),
        {"photometric": "rgb", "planarconfig": "separate"},
        "is a colour image",
    ),
    "channels": (
        stack(2, 8, 9).astype("u1"),
        {"ome": True, "metadata": {"axes": "CYX"}},
        "has 2 channels",
    ),
    "five axes": (stack(2, 2, 2, 8, 9).astype("u2"), {}, "shape"),
}


@pytest.mark.parametrize("case", REFUSED.keys())
def test_what_is_no_label_image_is_refused_with_the_reason(tmp_path, case):
    pixels, how, reason = REFUSED[case]
    how = {"photometric": "minisblack", **how}
    path = tmp_path / "a_masks.tif"
    tifffile.imwrite(path, pixels, **how)
    with pytest.raises(MasksUnreadable, match=rf"^a_masks\.tif .*{reason}") as raised:
        read_masks(path)
    assert raised.value.message.endswith(".")
    assert raised.value.hint


def test_a_colour_png_is_refused(tmp_path):
    (tmp_path / "a_masks.png").write_bytes(imagecodecs.png_encode(RGB))
    with pytest.raises(MasksUnreadable, match=r"a_masks\.png is a colour image"):
        read_masks(tmp_path / "a_masks.png")


@pytest.mark.parametrize("ending", ["tif", "png"])
@pytest.mark.parametrize("content", [b"", b"II*\0", b"\x89PNG", b"nonsense" * 50])
def test_a_damaged_file_is_refused(tmp_path, ending, content):
    path = tmp_path / f"a_masks.{ending}"
    path.write_bytes(content)
    with pytest.raises(MasksUnreadable, match="is damaged, or not an image"):
        read_masks(path)


@pytest.mark.parametrize("ending", ["tif", "png"])
def test_half_a_file_is_refused(tmp_path, ending):
    path = tmp_path / f"a_masks.{ending}"
    labels = np.random.default_rng(0).integers(0, 999, (99, 99)).astype(np.uint16)
    if ending == "tif":
        tifffile.imwrite(path, labels, compression="zlib")
    else:
        path.write_bytes(imagecodecs.png_encode(labels))
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(MasksUnreadable, match="is damaged, or not an image"):
        read_masks(path)


@pytest.mark.parametrize("name", ["a_masks.tif", "a_masks.png", "a_seg.npy"])
def test_a_missing_file_is_named(tmp_path, name):
    with pytest.raises(MasksUnreadable, match=f"{name} cannot be opened: No such file"):
        read_masks(tmp_path / name)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(MasksUnreadable, match=r"^nowhere does not exist\."):
        read_masks(tmp_path / "nowhere")


def test_another_kind_of_file_is_refused(tmp_path):
    with pytest.raises(MasksUnreadable, match="Masks cannot be read from files like"):
        read_masks(tmp_path / "masks.jpg")


def test_reading_and_writing_files_needs_no_heavy_library():
    program = """
import sys
import cellpose_studio.io.masks.reader, cellpose_studio.workflows.save
heavy = {"napari", "torch", "skimage", "scipy", "cv2", "tifffile", "imagecodecs",
         "zarr", "roifile", "qtpy", "cellpose"}
print(*sorted(heavy & sys.modules.keys()))
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == []
