from __future__ import annotations

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from cellpose_studio.core.errors import AxesAmbiguous, ImageUnreadable
from cellpose_studio.io.images.reader import open_images

NAMESPACE = "http://www.openmicroscopy.org/Schemas/OME/2016-06"


def numbered(*shape, dtype=np.uint16):
    return np.arange(np.prod(shape)).astype(dtype).reshape(shape)


def in_tczyx(pixels, axes):
    pixels = pixels.transpose([axes.index(a) for a in "TCZYX" if a in axes])
    lengths = iter(pixels.shape)
    return pixels.reshape([next(lengths) if a in axes else 1 for a in "TCZYX"])


def whole(image):
    return image.reader.read(tuple(slice(0, n) for n in image.shape))


orders = st.lists(st.sampled_from("TCZ"), unique=True).map("".join)


@given(orders, st.data(), st.sampled_from([None, "zlib"]), st.sampled_from("<>"))
def test_axes_in_any_order_come_back_in_ours(
    tmp_path_factory, order, data, compression, byteorder
):
    path = tmp_path_factory.mktemp("ome") / "a.ome.tif"
    lengths = [data.draw(st.integers(1, 4)) for _ in order]
    pixels = numbered(*lengths, 6, 7)
    tifffile.imwrite(
        path,
        pixels,
        metadata={"axes": order + "YX"},
        photometric="minisblack",
        compression=compression,
        byteorder=byteorder,
    )
    (image,) = open_images(path)
    expected = in_tczyx(pixels, order + "YX")
    assert (image.shape, image.scene) == (expected.shape, "")
    np.testing.assert_array_equal(whole(image), expected)


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        ("µm", 1),
        ("nm", 1e-3),
        ("mm", 1e3),
        ("Å", 1e-4),
        ("pixel", None),
        ("reference frame", None),
    ],
)
def test_pixel_sizes_are_in_micrometres(tmp_path, unit, factor):
    path = tmp_path / "a.ome.tif"
    sizes = {
        f"PhysicalSize{a}": v for a, v in zip("XYZ", (0.5, 0.25, 2.0), strict=True)
    }
    units = {f"PhysicalSize{a}Unit": unit for a in "XYZ"}
    tifffile.imwrite(
        path, numbered(3, 6, 7), metadata={"axes": "ZYX", **sizes, **units}
    )
    found = open_images(path)[0].pixel_size_um
    if factor:
        assert found == pytest.approx((2.0 * factor, 0.25 * factor, 0.5 * factor))
    else:
        assert found == (None, None, None)


@pytest.mark.parametrize("size", ["0", "-1", "nan", "inf", "wide", ""])
def test_a_size_that_cannot_be_is_unknown(tmp_path, size):
    path = tmp_path / "a.ome.tif"
    described(path, numbered(6, 7), image(pixels=f'PhysicalSizeX="{size}"'))
    assert open_images(path)[0].pixel_size_um == (None, None, None)


@pytest.mark.parametrize("known", ["X", "Y"])
def test_of_one_side_of_a_pixel_the_other_is_known(tmp_path, known):
    path = tmp_path / "a.ome.tif"
    sizes = f'PhysicalSize{known}="0.5" PhysicalSizeZ="2"'
    described(path, numbered(4, 6, 7), image(sizes=(4, 1, 1), pixels=sizes))
    [one] = open_images(path)
    assert one.pixel_size_um == (2.0, 0.5, 0.5)
    assert one.anisotropy == 4


def test_a_ratio_needs_no_unit_of_length(tmp_path):
    path = tmp_path / "a.ome.tif"
    sizes = " ".join(
        f'PhysicalSize{a}="{n}" PhysicalSize{a}Unit="reference frame"'
        for a, n in {"X": 0.5, "Y": 0.5, "Z": 1.25}.items()
    )
    described(path, numbered(4, 6, 7), image(sizes=(4, 1, 1), pixels=sizes))
    [one] = open_images(path)
    assert one.pixel_size_um == (None, None, None)
    assert one.anisotropy == 2.5
    assert one.label_scale == (2.5, 1.0, 1.0)


def test_channels_have_their_names(tmp_path):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(
        path,
        numbered(2, 3, 6, 7),
        photometric="minisblack",
        metadata={"axes": "ZCYX", "Channel": {"Name": ["DAPI", "", "Cy5 "]}},
    )
    assert open_images(path)[0].channel_names == ("DAPI", "Channel 2", "Cy5")


def test_colours(tmp_path):
    path = tmp_path / "a.ome.tif"
    pixels = numbered(4, 6, 7, 3, dtype=np.uint8)
    tifffile.imwrite(path, pixels, metadata={"axes": "TYXS"}, photometric="rgb")
    (image,) = open_images(path)
    assert (image.shape, image.rgb) == ((4, 3, 1, 6, 7), True)
    assert image.channel_names == ("Red", "Green", "Blue")
    np.testing.assert_array_equal(image.plane(3, 2, 0), pixels[3, ..., 2])


def test_scenes_have_their_names(tmp_path):
    path = tmp_path / "a.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as tiff:
        for n, name in enumerate(["Position 1", "Position 2", "Position 2"]):
            tiff.write(
                numbered(3, 6, 7) + n,
                photometric="minisblack",
                metadata={"axes": "TYX", "Name": name, "PhysicalSizeX": n + 1},
            )
    images = open_images(path)
    assert [i.scene for i in images] == ["Position 1", "Position 2", "Position 2 (3)"]
    assert images[0].name == "a.ome.tif [Position 1]"
    assert [i.pixel_size_um[2] for i in images] == [1, 2, 3]
    assert [i.plane(0, 0, 0)[0, 0] for i in images] == [0, 1, 2]


def test_the_full_resolution_of_a_pyramid_is_opened(tmp_path):
    path = tmp_path / "a.ome.tif"
    pixels = numbered(3, 64, 64)
    with tifffile.TiffWriter(path, ome=True) as tiff:
        tiff.write(
            pixels,
            subifds=2,
            tile=(16, 16),
            photometric="minisblack",
            metadata={"axes": "CYX"},
        )
        for step in (2, 4):
            tiff.write(
                pixels[:, ::step, ::step],
                tile=(16, 16),
                subfiletype=1,
                photometric="minisblack",
            )
    (image,) = open_images(path)
    np.testing.assert_array_equal(whole(image)[0, :, 0], pixels)


def image(name="", pixels="", sizes=(1, 1, 1), yx=(6, 7), blocks="<TiffData/>"):
    """OME-XML of one image."""
    z, c, t = sizes
    return f"""<Image ID="Image:0" Name="{name}"><Pixels ID="Pixels:0" Type="uint16"
        DimensionOrder="XYZCT" SizeX="{yx[1]}" SizeY="{yx[0]}" SizeZ="{z}" SizeC="{c}"
        SizeT="{t}" {pixels}>{blocks}</Pixels></Image>"""


def document(*images, head="", attributes=""):
    return f"""{head}<OME xmlns="{NAMESPACE}" {attributes}>{"".join(images)}</OME>"""


def described(path, pixels, *images, **document_options):
    """Write pixels with an OME-XML of our own."""
    text = document(*images, **document_options)
    tifffile.imwrite(
        path, pixels, description=text.encode(), metadata=None, photometric="minisblack"
    )


def test_an_image_without_blocks_has_all_pages(tmp_path):
    path = tmp_path / "a.ome.tif"
    described(path, numbered(4, 6, 7), image(sizes=(1, 1, 4), blocks=""))
    (opened,) = open_images(path)
    assert opened.frames == 4
    np.testing.assert_array_equal(whole(opened)[:, 0, 0], numbered(4, 6, 7))


def test_a_renamed_file_still_finds_itself(tmp_path):
    block = (
        '<TiffData IFD="0"><UUID FileName="old.ome.tif">urn:uuid:1</UUID></TiffData>'
    )
    described(tmp_path / "new.ome.tif", numbered(6, 7), image(blocks=block))
    assert open_images(tmp_path / "new.ome.tif")[0].shape == (1, 1, 1, 6, 7)


def block(n, file, axis="T"):
    return (
        f'<TiffData First{axis}="{n}" IFD="0" PlaneCount="1">'
        f'<UUID FileName="{file}">urn:uuid:{file}</UUID></TiffData>'
    )


@pytest.fixture
def time_series_of_files(tmp_path):
    """Three files with one time point each; all say that they are one image."""
    names = [f"t{n}.ome.tif" for n in range(3)]
    series = image(sizes=(1, 1, 3), blocks="".join(map(block, range(3), names)))
    for n, name in enumerate(names):
        described(
            tmp_path / name,
            numbered(6, 7) + n,
            series,
            attributes=f'UUID="urn:uuid:{name}"',
        )
    return [tmp_path / name for name in names]


def test_an_image_of_several_files_opens_from_its_first(time_series_of_files):
    (image,) = open_images(time_series_of_files[0])
    assert image.shape == (3, 1, 1, 6, 7)
    for t in range(3):
        np.testing.assert_array_equal(image.plane(t, 0, 0), numbered(6, 7) + t)


def test_another_file_of_the_set_says_which_is_the_first(time_series_of_files):
    with pytest.raises(
        ImageUnreadable, match=r"t1\.ome\.tif is part of a set"
    ) as error:
        open_images(time_series_of_files[1])
    assert "Open t0.ome.tif instead" in error.value.hint


def test_a_missing_file_of_the_set_is_named(time_series_of_files):
    time_series_of_files[2].unlink()
    with pytest.raises(ImageUnreadable, match=r"'t2\.ome\.tif' is missing"):
        open_images(time_series_of_files[0])


def test_a_file_of_the_set_that_goes_later_is_noticed(time_series_of_files):
    (image,) = open_images(time_series_of_files[0])
    time_series_of_files[2].unlink()
    image.plane(1, 0, 0)
    with pytest.raises(ImageUnreadable, match="can no longer be read"):
        image.plane(2, 0, 0)


def test_a_file_of_a_plate_opens_its_own_images_alone(tmp_path):
    names = ["A1.ome.tif", "A2.ome.tif"]
    images = [image(f"Well {n[:2]}", blocks=block(0, n)) for n in names]
    described(tmp_path / names[1], numbered(6, 7), *images)
    (opened,) = open_images(tmp_path / names[1])
    assert opened.shape == (1, 1, 1, 6, 7)


def test_metadata_in_a_companion_file_are_read(tmp_path):
    reference = '<BinaryOnly MetadataFile="set.companion.ome" UUID="urn:uuid:c"/>'
    described(tmp_path / "a.tif", numbered(5, 6, 7), reference)
    blocks = '<TiffData><UUID FileName="a.tif">urn:uuid:a</UUID></TiffData>'
    text = document(image(sizes=(5, 1, 1), pixels='PhysicalSizeZ="3"', blocks=blocks))
    (tmp_path / "set.companion.ome").write_text(text, encoding="utf-8")
    (opened,) = open_images(tmp_path / "a.tif")
    assert (opened.planes, opened.pixel_size_um[0]) == (5, 3.0)


def test_a_missing_companion_is_named(tmp_path):
    reference = '<BinaryOnly MetadataFile="set.companion.ome" UUID="urn:uuid:c"/>'
    described(tmp_path / "a.tif", numbered(5, 6, 7), reference)
    with pytest.raises(ImageUnreadable, match=r"'set\.companion\.ome' is missing"):
        open_images(tmp_path / "a.tif")


@pytest.mark.parametrize(
    "name",
    [
        "../b.ome.tif",
        "/b.ome.tif",
        r"..\b.ome.tif",
        r"\\host\b.ome.tif",
        "C:b.ome.tif",
        "..",
    ],
)
def test_files_of_a_set_are_looked_for_in_its_own_folder_only(tmp_path, name):
    (tmp_path / "inner").mkdir()
    tifffile.imwrite(tmp_path / "b.ome.tif", numbered(6, 7))
    blocks = block(0, "a.ome.tif") + block(1, name)
    described(
        tmp_path / "inner" / "a.ome.tif",
        numbered(6, 7),
        image(sizes=(1, 1, 2), blocks=blocks),
    )
    with pytest.raises(ImageUnreadable, match="is missing"):
        open_images(tmp_path / "inner" / "a.ome.tif")


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE OME [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE OME SYSTEM "http://127.0.0.1:9/ome.dtd">',
        "<OME><broken>",
    ],
)
def test_broken_or_hostile_metadata_are_not_read(tmp_path, head):
    path = tmp_path / "a.ome.tif"
    described(
        path, numbered(6, 7), image(name="&b;" if "ENTITY" in head else ""), head=head
    )
    (opened,) = open_images(path)
    assert opened.pixel_size_um == (None, None, None)
    np.testing.assert_array_equal(opened.plane(0, 0, 0), numbered(6, 7))


def test_axes_of_a_stack_with_broken_metadata_are_asked_about(tmp_path):
    described(tmp_path / "a.ome.tif", numbered(9, 6, 7), image(), head="<OME>")
    with pytest.raises(AxesAmbiguous):
        open_images(tmp_path / "a.ome.tif")


@pytest.mark.parametrize(
    "sizes", [(0, 1, 1), (-1, 1, 1), (10**9, 1, 1), (10**6, 10**6, 10**6)]
)
def test_absurd_sizes_are_refused(tmp_path, sizes):
    described(tmp_path / "a.ome.tif", numbered(6, 7), image(sizes=sizes))
    with pytest.raises(ImageUnreadable, match="is damaged"):
        open_images(tmp_path / "a.ome.tif")


@pytest.mark.parametrize("attribute", ["PlaneCount", "IFD", "FirstT"])
def test_absurd_numbers_of_planes_are_refused(tmp_path, attribute):
    blocks = f'<TiffData {attribute}="{10**12}"/>'
    described(tmp_path / "a.ome.tif", numbered(6, 7), image(blocks=blocks))
    with pytest.raises(ImageUnreadable):
        open_images(tmp_path / "a.ome.tif")


def test_axes_are_asked_about_if_planes_are_missing_from_an_odd_order(tmp_path):
    pixels = numbered(5, 6, 7)
    blocks = '<TiffData IFD="1" PlaneCount="8"/>'
    described(tmp_path / "a.ome.tif", pixels, image(sizes=(2, 1, 4), blocks=blocks))
    with pytest.raises(AxesAmbiguous) as error:
        open_images(tmp_path / "a.ome.tif")
    assert error.value.question.shape == (5, 6, 7)
    (opened,) = open_images(tmp_path / "a.ome.tif", "TYX")
    np.testing.assert_array_equal(whole(opened)[:, 0, 0], pixels)


def test_a_plane_alone_is_no_stack(tmp_path):
    described(tmp_path / "a.ome.tif", numbered(6, 7), image(sizes=(1, 1, 8)))
    with pytest.raises(ImageUnreadable, match="is damaged or incomplete"):
        open_images(tmp_path / "a.ome.tif")


def test_pages_of_another_size_than_announced_are_refused(tmp_path):
    described(tmp_path / "a.ome.tif", numbered(6, 7), image(yx=(60, 70)))
    with pytest.raises(ImageUnreadable, match="is damaged"):
        open_images(tmp_path / "a.ome.tif")


@pytest.mark.parametrize("blocks", ["<TiffData/>", ""])
@pytest.mark.parametrize(
    ("sizes", "pages", "shape", "told"),
    [
        ((1, 2, 10), 12, (6, 2, 1), "6 of 10 time points"),
        ((1, 2, 10), 13, (6, 2, 1), "6 of 10 time points"),
        ((5, 1, 1), 3, (1, 1, 3), "3 of 5 planes"),
        ((3, 2, 4), 4, (1, 1, 3), "1 of 2 channels"),
        ((3, 2, 4), 2, (1, 1, 2), "2 of 3 planes"),
    ],
)
def test_of_a_stopped_acquisition_what_is_complete_opens(
    tmp_path, sizes, pages, shape, told, blocks
):
    """Planes first, then channels, then time, as the order XYZCT says."""
    path = tmp_path / "a.ome.tif"
    pixels = numbered(pages, 6, 7)
    names = 'PhysicalSizeX="0.5" PhysicalSizeY="0.5"'
    channels = '<Channel ID="C:0" Name="DAPI"/><Channel ID="C:1" Name="GFP"/>'
    text = channels[: channels.index("/>") + 2] if sizes[1] == 1 else channels
    described(path, pixels, image(sizes=sizes, pixels=names, blocks=text + blocks))
    [one] = open_images(path)
    assert one.shape == (*shape, 6, 7)
    assert one.pixel_size_um == (None, 0.5, 0.5)
    assert one.channel_names[0] == "DAPI"
    [note] = one.notes
    assert note.startswith("a.ome.tif is not complete: it was to have ")
    assert f"{told} are complete" in note
    t, c, z, *_ = one.shape
    for n in np.ndindex(t, c, z):
        page = (n[0] * c + n[1]) * z + n[2]
        np.testing.assert_array_equal(one.plane(*n), pixels[page])
