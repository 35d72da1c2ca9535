from __future__ import annotations

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tifffile

import cellpose_studio
from cellpose_studio.core.errors import ImageUnreadable
from cellpose_studio.io.images.reader import (
    IMAGE_FILES,
    has_image_suffix,
    open_images,
)
from cellpose_studio.io.images.vendor.czi_process import PROCESS, CziProcess
from cellpose_studio.io.images.vendor.formats import ENDINGS
from cellpose_studio.io.masks.folders import scan_folder
from cellpose_studio.workflows.left_out import left_out_of
from tests import vendor_samples as samples

GREEN, BLUE, RED = (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0)


def oib(path):
    scratch = path.with_name("scratch")
    scratch.mkdir()
    pixels = samples.write_oib(path, scratch)
    shutil.rmtree(scratch)
    return pixels


# Writer, axes of what it returns, size of a pixel, names and colours of channels.
KINDS = {
    "a.czi": (
        samples.write_czi,
        "TCZYX",
        (0.3, 0.1, 0.1),
        ("DAPI", "GFP"),
        (BLUE, GREEN),
    ),
    "a.nd2": (
        lambda path: samples.write_nd2(path, "ZT"),
        "ZTYXC",
        (1.5, 0.25, 0.25),
        ("DAPI", "GFP"),
        (BLUE, GREEN),
    ),
    "a.lif": (
        lambda path: samples.write_lif(path, ("one",)),
        "TZCYX",
        (0.5, 0.1, 0.1),
        ("Green", "Magenta"),
        (GREEN, (1, 0, 1)),
    ),
    "a.oif": (
        samples.write_oif,
        "CZYX",
        (1.0, 0.25, 0.2),
        ("DAPI", "Alexa 488"),
        (),
    ),
    "a.oib": (oib, "CZYX", (1.0, 0.25, 0.2), ("DAPI", "Alexa 488"), ()),
    "a.ims": (
        samples.write_ims,
        "TCZYX",
        (1.5, 0.25, 0.2),
        ("DAPI", "GFP"),
        (BLUE, GREEN),
    ),
    "a.lsm": (
        samples.write_lsm,
        "ZCYX",
        (1.5, 0.25, 0.2),
        ("DAPI", "GFP", "Cy5"),
        (BLUE, GREEN, RED),
    ),
    "a.stk": (samples.write_stk, "ZYX", (1.5, 0.25, 0.2), ("Channel 1",), ()),
}


def read_all(path):
    for image in open_images(path):
        image.volume(0, range(image.channels))


@pytest.mark.parametrize("name", KINDS)
def test_each_format_gives_its_pixels_sizes_names_and_colours(tmp_path, name):
    write, axes, size, names, colours = KINDS[name]
    pixels = samples.ordered(write(tmp_path / name), axes)
    image = open_images(tmp_path / name)[0]
    assert image.shape == pixels.shape
    assert image.dtype == pixels.dtype
    for t in range(image.frames):
        volume = image.volume(t, range(image.channels))
        assert np.array_equal(volume, pixels[t])
    # A part of a plane, in a stack of it.
    part = (slice(0, 1), slice(0, 1), slice(1, 3), slice(3, 9), slice(5, 17))
    assert np.array_equal(image.reader.read(part), pixels[part])
    assert image.pixel_size_um == pytest.approx(size)
    assert image.channel_names == names
    assert image.channel_colours == colours
    assert not image.notes


@pytest.mark.parametrize("name", KINDS)
def test_files_are_not_kept_open(tmp_path, name):
    KINDS[name][0](tmp_path / name)
    image = open_images(tmp_path / name)[0]
    image.plane(0, 0, 0)
    handles = Path("/proc/self/fd")
    if not handles.is_dir():
        pytest.skip("this system does not list them")
    open_ones = [str(handle.resolve()) for handle in handles.iterdir()]
    assert not [path for path in open_ones if str(tmp_path) in path]


@pytest.mark.parametrize("name", [*KINDS, "empty.czi", "text.nd2"])
def test_damaged_files_are_refused_in_one_sentence(tmp_path, name):
    path = tmp_path / name
    if name in KINDS:
        KINDS[name][0](path)
        last = path.with_name("a.oif.files") / "s_C002Z003.tif"
        damaged = last if last.exists() else path
        content = damaged.read_bytes()
        damaged.write_bytes(content[: len(content) // 2])
    else:
        path.write_bytes(b"" if name == "empty.czi" else b"some text")
    with pytest.raises(ImageUnreadable) as refused:
        read_all(path)
    assert refused.value.message.count(". ") == 0
    assert path.name in refused.value.message


@pytest.mark.parametrize("name", ["a.czi", "a.nd2", "a.oib", "a.ims"])
def test_several_threads_read_one_file(tmp_path, name):
    write, axes, *_ = KINDS[name]
    pixels = samples.ordered(write(tmp_path / name), axes)
    image = open_images(tmp_path / name)[0]
    wanted = [p for p in np.ndindex(image.shape[:3]) for _ in range(3)]
    with ThreadPoolExecutor(4) as pool:
        planes = list(pool.map(lambda p: image.plane(*p), wanted))
    assert all(
        np.array_equal(a, pixels[p]) for a, p in zip(planes, wanted, strict=True)
    )


def test_an_ims_that_is_not_in_chunks_is_read(tmp_path):
    pixels = samples.write_ims(tmp_path / "a.ims", chunked=False)
    (image,) = open_images(tmp_path / "a.ims")
    assert np.array_equal(image.plane(1, 1, 2), pixels[1, 1, 2])


def test_scenes_of_a_czi_are_images_and_their_tiles_one(tmp_path):
    pixels = samples.write_czi(tmp_path / "a.czi", compression="zstd1:")
    images = open_images(tmp_path / "a.czi")
    assert [image.scene for image in images] == ["Scene 1", "Scene 2"]
    for n, image in enumerate(images):
        assert np.array_equal(image.plane(1, 1, 2), pixels[1, 1, 2] + n)


def test_a_part_of_a_film_in_a_czi_starts_where_it_does(tmp_path):
    from pylibCZIrw import czi

    with czi.create_czi(str(tmp_path / "a.czi")) as file:
        for t, c in [(5, 1), (6, 1), (6, 2)]:
            plane = np.full((10, 12, 1), 10 * t + c, np.uint16)
            file.write(plane, plane={"T": t, "C": c})
    (image,) = open_images(tmp_path / "a.czi")
    assert image.shape == (2, 2, 1, 10, 12)
    planes = [image.plane(t, c, 0).max() for t in (0, 1) for c in (0, 1)]
    assert planes == [51, 0, 61, 62]
    assert "3 of 4 planes" in image.notes[0]


def test_channels_in_colour_are_images_of_their_own_beside_others(tmp_path):
    from pylibCZIrw import czi

    with czi.create_czi(str(tmp_path / "a.czi")) as file:
        file.write(np.full((10, 12, 1), 3, np.uint8), plane={"C": 0})
        file.write(np.full((10, 12, 1), 3000, np.uint16), plane={"C": 1})
        # The library wants blue first.
        colours = np.full((10, 12, 3), [3, 2, 1], np.uint8)
        file.write(colours, plane={"C": 2})
        file.write_metadata(channel_names={0: "DAPI", 1: "GFP", 2: "Field"})
    grey, field = open_images(tmp_path / "a.czi")
    assert grey.channel_names == ("DAPI", "GFP")
    assert [grey.plane(0, c, 0).max() for c in (0, 1)] == [3, 3000]
    assert field.rgb
    assert field.scene.endswith("Field")
    assert [field.plane(0, c, 0).max() for c in range(3)] == [1, 2, 3]


def test_colours_of_a_czi_are_red_green_blue(tmp_path):
    pixels = samples.write_colour_czi(tmp_path / "a.czi")
    (image,) = open_images(tmp_path / "a.czi")
    assert image.rgb
    assert np.array_equal(image.volume(0, range(3))[:, 0], np.moveaxis(pixels, -1, 0))


def test_a_czi_that_ends_its_reader_does_not_end_us(tmp_path):
    path = tmp_path / "a.czi"
    samples.write_czi(path)
    # A harmless stand-in for libCZI, which ends with some damaged files.
    dying = CziProcess([sys.executable, "-c", "import os; os.abort()"])
    with pytest.raises(ImageUnreadable, match="damaged"):
        dying.describe(path)
    hanging = CziProcess([sys.executable, "-c", "import time; time.sleep(60)"], 0.2)
    with pytest.raises(ImageUnreadable, match=r"has not answered for 0\.2 s"):
        hanging.describe(path)
    absent = CziProcess([str(tmp_path / "none")])
    with pytest.raises(ImageUnreadable, match="does not start"):
        absent.describe(path)
    for process in (dying, hanging, absent):
        process.close()


def test_a_library_that_is_missing_is_named(tmp_path, monkeypatch):
    samples.write_lif(tmp_path / "a.lif")
    monkeypatch.setitem(sys.modules, "liffile", None)
    with pytest.raises(ImageUnreadable, match="liffile is missing"):
        open_images(tmp_path / "a.lif")


def test_a_library_that_the_other_process_misses_is_named(tmp_path):
    samples.write_czi(tmp_path / "a.czi")
    code = (
        "import sys; sys.modules['pylibCZIrw'] = None\n"
        "from cellpose_studio.io.images.vendor.czi_child import main; main()"
    )
    process = CziProcess([sys.executable, "-c", code])
    with pytest.raises(ModuleNotFoundError) as missing:
        process.describe(tmp_path / "a.czi")
    assert missing.value.name == "pylibCZIrw.czi"
    process.close()


def test_the_reader_of_czi_is_started_again(tmp_path):
    samples.write_czi(tmp_path / "a.czi")
    (image, _) = open_images(tmp_path / "a.czi")
    before = image.plane(0, 0, 0)
    PROCESS.close()
    assert np.array_equal(image.plane(0, 0, 0), before)


def test_the_reader_of_czi_runs_nothing_of_the_current_folder(tmp_path, monkeypatch):
    samples.write_czi(tmp_path / "a.czi")
    (tmp_path / "json.py").write_text("raise SystemExit")
    monkeypatch.setenv("PYTHONPATH", str(Path(cellpose_studio.__file__).parents[1]))
    monkeypatch.chdir(tmp_path)
    process = CziProcess()
    assert process.describe(Path("a.czi"))
    process.close()


def test_positions_of_an_nd2_are_images_named_after_the_wells(tmp_path):
    pixels = samples.write_nd2(tmp_path / "a.nd2", "TPZ")
    images = open_images(tmp_path / "a.nd2")
    assert [image.scene for image in images] == ["well 1", "well 2"]
    for p, image in enumerate(images):
        assert np.array_equal(image.plane(1, 1, 2), pixels[1, p, 2, :, :, 1])


def test_colours_of_an_nd2_come_last(tmp_path):
    pixels = samples.write_nd2(tmp_path / "a.nd2", "", colour=True)
    (image,) = open_images(tmp_path / "a.nd2")
    assert image.rgb
    assert image.file_axes == "YXS"
    assert np.array_equal(image.volume(0, [0, 1, 2])[:, 0], np.moveaxis(pixels, -1, 0))


def test_an_nd2_that_was_stopped_says_so(tmp_path):
    samples.write_nd2(tmp_path / "a.nd2", "TZ", taken=4)
    (image,) = open_images(tmp_path / "a.nd2")
    assert "4 of 6 frames" in image.notes[0]
    assert image.plane(1, 0, 0).any()
    assert not image.plane(1, 0, 2).any()


def test_tiles_of_a_lif_are_images(tmp_path):
    pixels = samples.write_lif(tmp_path / "a.lif", ("field",), tiles=2)
    images = open_images(tmp_path / "a.lif")
    assert [image.scene for image in images] == ["field Tile 1", "field Tile 2"]
    assert np.array_equal(images[1].plane(1, 1, 2), pixels[1, 2, 1] + 7)


def test_an_oif_without_its_folder_names_it(tmp_path):
    samples.write_oif(tmp_path / "a.oif")
    shutil.rmtree(tmp_path / "a.oif.files")
    with pytest.raises(ImageUnreadable, match=r"a\.oif\.files"):
        open_images(tmp_path / "a.oif")


def test_an_oif_whose_folder_holds_the_wrong_files_says_what_to_do(tmp_path):
    samples.write_oif(tmp_path / "a.oif")
    folder = tmp_path / "a.oif.files"
    shutil.copy(folder / "s_C002Z003.tif", folder / "s_C2Z3.tif")
    with pytest.raises(ImageUnreadable, match="several files for the same") as raised:
        open_images(tmp_path / "a.oif")
    assert "out of its folder" in raised.value.hint
    for file in folder.iterdir():
        file.unlink()
    with pytest.raises(ImageUnreadable, match="no pixels") as raised:
        open_images(tmp_path / "a.oif")
    assert "with its folder" in raised.value.hint


def test_an_oif_is_another_image_if_its_pixels_are_others(tmp_path):
    samples.write_oif(tmp_path / "a.oif")
    before = open_images(tmp_path / "a.oif")[0].fingerprint
    last = tmp_path / "a.oif.files" / "s_C002Z003.tif"
    shutil.copy(last.with_name("s_C001Z001.tif"), last)
    assert open_images(tmp_path / "a.oif")[0].fingerprint != before


def test_the_folder_of_an_oif_is_not_left_out(tmp_path):
    samples.write_oif(tmp_path / "a.oif")
    (tmp_path / "b.oif.files").mkdir()
    (entry,) = scan_folder(tmp_path)
    left = left_out_of(tmp_path, [entry.image])
    assert [path.name for path in left.folders] == ["b.oif.files"]


def test_an_oif_that_was_stopped_says_so(tmp_path):
    samples.write_oif(tmp_path / "a.oif")
    (tmp_path / "a.oif.files" / "s_C002Z003.tif").unlink()
    (image,) = open_images(tmp_path / "a.oif")
    assert "1 of 6 planes" in image.notes[0]
    assert not image.plane(0, 1, 2).any()


def test_an_oib_whose_sectors_go_round_in_circles_is_refused(tmp_path):
    path = tmp_path / "a.oib"
    oib(path)
    content = bytearray(path.read_bytes())
    directory, table = (int.from_bytes(content[n : n + 4], "little") for n in (48, 76))
    at = 512 * (table + 1) + 4 * directory
    content[at : at + 4] = content[48:52]
    path.write_bytes(content)
    with pytest.raises(ImageUnreadable, match="damaged"):
        open_images(path)


def test_planes_of_an_stk_that_nothing_tells_apart_are_asked_for(tmp_path):
    samples.write_stk(tmp_path / "a.stk", distance=0)
    with tifffile.TiffFile(tmp_path / "a.stk") as tiff:
        assert tiff.series[0].axes == "TYX"
    assert open_images(tmp_path / "a.stk")[0].frames == 3


def test_microscope_files_have_the_names_of_images(tmp_path):
    for ending in ENDINGS:
        assert has_image_suffix(f"a{ending.upper()}")
        assert f"*{ending}" in IMAGE_FILES.split()


@pytest.mark.parametrize("name", ["fly_pos002_3ch", "mouse_embryo_16cell"])
def test_a_czi_is_its_twin(name, shared_data):
    folder = shared_data / "formats"
    (czi,), (twin,) = (
        open_images(folder / f"{name}{end}") for end in (".czi", ".ome.tif")
    )
    assert czi.channel_names == twin.channel_names
    assert czi.pixel_size_um == twin.pixel_size_um
    # Of the first, the CZI holds a corner.
    rows, columns = czi.shape[-2:]
    expected = twin.volume(0, range(twin.channels))[..., :rows, :columns]
    assert np.array_equal(czi.volume(0, range(czi.channels)), expected)


def test_a_real_lif_scanned_along_other_axes(shared_data):
    path = shared_data / "formats" / "xz-example.lif"
    images = open_images(path)
    shapes = [image.shape for image in images]
    assert shapes == [(20, 2, 1, 128, 128), (1, 2, 23, 128, 128), (1, 2, 1, 512, 512)]
    assert images[1].pixel_size_um == pytest.approx((0.22906, 0.14028, 0.14028), 1e-4)
    assert all("its rows run along Z" in image.notes[0] for image in images)
    import liffile

    with liffile.LifFile(path) as file:
        stack = file.images[1].asarray()
    assert np.array_equal(images[1].volume(0, [0, 1]), np.moveaxis(stack, 1, 0))
