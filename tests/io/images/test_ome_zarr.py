from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from cellpose_studio.core.errors import AxesAmbiguous, ImageUnreadable
from cellpose_studio.io.images.reader import is_image_path, open_images

TYPES = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}


def numbered(*shape):
    return np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)


def multiscale(axes, scale=None, unit="micrometer", more=None):
    described = [
        {
            "name": a,
            "type": TYPES[a],
            **({"unit": unit} if unit and TYPES[a] == "space" else {}),
        }
        for a in axes
    ]
    scales = [{"type": "scale", "scale": list(scale)}] if scale else []
    levels = [{"path": str(n), "coordinateTransformations": scales} for n in range(2)]
    return {"axes": described, "datasets": levels, **(more or {})}


def write(folder, pixels, scales, version, omero=None, **array_options):
    """Write an image of two levels with the metadata of a version."""
    zarr_format = 3 if version == "0.5" else 2
    group = zarr.create_group(folder, zarr_format=zarr_format)
    fill(group, pixels, scales, version, omero, **array_options)
    return folder


def fill(group, pixels, scales, version, omero=None, **array_options):
    ome = {"multiscales": [scales], **({"omero": omero} if omero else {})}
    if version == "0.5":
        group.attrs["ome"] = {"version": version, **ome}
    else:
        scales["version"] = version
        group.attrs.update(ome)
    options = {"chunks": (*[1] * (pixels.ndim - 2), 4, 4), **array_options}
    for level, step in enumerate((1, 2)):
        smaller = pixels[..., ::step, ::step]
        array = group.create_array(
            str(level), shape=smaller.shape, dtype=pixels.dtype, **options
        )
        array[...] = smaller


def in_tczyx(pixels, axes):
    lengths = iter(pixels.shape)
    return pixels.reshape([next(lengths) if a in axes else 1 for a in "tczyx"])


def whole(image):
    return image.reader.read(tuple(slice(0, n) for n in image.shape))


axes_of_images = st.sets(st.sampled_from("tcz")).map(
    lambda chosen: "".join(a for a in "tcz" if a in chosen) + "yx"
)


@settings(max_examples=30)
@given(axes_of_images, st.sampled_from(["0.4", "0.5"]), st.data())
def test_every_choice_of_axes_opens(tmp_path_factory, axes, version, data):
    shape = [data.draw(st.integers(1, 3)) for _ in axes[:-2]] + [9, 7]
    folder = tmp_path_factory.mktemp("zarr") / "a.ome.zarr"
    pixels = numbered(*shape)
    (image,) = open_images(write(folder, pixels, multiscale(axes), version))
    expected = in_tczyx(pixels, axes)
    assert (image.shape, image.file_axes) == (expected.shape, axes.upper())
    np.testing.assert_array_equal(whole(image), expected)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_scales_of_the_level_and_of_all_levels_multiply(tmp_path, version):
    whole_scale = [{"type": "scale", "scale": [5.0, 1.0, 2.0, 10.0, 10.0]}]
    scales = multiscale(
        "tczyx",
        scale=(1, 1, 1.5, 0.25, 0.5),
        unit="nanometer",
        more={"coordinateTransformations": whole_scale},
    )
    scales["datasets"][0]["coordinateTransformations"].append(
        {"type": "translation", "translation": [0, 0, 7, 7, 7]}
    )
    folder = write(tmp_path / "a.zarr", numbered(1, 2, 3, 8, 8), scales, version)
    assert open_images(folder)[0].pixel_size_um == pytest.approx((3e-3, 2.5e-3, 5e-3))


@pytest.mark.parametrize(
    ("scale", "unit"),
    [
        ((1, 1), None),
        ((1, 1), "parsnip"),
        ((0, -1), "micrometer"),
        (None, "micrometer"),
        ((1, 1, 1), "micrometer"),
    ],
)
def test_a_size_that_is_not_given_is_unknown(tmp_path, scale, unit):
    folder = write(
        tmp_path / "a.zarr", numbered(8, 8), multiscale("yx", scale, unit), "0.4"
    )
    assert open_images(folder)[0].pixel_size_um == (None, None, None)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_channels_have_their_names(tmp_path, version):
    omero = {"channels": [{"label": "DAPI"}, {"color": "00FF00"}, {"label": "Cy5"}]}
    folder = write(
        tmp_path / "a.zarr", numbered(3, 8, 8), multiscale("cyx"), version, omero
    )
    assert open_images(folder)[0].channel_names == ("DAPI", "Channel 2", "Cy5")


def test_shards_and_big_endian_are_read(tmp_path):
    pixels = numbered(2, 16, 16)
    folder = write(
        tmp_path / "a.zarr", pixels, multiscale("zyx"), "0.5", shards=(1, 8, 8)
    )
    np.testing.assert_array_equal(whole(open_images(folder)[0])[0, 0], pixels)
    folder = write(tmp_path / "b.zarr", pixels.astype(">u2"), multiscale("zyx"), "0.4")
    (image,) = open_images(folder)
    assert image.dtype.isnative
    np.testing.assert_array_equal(whole(image)[0, 0], pixels)


def test_axes_of_older_versions(tmp_path):
    scales = multiscale("zyx")
    scales["axes"] = ["z", "y", "x"]
    folder = write(tmp_path / "three.zarr", numbered(3, 8, 8), scales, "0.3")
    assert open_images(folder)[0].shape == (1, 1, 3, 8, 8)
    scales = multiscale("tczyx")
    del scales["axes"]
    folder = write(tmp_path / "five.zarr", numbered(2, 3, 4, 8, 8), scales, "0.1")
    assert open_images(folder)[0].shape == (2, 3, 4, 8, 8)


def test_an_axis_of_another_name_is_known_by_its_type_or_asked_about(tmp_path):
    scales = multiscale("cyx")
    scales["axes"][0] = {"name": "wavelength", "type": "channel"}
    folder = write(tmp_path / "a.zarr", numbered(3, 8, 8), scales, "0.4")
    assert open_images(folder)[0].channels == 3
    scales = multiscale("zyx")
    scales["axes"][0] = {"name": "angle"}
    folder = write(tmp_path / "b.zarr", numbered(7, 8, 8), scales, "0.4")
    with pytest.raises(AxesAmbiguous):
        open_images(folder)
    assert open_images(folder, "TYX")[0].frames == 7


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_plate_has_a_scene_for_every_field(tmp_path, zarr_format):
    version = "0.5" if zarr_format == 3 else "0.4"
    root = zarr.create_group(tmp_path / "plate.zarr", zarr_format=zarr_format)
    wells = ["A/1", "B/2"]
    put(root, {"plate": {"wells": [{"path": w} for w in wells]}}, version)
    for w, well in enumerate(wells):
        inside = root.create_group(well)
        put(inside, {"well": {"images": [{"path": "0"}, {"path": "1"}]}}, version)
        for field in range(2):
            pixels = numbered(8, 8) + 10 * w + field
            fill(inside.create_group(str(field)), pixels, multiscale("yx"), version)
    assert is_image_path(tmp_path / "plate.zarr")
    images = open_images(tmp_path / "plate.zarr")
    assert [i.scene for i in images] == ["A/1/0", "A/1/1", "B/2/0", "B/2/1"]
    assert [i.plane(0, 0, 0)[0, 0] for i in images] == [0, 1, 10, 11]


def put(group, ome, version):
    group.attrs.update(
        {"ome": {"version": version, **ome}} if version == "0.5" else ome
    )


@pytest.mark.parametrize("listed", [True, False])
def test_a_converted_file_has_a_scene_for_every_image(tmp_path, listed):
    root = zarr.create_group(tmp_path / "a.zarr", zarr_format=2)
    root.attrs["bioformats2raw.layout"] = 3
    numbers = ["0", "2", "10"]
    if listed:
        root.create_group("OME").attrs["series"] = numbers
    for n in numbers:
        fill(root.create_group(n), numbered(8, 8) + int(n), multiscale("yx"), "0.4")
    images = open_images(tmp_path / "a.zarr")
    assert [i.scene for i in images] == numbers
    assert [i.plane(0, 0, 0)[0, 0] for i in images] == [0, 2, 10]


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_a_chunk_that_is_not_there_holds_the_fill_value(tmp_path, version):
    folder = write(
        tmp_path / "a.zarr",
        numbered(2, 8, 8) + 1,
        multiscale("zyx"),
        version,
        fill_value=7,
    )
    chunk = folder / "0" / ("c/1/0/0" if version == "0.5" else "1.0.0")
    chunk.unlink()
    (image,) = open_images(folder)
    assert (image.plane(0, 0, 1)[:4, :4] == 7).all()


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_only_the_chunks_that_are_needed_are_read(tmp_path, version):
    pixels = numbered(3, 8, 8)
    folder = write(tmp_path / "a.zarr", pixels, multiscale("zyx"), version)
    for chunk in (folder / "0").rglob("*"):
        if (
            chunk.is_file()
            and "json" not in chunk.name
            and not chunk.name.startswith(".")
        ):
            wanted = chunk.relative_to(folder / "0").as_posix() in ("c/1/1/0", "1.1.0")
            chunk.write_bytes(chunk.read_bytes() if wanted else b"nonsense")
    (image,) = open_images(folder)
    region = (slice(0, 1), slice(0, 1), slice(1, 2), slice(5, 8), slice(0, 3))
    np.testing.assert_array_equal(
        image.reader.read(region)[0, 0, 0], pixels[1, 5:8, :3]
    )
    with pytest.raises(ImageUnreadable, match=r"a\.zarr is damaged"):
        image.plane(0, 0, 1)


def test_a_folder_that_goes_later_is_not_read_as_empty(tmp_path):
    folder = write(tmp_path / "a.zarr", numbered(8, 8), multiscale("yx"), "0.5")
    (image,) = open_images(folder)
    shutil.rmtree(folder / "0")
    with pytest.raises(ImageUnreadable, match="can no longer be read"):
        image.plane(0, 0, 0)


def test_an_image_stays_the_same_when_masks_are_added(tmp_path):
    folder = write(tmp_path / "a.zarr", numbered(8, 8), multiscale("yx"), "0.5")
    (image,) = open_images(folder)
    masks = zarr.open_group(folder).create_group("labels").create_group("nuclei")
    fill(masks, numbered(8, 8), multiscale("yx"), "0.5")
    np.testing.assert_array_equal(image.plane(0, 0, 0), numbered(8, 8))
    assert open_images(folder)[0].fingerprint == image.fingerprint


def test_the_fingerprint_tells_images_apart(tmp_path):
    one, same, other = (
        open_images(
            write(tmp_path / name, numbered(8, 8) + add, multiscale("yx"), "0.5")
        )[0]
        for name, add in (("a", 0), ("b", 0), ("c", 1))
    )
    assert one.fingerprint == same.fingerprint != other.fingerprint


def changed(folder, name, change):
    """Change the metadata of a folder."""
    path = folder / name
    metadata = json.loads(path.read_text())
    change(metadata)
    path.write_text(json.dumps(metadata))


def test_codecs_that_could_run_code_are_refused(tmp_path):
    folder = write(tmp_path / "a.zarr", numbered(8, 8), multiscale("yx"), "0.4")
    changed(folder / "0", ".zarray", lambda m: m.update(filters=[{"id": "pickle"}]))
    with pytest.raises(
        ImageUnreadable, match=r"uses a compression that cannot be read: pickle"
    ):
        open_images(folder)


def test_codecs_within_shards_are_looked_at_too(tmp_path):
    folder = write(
        tmp_path / "a.zarr", numbered(8, 8), multiscale("yx"), "0.5", shards=(8, 8)
    )

    def hide(metadata):
        inner = metadata["codecs"][0]["configuration"]["codecs"]
        inner.append({"name": "numcodecs.pickle"})

    changed(folder / "0", "zarr.json", hide)
    with pytest.raises(
        ImageUnreadable, match=r"uses a compression that cannot be read: pickle"
    ):
        open_images(folder)


@pytest.mark.parametrize(
    "path", ["../secret", "/etc", "..", "a/../../secret", "C:/x", "", "//host/x"]
)
def test_metadata_do_not_lead_out_of_the_folder(tmp_path, path):
    zarr.create_array(tmp_path / "secret", shape=(8, 8), dtype=np.uint8, zarr_format=2)
    scales = multiscale("yx")
    scales["datasets"][0]["path"] = path
    folder = write(tmp_path / "a.zarr", numbered(8, 8), scales, "0.4")
    with pytest.raises(ImageUnreadable, match="is damaged"):
        open_images(folder)


def test_a_version_that_is_not_known_yet_is_named(tmp_path):
    folder = write(tmp_path / "a.zarr", numbered(8, 8), multiscale("yx"), "0.5")
    changed(folder, "zarr.json", lambda m: m["attributes"]["ome"].update(version="0.6"))
    with pytest.raises(ImageUnreadable, match=r"version 0\.6; those up to 0\.5"):
        open_images(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda ome: ome.update(multiscales=[]),
        lambda ome: ome.update(multiscales="none"),
        lambda ome: ome["multiscales"][0].update(datasets=[]),
        lambda ome: ome["multiscales"][0].update(axes=[{"name": "y"}]),
        lambda ome: ome["multiscales"][0].update(axes=[{}, {}]),
        lambda ome: ome["multiscales"][0]["datasets"][0].update(path="9"),
        lambda ome: ome["multiscales"][0]["datasets"][0].update(path=3),
        lambda ome: ome.update(omero={"channels": [7]}),
    ],
)
def test_wrong_metadata_give_a_sentence(tmp_path, change):
    folder = write(tmp_path / "a.zarr", numbered(8, 8), multiscale("yx"), "0.5")
    changed(folder, "zarr.json", lambda metadata: change(metadata["attributes"]["ome"]))
    with pytest.raises(ImageUnreadable, match=r"a\.zarr is damaged"):
        open_images(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b"[]"])
def test_metadata_that_are_no_json_give_a_sentence(tmp_path, content):
    folder = write(tmp_path / "a.zarr", numbered(8, 8), multiscale("yx"), "0.4")
    (folder / ".zattrs").write_bytes(content)
    assert is_image_path(folder)
    with pytest.raises(ImageUnreadable, match=r"a\.zarr is damaged"):
        open_images(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [2**40, 2**40]},
        {"shape": [0, 8]},
        {"shape": [8, 8], "chunks": [2**30, 2**30]},
        {"dtype": "<c16"},
        {"dtype": "|O"},
        {"dtype": "<U5"},
    ],
)
def test_absurd_arrays_are_refused(tmp_path, change):
    folder = write(tmp_path / "a.zarr", numbered(8, 8), multiscale("yx"), "0.4")
    changed(folder / "0", ".zarray", lambda metadata: metadata.update(change))
    with pytest.raises(ImageUnreadable):
        open_images(folder)


def test_a_ratio_needs_no_unit(tmp_path):
    scales = multiscale("zyx", scale=(2.5, 0.5, 0.5), unit=None)
    write(tmp_path / "a.zarr", numbered(3, 9, 7), scales, "0.4")
    [image] = open_images(tmp_path / "a.zarr")
    assert image.pixel_size_um == (None, None, None)
    assert image.anisotropy == 5


def test_scales_of_1_without_a_unit_say_nothing(tmp_path):
    scales = multiscale("zyx", scale=(1, 1, 1), unit=None)
    write(tmp_path / "a.zarr", numbered(3, 9, 7), scales, "0.4")
    assert open_images(tmp_path / "a.zarr")[0].anisotropy is None


def test_a_unit_may_be_called_units(tmp_path):
    scales = multiscale("zyx", scale=(2.5, 0.5, 0.5), unit=None)
    for axis in scales["axes"]:
        axis["units"] = "micrometers"
    write(tmp_path / "a.zarr", numbered(3, 9, 7), scales, "0.4")
    [image] = open_images(tmp_path / "a.zarr")
    assert image.pixel_size_um == (2.5, 0.5, 0.5)


def plate(folder, wells, there, fields=("0", "1"), fields_there=("0", "1")):
    group = zarr.create_group(folder, zarr_format=2)
    listed = [{"path": f"A/{n}", "rowIndex": 0, "columnIndex": n} for n in wells]
    group.attrs["plate"] = {"version": "0.4", "wells": listed}
    for number in there:
        well = group.create_group(f"A/{number}")
        images = [{"path": name} for name in fields]
        well.attrs["well"] = {"version": "0.4", "images": images}
        for name in fields_there:
            fill(well.create_group(name), numbered(9, 7), multiscale("yx"), "0.4")
    return folder


@pytest.mark.parametrize(
    ("there", "fields", "left", "missing"),
    [
        ((1, 2), ("0", "1"), 4, "A/3"),
        ((2,), ("0", "1"), 2, "A/1 and A/3"),
        ((1, 2, 3), ("0", "1", "2"), 6, "A/1/2, A/2/2 and A/3/2"),
    ],
)
def test_of_a_plate_what_is_there_opens(tmp_path, there, fields, left, missing):
    images = open_images(plate(tmp_path / "a.zarr", (1, 2, 3), there, fields))
    assert len(images) == left
    np.testing.assert_array_equal(images[-1].plane(0, 0, 0), numbered(9, 7))
    assert images[0].notes == (
        f"a.zarr is not complete: {missing} of what it lists cannot be found.",
    )
    assert images[1].notes == ()


def test_a_plate_of_which_nothing_is_there_is_damaged(tmp_path):
    with pytest.raises(ImageUnreadable, match="is damaged or incomplete"):
        open_images(plate(tmp_path / "a.zarr", (1, 2), ()))


def test_a_whole_plate_has_nothing_to_say(tmp_path):
    images = open_images(plate(tmp_path / "a.zarr", (1, 2), (1, 2)))
    assert [image.notes for image in images] == [()] * 4
