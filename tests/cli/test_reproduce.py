"""What a record gives to copy makes the same masks again."""

from __future__ import annotations

import runpy
import shlex
import subprocess
import sys
from datetime import UTC, datetime

import imagecodecs
import numpy as np
import pytest
import tifffile
import torch

from cellpose_studio.cli.main import run
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.recipes import as_command, as_script
from cellpose_studio.core.recipes.script import studio_script
from cellpose_studio.core.runs.parameters import Normalization, SegmentationParameters
from cellpose_studio.core.runs.preparation.background import SubtractBackground
from cellpose_studio.core.runs.region import Region
from cellpose_studio.engine.networks.catalogue import find, shipped
from cellpose_studio.engine.threads import torch_threads, use_threads
from cellpose_studio.engine.torchvision_ops import make_importable
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.workflows.provenance.run_record import record_of
from cellpose_studio.workflows.segment import segment
from tests.quick import quick_first

STARTED = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)

EVERYTHING = SegmentationParameters(
    channels=(2, None),
    preparation=(SubtractBackground(method="gaussian", radius=21),),
    diameter=18.375,
    flow_threshold=0.7,
    cellprob_threshold=-1e-05,
    min_size=-1,
    stitch_threshold=0.25,
    anisotropy=1.75,
    flow3D_smooth=0.5,
    resample=False,
    postprocessing="clean",
    niter=151,
    max_size_fraction=0.3,
    exclude_on_edges=True,
    augment=True,
    tile_overlap=0.15,
    batch_size=3,
    region=Region(points=((8.5, 4), (70, 60)), plane=None, contrast="region"),
    normalization=Normalization(
        percentile=(0.5, 99.25),
        tile_norm_blocksize=50,
        tile_norm_smooth3D=0.5,
        norm3D=False,
        sharpen_radius=6,
        smooth_radius=0.75,
    ),
)


@pytest.fixture(autouse=True)
def _threads():
    """Leave as many threads as there were."""
    before = torch_threads()
    yield
    use_threads(before)


def run_of(path, parameters, model=None, axes=None, scene=""):
    """Run here, and return the masks and the record."""
    [image] = [one for one in open_images(path, axes) if one.scene == scene]
    result = segment(image, model or shipped()[0], parameters, Checkpoint())
    return result.labels, record_of(result, STARTED)


def call(words):
    """Run in another process."""
    done = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr


def call_here(words):
    """Run in this process, which has everything loaded."""
    if words[0] == "-m":
        assert run(words[2:]) == 0
    else:
        runpy.run_path(words[0], run_name="__main__")


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    """Work in a folder of the test, as a user does in a terminal."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def by_command(record, folder, called=call_here):
    """Run the command of a record; return its masks."""
    program, *words = shlex.split(as_command(record, windows=False))
    assert program == "cellpose-studio"
    called(["-m", "cellpose_studio", *words, "--out=o"])
    [masks] = (folder / "o").glob("*_cp_masks.tif")
    return tifffile.imread(masks)


def by_script(record, folder, called=call_here):
    """Run the script of a record; return its masks."""
    (folder / "again.py").write_text(as_script(record), encoding="utf-8")
    called(["again.py"])
    [masks] = folder.glob("*_cp_masks.tif")
    return tifffile.imread(masks)


def two_scenes(path):
    """Write an OME-TIFF of two images of other cells."""
    y, x = np.indices((64, 96))
    with tifffile.TiffWriter(path, ome=True) as tiff:
        for n, name in enumerate(("left one", "right one")):
            bright = np.hypot(y % 32 - 16, (x + 8 * n) % 32 - 16) < 9
            pixels = np.where(bright, 900, 100).astype(np.uint16)
            tiff.write(pixels, metadata={"axes": "YX", "Name": name})
    return path


@pytest.mark.parametrize("again", quick_first(1, [by_command, by_script]))
def test_every_parameter_comes_again_in_another_process(cells, in_folder, again):
    path = cells("it's a $HOME.tif", (5, 2, 64, 96), "ZCYX")
    pixels = tifffile.imread(path)
    # Or all cells would touch the border of the stack.
    pixels[[0, -1]] = 2000
    tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": "ZCYX"})
    masks, record = run_of(path, EVERYTHING)
    assert masks.max() > 0
    # Hardly one is at its default, so each has to be handed on.
    for values in (EVERYTHING, EVERYTHING.normalization):
        for name, field in type(values).model_fields.items():
            if name not in ("do_3D", "normalize", "normalization", "invert"):
                assert getattr(values, name) != field.default, name
    np.testing.assert_array_equal(again(record, in_folder, call), masks)


@pytest.mark.parametrize("again", [by_script, by_command])
@pytest.mark.parametrize(
    "given",
    ["volume", "scene", "said axes", "raw", "inverted", "threads", "polygon", "cell"],
)
def test_other_images_come_again(cells, in_folder, again, given):
    path, axes, scene = in_folder / "a.tif", None, ""
    parameters = SegmentationParameters(diameter=20.0)
    if given == "volume":
        path = cells("a.tif", (4, 48, 48), "ZYX")
        parameters = SegmentationParameters(diameter=20.0, do_3D=True)
    elif given == "scene":
        two_scenes(path)
        scene = "right one"
    elif given == "said axes":
        noise = np.random.default_rng(0).integers(0, 99, (6, 40, 44))
        tifffile.imwrite(path, noise.astype(np.uint8))
        axes = "TYX"
    elif given == "raw":
        pixels = np.random.default_rng(0).random((64, 64), np.float32)
        tifffile.imwrite(path, pixels)
        raw = Normalization(normalize=False)
        parameters = SegmentationParameters(
            diameter=20.0, normalization=raw, cellprob_threshold=-3
        )
    elif given == "inverted":
        tifffile.imwrite(path, 4000 - tifffile.imread(cells("b.tif")))
        dark = Normalization(invert=True)
        parameters = SegmentationParameters(diameter=20.0, normalization=dark)
    elif given in ("polygon", "cell"):
        path = cells("a.tif", (2, 3, 96, 128), "TZYX")
        region = Region(
            points=((4, 4), (90, 8), (60, 80)),
            frame=2,
            plane=3,
            cell_at=(47, 15) if given == "cell" else None,
        )
        parameters = SegmentationParameters(
            diameter=20.0, region=region, cellprob_threshold=2.5
        )
    else:
        path = cells("a.tif")
        use_threads(2)
    masks, record = run_of(path, parameters, axes=axes, scene=scene)
    np.testing.assert_array_equal(again(record, in_folder), masks)


@pytest.mark.parametrize("again", [by_command, by_script])
def test_an_automatic_diameter_on_a_real_image_comes_again(
    shared_data, in_folder, again
):
    path = shared_data / "2d_nuclei_fluo" / "nuc_04acab.tif"
    masks, record = run_of(path, SegmentationParameters())
    assert masks.max() > 40
    np.testing.assert_array_equal(again(record, in_folder), masks)


def test_the_script_refuses_other_weights(cells, tmp_path):
    _, record = run_of(cells("a.tif", (64, 64)), SegmentationParameters(diameter=20))
    model = record.model.model_copy(update={"sha256": "0" * 64})
    text = as_script(record.model_copy(update={"model": model}))
    (tmp_path / "again.py").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "again.py"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "The weights are not those of the run." in done.stderr


def test_a_scene_that_is_not_there_is_refused(tmp_path, capsys):
    path = two_scenes(tmp_path / "a.tif")
    assert run(["segment", str(path), "--scene", "third one"]) == 2
    said = capsys.readouterr().err
    assert "a.tif contains no image called third one." in said
    assert "It contains left one, right one." in said


def test_one_scene_of_a_file_is_segmented(tmp_path, capsys):
    path = two_scenes(tmp_path / "a.tif")
    assert run(["segment", str(path), "--scene", "left one", "--diameter=18"]) == 0
    assert [p.name for p in tmp_path.glob("*_masks.tif")] == ["a_left-one_cp_masks.tif"]


# Plain Cellpose


@pytest.fixture
def little_sam(tmp_path, monkeypatch):
    """A CPSAM of Cellpose's own class, but with two small blocks."""
    make_importable()
    from cellpose import vit
    from segment_anything.build_sam import _build_sam

    def little(checkpoint: None) -> torch.nn.Module:
        return _build_sam(32, 2, 2, [0, 1], checkpoint)

    monkeypatch.setitem(vit.sam_model_registry, "vit_l", little)
    torch.manual_seed(6)
    path = tmp_path / "models" / "little sam"
    path.parent.mkdir()
    torch.save(vit.CPSAM().state_dict(), path)
    return find(str(path))


def plainly(record, folder, monkeypatch):
    """Run the script of plain Cellpose here, where the little network is known."""
    text = as_script(record)
    (folder / "plain.py").write_text(text, encoding="utf-8")
    monkeypatch.chdir(folder)
    runpy.run_path("plain.py", run_name="__main__")
    [masks] = folder.glob("*_cp_masks.tif")
    return tifffile.imread(masks), text


def noise(path, shape, axes, name="a.tif"):
    pixels = np.random.default_rng(0).integers(0, 4000, shape).astype(np.uint16)
    file = path / name
    tifffile.imwrite(file, pixels, imagej=True, metadata={"axes": axes})
    return file


def agree(found, masks):
    """Assert what the script promises."""
    assert found.shape == masks.shape
    assert masks.max() > 0
    assert np.mean((found > 0) != (masks > 0)) < 0.001
    assert abs(int(found.max()) - int(masks.max())) <= 0.01 * masks.max()


PLAINLY = (
    ((130, 150), "YX", {"channels": (1, None, None)}),
    ((2, 3, 70, 80), "ZCYX", {"channels": (3, 0), "stitch_threshold": 0.2}),
    ((2, 2, 60, 70), "TZYX", {"exclude_on_edges": True, "min_size": 3}),
    ((2, 10, 14), "ZYX", {"do_3D": True, "anisotropy": 1.5}),
)


@pytest.mark.parametrize(
    ("precision", "shape", "axes", "given"),
    [
        *(("float32", *one) for one in PLAINLY),
        ("bfloat16", *PLAINLY[0]),
        # Processors without units for bfloat16 take minutes for these.
        *(
            pytest.param("bfloat16", *one, marks=pytest.mark.slow)
            for one in PLAINLY[1:]
        ),
    ],
    ids=str,
)
def test_plain_cellpose_agrees(
    little_sam, tmp_path, monkeypatch, shape, axes, given, precision
):
    path = noise(tmp_path, shape, axes)
    parameters = SegmentationParameters(
        cellprob_threshold=-2.0, flow_threshold=0.0, **given
    )
    [image] = open_images(path)
    result = segment(image, little_sam, parameters, Checkpoint(), precision=precision)
    record = record_of(result, STARTED)
    assert record.precision == precision
    found, text = plainly(record, tmp_path, monkeypatch)
    assert "cellpose_studio" not in text
    agree(found, result.labels)


@pytest.mark.parametrize(
    "given",
    [
        {"channels": (1, None, None)},
        {"channels": (1, 2, None), "normalization": Normalization(invert=True)},
        {"normalization": Normalization(percentile=(5.0, 95.0))},
        {"do_3D": True},
    ],
    ids=str,
)
def test_plain_cellpose_agrees_on_what_is_no_number(
    little_sam, tmp_path, monkeypatch, given
):
    parameters = SegmentationParameters(
        cellprob_threshold=-2.0, flow_threshold=0, **given
    )
    shape = (2, 2, 12, 14) if parameters.do_3D else (2, 60, 70)
    pixels = np.random.default_rng(0).integers(0, 4000, shape) + 1e6
    pixels[..., :3, :], pixels[..., 9, 9] = np.nan, np.inf
    axes = "ZCYX" if parameters.do_3D else "CYX"
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, metadata={"axes": axes})
    masks, record = run_of(path, parameters, little_sam)
    found, text = plainly(record, tmp_path, monkeypatch)
    assert "cellpose_studio" not in text
    agree(found, masks)


def test_plain_cellpose_agrees_far_from_zero(little_sam, tmp_path, monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 4000, (60, 70)) + 2**40
    tifffile.imwrite(tmp_path / "a.tif", pixels)
    parameters = SegmentationParameters(cellprob_threshold=-2.0, flow_threshold=0)
    masks, record = run_of(tmp_path / "a.tif", parameters, little_sam)
    found, _ = plainly(record, tmp_path, monkeypatch)
    agree(found, masks)


def test_where_plain_cellpose_cannot_leave_pixels_out_the_script_says_so(
    little_sam, tmp_path, monkeypatch
):
    pixels = np.random.default_rng(0).random((60, 70))
    pixels[3, 4] = np.nan
    tifffile.imwrite(tmp_path / "a.tif", pixels)
    normalization = Normalization(tile_norm_blocksize=20)
    parameters = SegmentationParameters(normalization=normalization)
    _, record = run_of(tmp_path / "a.tif", parameters, little_sam)
    with pytest.raises(SystemExit, match="run Cellpose Studio"):
        plainly(record, tmp_path, monkeypatch)


def test_plain_cellpose_agrees_on_a_colour_picture(little_sam, tmp_path, monkeypatch):
    colours = np.random.default_rng(0).integers(0, 255, (60, 70, 4)).astype(np.uint8)
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(colours))
    parameters = SegmentationParameters(cellprob_threshold=-2.0, flow_threshold=0)
    masks, record = run_of(tmp_path / "a.png", parameters, little_sam)
    found, text = plainly(record, tmp_path, monkeypatch)
    assert "cellpose_studio" not in text
    agree(found, masks)


def test_one_of_several_images_is_read_by_this_package(
    little_sam, tmp_path, monkeypatch
):
    path = two_scenes(tmp_path / "a.tif")
    parameters = SegmentationParameters(cellprob_threshold=-2.0, flow_threshold=0)
    masks, record = run_of(path, parameters, little_sam, scene="right one")
    found, text = plainly(record, tmp_path, monkeypatch)
    assert "from cellpose_studio.io.images.reader import open_images" in text
    agree(found, masks)


def test_our_own_way_gives_the_same_pixels_of_a_transformer(
    little_sam, tmp_path, monkeypatch
):
    parameters = SegmentationParameters(cellprob_threshold=-2.0, flow_threshold=0)
    path = noise(tmp_path, (70, 80), "YX")
    masks, record = run_of(path, parameters, little_sam)
    (tmp_path / "own.py").write_text(studio_script(record), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    runpy.run_path("own.py", run_name="__main__")
    np.testing.assert_array_equal(tifffile.imread("a_cp_masks.tif"), masks)
    (tmp_path / "a_cp_masks.tif").unlink()
    words = shlex.split(as_command(record, windows=False))[1:]
    assert run(words) == 0
    np.testing.assert_array_equal(tifffile.imread("a_cp_masks.tif"), masks)
