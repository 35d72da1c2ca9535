from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from cellpose_studio.core.errors import AxesAmbiguous, ImageUnreadable
from cellpose_studio.core.images.image import ChannelPixels, ColourPixels
from cellpose_studio.io.images.reader import (
    IMAGE_FILES,
    IMAGE_SUFFIXES,
    is_image_path,
    open_images,
)

UNKNOWN = (None, None, None)

EMBRYO = ("ZYX", (1, 1, 51, 120, 122), (1.75, 0.8, 0.8))

KNOWN = {
    "3d_nuclei_mouse_embryo/mouse_embryo_16cell.tif": (*EMBRYO, ["Channel 1"]),
    "3d_nuclei_plant/plant_ovule_nuclei_1135.tif": (
        "ZYX",
        (1, 1, 100, 100, 100),
        (0.28372, 0.12679, 0.12679),
        ["Channel 1"],
    ),
    "formats/mouse_embryo_16cell.ome.tif": (*EMBRYO, ["H2B-mRFP1"]),
    "formats/mouse_embryo_16cell_v04.ome.zarr": ("CZYX", *EMBRYO[1:], ["H2B-mRFP1"]),
    "formats/mouse_embryo_16cell_v05.ome.zarr": ("CZYX", *EMBRYO[1:], ["H2B-mRFP1"]),
    "formats/ht29_3ch.ome.tif": (
        "CYX",
        (1, 3, 1, 512, 512),
        UNKNOWN,
        ["DNA", "PH3", "cellbody"],
    ),
    "formats/ht29_rgb.png": (
        "YXS",
        (1, 3, 1, 512, 512),
        UNKNOWN,
        ["Red", "Green", "Blue"],
    ),
    "formats/fly_pos002_3ch.ome.tif": (
        "CYX",
        (1, 3, 1, 1006, 1000),
        (None, 0.32, 0.32),
        ["DAPI", "FITC", "Rhodamine"],
    ),
    "formats/drosophila_h2gfp_seq1_tyx.ome.tif": (
        "TYX",
        (6, 1, 1, 264, 542),
        UNKNOWN,
        ["Channel 1"],
    ),
    "formats/IXMtest_A02_s9.tif": (
        "CYX",
        (1, 3, 1, 395, 695),
        UNKNOWN,
        [f"IXMtest_A02_s9_c{n}.tif" for n in (1, 2, 3)],
    ),
}


def whole(image):
    return image.reader.read(tuple(slice(0, n) for n in image.shape))


def in_tczyx(pixels, axes):
    """What an array with some axes is in our order; colours are channels."""
    axes = axes.replace("S", "C")
    pixels = pixels.transpose([axes.index(a) for a in "TCZYX" if a in axes])
    lengths = iter(pixels.shape)
    return pixels.reshape([next(lengths) if a in axes else 1 for a in "TCZYX"])


def peers_reading(path):
    if path.suffix == ".zarr":
        return zarr.open_array(path / "0", mode="r")[...]
    if path.suffix == ".png":
        return np.asarray(Image.open(path))
    return tifffile.imread(path)


@pytest.mark.parametrize("name", KNOWN)
def test_real_files_open_with_what_their_metadata_say(shared_data, name):
    axes, shape, size, names = KNOWN[name]
    (image,) = open_images(shared_data / name)
    assert (image.file_axes, image.shape, image.scene) == (axes, shape, "")
    assert list(image.channel_names) == names
    assert image.pixel_size_um == size
    assert image.rgb == (axes == "YXS")
    pixels = in_tczyx(peers_reading(shared_data / name), axes)
    assert image.dtype == pixels.dtype
    np.testing.assert_array_equal(whole(image), pixels)


def test_all_pairs_for_training_open_without_a_question(shared_data):
    with (shared_data / "manifest.csv").open(newline="") as table:
        rows = [row for row in csv.DictReader(table) if row["image"].startswith("2d_")]
    assert len(rows) > 60
    for row in rows:
        for name in filter(None, (row["image"], row["mask"])):
            (image,) = open_images(shared_data / name)
            pixels = tifffile.imread(shared_data / name)
            axes = "YXS" if pixels.ndim == 3 else "YX"
            np.testing.assert_array_equal(whole(image), in_tczyx(pixels, axes))
            assert image.rgb == (pixels.ndim == 3)


def test_a_real_stack_without_axes_is_asked_about(shared_data):
    path = shared_data / "formats" / "mesospim_c5image.tif"
    with pytest.raises(AxesAmbiguous) as error:
        open_images(path)
    assert error.value.question.shape == (124, 86, 94)
    assert error.value.question.guess == "ZYX"
    (image,) = open_images(path, "ZYX")
    np.testing.assert_array_equal(whole(image)[0, 0], tifffile.imread(path))
    assert image.dtype == np.float32


@pytest.mark.parametrize(
    ("name", "maker"),
    [
        ("a.oir", "Olympus"),
        ("a.VSI", "Olympus"),
        ("a.xlef", "Leica"),
    ],
)
def test_formats_that_cannot_be_read_say_what_to_do(tmp_path, name, maker):
    (tmp_path / name).write_bytes(b"II*\0 of another kind")
    with pytest.raises(ImageUnreadable, match=maker) as error:
        open_images(tmp_path / name)
    assert "Export it as OME-TIFF" in str(error.value)


def test_channels_of_a_real_image_are_indexed_like_arrays(shared_data):
    (image,) = open_images(shared_data / "formats" / "fly_pos002_3ch.ome.tif")
    expected = tifffile.imread(image.path)
    np.testing.assert_array_equal(
        ChannelPixels(image, 2)[100:110, ::-7], expected[2, 100:110, ::-7]
    )


def test_colours_of_a_real_picture_are_indexed_like_arrays(shared_data):
    (image,) = open_images(shared_data / "formats" / "ht29_rgb.png")
    expected = peers_reading(image.path)
    np.testing.assert_array_equal(
        ColourPixels(image)[5:9, 40:2:-3], expected[5:9, 40:2:-3]
    )


@pytest.mark.parametrize(
    "suffix", [".tif", ".tiff", ".TIF", ".png", ".jpg", ".JPEG", ".btf"]
)
def test_images_are_known_by_their_names(tmp_path, suffix):
    assert is_image_path(tmp_path / f"a{suffix}")
    assert suffix.lower() in IMAGE_SUFFIXES
    assert f"*{suffix}" in IMAGE_FILES.split()


@pytest.mark.parametrize("name", ["a.vsi", "a.oir", "a.txt", "a", "tif", "a_seg.npy"])
def test_other_files_are_no_images(tmp_path, name):
    assert not is_image_path(tmp_path / name)


def test_a_folder_is_an_image_only_with_the_metadata_of_one(tmp_path, shared_data):
    (tmp_path / "plain.zarr").mkdir()
    (tmp_path / "pictures.tif").mkdir()
    assert not is_image_path(tmp_path / "plain.zarr")
    assert not is_image_path(tmp_path / "pictures.tif")
    assert is_image_path(shared_data / "formats" / "mouse_embryo_16cell_v04.ome.zarr")
    assert is_image_path(shared_data / "formats" / "mouse_embryo_16cell_v05.ome.zarr")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ImageUnreadable, match=r"gone\.tif does not exist in "):
        open_images(tmp_path / "gone.tif")


def test_a_folder_is_not_opened_as_an_image(tmp_path):
    with pytest.raises(ImageUnreadable, match="without the metadata of an OME-Zarr"):
        open_images(tmp_path)


@pytest.mark.parametrize("name", ["a.tif", "a.ome.tiff", "a.png", "a.jpg"])
def test_an_empty_file_is_called_empty(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(ImageUnreadable, match="is empty"):
        open_images(tmp_path / name)


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.jpeg"])
@pytest.mark.parametrize(
    "content",
    [b"x", b"no image at all", b"II*\0", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"],
)
def test_a_file_that_is_no_image_is_called_damaged(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImageUnreadable, match="is damaged"):
        open_images(tmp_path / name)


def test_a_document_is_no_image(tmp_path):
    (tmp_path / "notes.docx").write_bytes(b"PK\3\4")
    with pytest.raises(
        ImageUnreadable, match="not an image in a supported format"
    ) as error:
        open_images(tmp_path / "notes.docx")
    assert "OME-TIFF" in error.value.hint


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permits reading all")
def test_a_file_that_may_not_be_read_says_so(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 4), np.uint8))
    (tmp_path / "a.tif").chmod(0)
    with pytest.raises(ImageUnreadable, match="Permission denied"):
        open_images(tmp_path / "a.tif")


def test_the_content_counts_not_the_name(tmp_path):
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    tifffile.imwrite(tmp_path / "a.tif", pixels)
    (tmp_path / "a.tif").rename(tmp_path / "a.png")
    (image,) = open_images(tmp_path / "a.png")
    np.testing.assert_array_equal(image.plane(0, 0, 0), pixels)


def test_a_file_that_changes_or_goes_is_noticed_when_it_is_read(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((40, 40), np.uint8))
    (image,) = open_images(path)
    tifffile.imwrite(path, np.zeros((30, 30), np.uint8))
    with pytest.raises(ImageUnreadable, match="has changed since it was opened"):
        image.plane(0, 0, 0)
    path.unlink()
    with pytest.raises(ImageUnreadable, match="can no longer be read: No such file"):
        image.plane(0, 0, 0)


def test_opening_leaves_a_file_as_it_is_and_free(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        np.zeros((3, 40, 40), np.uint8),
        compression="zlib",
        metadata={"axes": "CYX"},
        photometric="minisblack",
    )
    before = path.read_bytes(), path.stat().st_mtime_ns
    (image,) = open_images(path)
    image.volume(0, range(3))
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert path not in _open_files()


def _open_files():
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("open files can be listed on Linux only")
    return [d.readlink() for d in descriptors.iterdir() if d.is_symlink()]


@pytest.mark.parametrize("name", ["a.tif", "a.png", "mapped.tif"])
@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3)])
def test_pixels_belong_to_who_reads_them(tmp_path, name, shape):
    path = tmp_path / name
    pixels = np.full(shape, 7, np.uint8)
    if path.suffix == ".png":
        Image.fromarray(pixels).save(path)
    else:
        compression = "zlib" if name == "a.tif" else None
        photometric = "rgb" if len(shape) == 3 else "minisblack"
        tifffile.imwrite(path, pixels, compression=compression, photometric=photometric)
    (image,) = open_images(path)
    image.plane(0, 0, 0)[...] = 0
    assert (image.plane(0, 0, 0) == 7).all()


def test_the_fingerprint_tells_files_apart(tmp_path):
    pixels = np.zeros((300, 400), np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", pixels)
    tifffile.imwrite(tmp_path / "same.tif", pixels)
    pixels[-1, -1] = 1
    tifffile.imwrite(tmp_path / "other.tif", pixels)
    a, same, other = (
        open_images(tmp_path / f"{name}.tif")[0].fingerprint
        for name in ("a", "same", "other")
    )
    assert a == same != other


def test_importing_the_readers_is_cheap():
    heavy = "napari", "torch", "skimage", "qtpy", "zarr", "imagecodecs", "tifffile"
    code = f"""
import sys, cellpose_studio.io.images.reader
print([m for m in {heavy} if m in sys.modules])
"""
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


@pytest.mark.skipif(sys.platform != "linux", reason="names are text")
def test_a_name_that_is_no_text_is_refused(cells, tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/Zell\xfc.tif"))
    cells("a.tif").rename(path)
    with pytest.raises(ImageUnreadable, match=r"The name of Zell\?\.tif.*Rename it"):
        open_images(path)
