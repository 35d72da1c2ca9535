"""Runs in blocks: the same masks, recorded, stopped, killed and taken up again."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.core.errors import CannotSave, ModelUnusable, ParametersUnfit
from cellpose_studio.core.recipes.command import arguments
from cellpose_studio.core.recipes.script import studio_script
from cellpose_studio.core.runs.parameters import Normalization, SegmentationParameters
from cellpose_studio.core.runs.preparation.background import SubtractBackground
from cellpose_studio.core.runs.preparation.merge import Merge
from cellpose_studio.core.runs.preparation.restore import Restore
from cellpose_studio.core.runs.region import Region
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.engine.networks.network import NetworkCache
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.masks.mapped import empty_labels
from cellpose_studio.paths import sha256_of
from cellpose_studio.workflows.blocks import segment as segment_module
from cellpose_studio.workflows.blocks.forecast import forecast
from cellpose_studio.workflows.blocks.segment import segment_in_blocks
from cellpose_studio.workflows.provenance.run_again import run_again
from cellpose_studio.workflows.provenance.run_record import masks_sha256, record_of
from cellpose_studio.workflows.segment import segment
from tests.quick import quick_first
from tests.records import NOON
from tests.restoring import restoring_network

MODEL = shipped()[0]
NETWORKS = NetworkCache()
PREPARED = (SubtractBackground(radius=30), Merge(channels=(2, 1), weights=(1, 0.5)))
WORKER = Path(__file__).with_name("worker.py")


@pytest.fixture
def opened(cells):
    """Return a function that writes a picture of cells and opens it."""
    return lambda *what: open_images(cells(*what))[0]


@pytest.fixture
def restoring(tmp_path, monkeypatch):
    """Where Cellpose keeps its models; a network that restores cells is there."""
    folder = tmp_path / "models"
    monkeypatch.setenv("CELLPOSE_LOCAL_MODELS_PATH", str(folder))
    restoring_network(folder, "denoise_cyto3")
    return folder


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "state"


def size_of(folder):
    """Return the bytes on the disk of all files in a folder."""
    return sum(file.lstat().st_blocks * 512 for file in folder.rglob("*"))


def in_blocks(image, folder, side, checkpoint=None, **parameters):
    return segment_in_blocks(
        image,
        MODEL,
        SegmentationParameters(**{"diameter": 20.0, **parameters}),
        checkpoint or Checkpoint(),
        side,
        networks=NETWORKS,
        folder=folder,
    )


def as_a_whole(image, **parameters):
    given = SegmentationParameters(**{"diameter": 20.0, **parameters})
    return segment(image, MODEL, given, Checkpoint(), networks=NETWORKS)


def assert_same(image, folder, side, **parameters):
    whole = as_a_whole(image, **parameters)
    with in_blocks(image, folder, side, **parameters) as found:
        np.testing.assert_array_equal(found.labels.whole(), whole.labels)
        assert found.labels.shape == whole.labels.shape
        assert found.labels.cells == len(whole.confidence.ids) > 4
        assert found.parameters == whole.parameters
        assert found.hint == whole.hint
        blocks = found.blocks
    assert not list(folder.iterdir())
    return blocks


def test_masks_are_those_of_the_whole_image(opened, folder):
    blocks = assert_same(opened("a.tif", (200, 260)), folder, (1, 70, 70))
    assert blocks.count > 1
    assert blocks.overlap == 32


@pytest.mark.parametrize(
    "case",
    quick_first(
        1,
        [
            ((150, 170), "YX", {"diameter": 12.0, "resample": False}),
            ((150, 170), "YX", {"diameter": None}),
            ((150, 170), "YX", {"diameter": 33.0, "min_size": 0}),
            ((2, 3, 100, 130), "TZYX", {}),
            ((14, 80, 100), "ZYX", {"do_3D": True}),
            ((2, 100, 130), "CYX", {"preparation": PREPARED}),
            ((9, 60, 70), "ZYX", {"do_3D": True, "preparation": PREPARED[:1]}),
        ],
    ),
)
def test_masks_of_all_kinds_of_images(opened, folder, case):
    shape, axes, options = case
    side = (8, 60, 60) if "do_3D" in options else (1, 60, 60)
    assert_same(opened("a.tif", shape, axes), folder, side, **options)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "axes", "options"),
    [
        ((150, 170), "YX", {}),
        ((2, 100, 130), "CYX", {"diameter": None}),
    ],
)
def test_a_restored_image(opened, folder, restoring, shape, axes, options):
    steps = (*PREPARED[: shape[0] == 2], Restore(diameter=26.0))
    options = {"preparation": steps, **options}
    assert_same(opened("a.tif", shape, axes), folder, (1, 60, 60), **options)


@pytest.mark.slow
def test_a_restored_volume(opened, folder, restoring):
    options = {"do_3D": True, "preparation": (Restore(diameter=26.0),)}
    image = opened("a.tif", (9, 60, 70), "ZYX")
    whole = as_a_whole(image, **options).labels
    with in_blocks(image, folder, (8, 60, 60), **options) as found:
        # Random weights make cells whose borders the last digit moves.
        assert np.mean(found.labels.whole() == whole) > 0.999


@pytest.mark.slow
def test_the_record_names_the_weights_and_a_replay_refuses_others(
    opened, folder, restoring
):
    image = opened("a.tif", (150, 170))
    parameters = SegmentationParameters(preparation=(Restore(),), diameter=20.0)
    result = segment(image, MODEL, parameters, Checkpoint(), networks=NETWORKS)
    record = record_of(result, NOON)
    [step] = record.parameters.preparation
    assert isinstance(step, Restore)
    assert step.sha256 == sha256_of(restoring / "denoise_cyto3")
    again, _ = run_again(image, record, Checkpoint())
    assert masks_sha256(again.labels) == record.masks_sha256
    restoring_network(restoring, "denoise_cyto3", seed=1)
    with pytest.raises(ModelUnusable, match="denoise_cyto3 in "):
        run_again(image, record, Checkpoint())
    restoring.joinpath("denoise_cyto3").unlink()
    with pytest.raises(
        ModelUnusable, match="denoise_cyto3 of Cellpose is not installed"
    ):
        run_again(image, record, Checkpoint())


def test_the_record_tells_the_blocks_and_a_replay_does_the_same(opened, folder):
    image = opened("a.tif", (150, 170))
    with in_blocks(image, folder, (1, 64, 64)) as found:
        record = record_of(found.loaded(lambda: None, empty_labels), NOON)
        labels = found.labels.whole()
    assert record.blocks is not None
    assert record.blocks.side == (1, 64, 64)
    assert record.masks_sha256 == masks_sha256(labels)
    assert record.cells == len(np.unique(labels)) - 1
    again, notes = run_again(image, record, Checkpoint())
    assert again.blocks == found.blocks
    assert masks_sha256(again.labels) == record.masks_sha256
    assert notes == ()


@pytest.mark.slow
def test_the_script_of_a_recipe_does_the_same(opened, folder, tmp_path):
    image = opened("a.tif", (150, 170))
    with in_blocks(image, folder, (1, 64, 64)) as found:
        record = record_of(found.loaded(lambda: None, empty_labels), NOON)
        labels = found.labels.whole()
    out = tmp_path / "out"
    out.mkdir()
    script = studio_script(record)
    subprocess.run([sys.executable, "-c", script], cwd=out, check=True)
    np.testing.assert_array_equal(tifffile.imread(out / "a_cp_masks.tif"), labels)
    assert "--block-size=64" in [*arguments(record)]


def test_a_stopped_run_goes_on(opened, folder):
    image = opened("a.tif", (200, 260))
    expected = as_a_whole(image)
    said = []

    def report(done, total, what):
        said.append((what, done))
        if (what, done) == ("masks", 5):
            stop.stop()

    stop = Checkpoint(report)
    with pytest.raises(Cancelled), in_blocks(image, folder, (1, 70, 70), stop):
        pass
    assert list(folder.iterdir())
    said.clear()
    with in_blocks(image, folder, (1, 70, 70), Checkpoint(report)) as found:
        np.testing.assert_array_equal(found.labels.whole(), expected.labels)
        assert any("earlier run" in note for note in found.notes)
    # Tiles that were done are counted at once.
    assert [done for what, done in said if what == "tile"][1] > 0
    assert not list(folder.iterdir())


def test_a_run_that_another_version_has_stopped_begins_anew_and_says_so(
    opened, folder, monkeypatch
):
    image, side = opened("a.tif", (150, 170)), (1, 70, 70)
    stop = Checkpoint(lambda *said: stop.stop() if said[2] == "masks" else None)
    with pytest.raises(Cancelled), in_blocks(image, folder, side, stop):
        pass
    ours = segment_module.versions("")
    newer = {**ours, "cellpose-studio": "999"}
    with monkeypatch.context() as patch:
        patch.setattr(segment_module, "versions", lambda _: newer)
        with in_blocks(image, folder, side) as found:
            labels = found.labels.whole()
            [note] = [note for note in found.notes if "began anew" in note]
            assert "another version" in note
            assert not any("were used" in note for note in found.notes)
    np.testing.assert_array_equal(labels, as_a_whole(image).labels)
    # The version that was stopped can still go on.
    with in_blocks(image, folder, side) as found:
        assert any("were used" in note for note in found.notes)
        assert not any("anew" in note for note in found.notes)
    assert not list(folder.iterdir())


@pytest.mark.slow
def test_a_run_with_other_parameters_begins_anew(opened, folder):
    image = opened("a.tif", (150, 170))
    stop = Checkpoint(lambda *said: stop.stop() if said[2] == "masks" else None)
    with pytest.raises(Cancelled), in_blocks(image, folder, (1, 70, 70), stop):
        pass
    with in_blocks(image, folder, (1, 70, 70), cellprob_threshold=1.0) as found:
        assert not any("earlier" in note for note in found.notes)


@pytest.mark.parametrize("seed", quick_first(1, range(8)))
def test_a_killed_run_goes_on(opened, folder, seed):
    image = opened("a.tif", (260, 260))
    command = [sys.executable, WORKER, image.path, folder, 64]
    worker = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, text=True)
    lines = 0
    wanted = random.Random(seed).randrange(20, 120)
    assert worker.stdout is not None
    for line in worker.stdout:
        lines += line.startswith(("tile", "masks"))
        if lines == wanted:
            break
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    worker.stdout.close()
    assert list(folder.iterdir())
    with in_blocks(image, folder, (1, 64, 64)) as found:
        labels = found.labels.whole()
        assert any("earlier run" in note for note in found.notes)
    np.testing.assert_array_equal(labels, as_a_whole(image).labels)
    assert not list(folder.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits of files are POSIX")
def test_a_full_disk_is_said_and_nothing_is_lost(opened, folder):
    image = opened("a.tif", (260, 260))
    command = [sys.executable, WORKER, image.path, folder, 128, 20_000]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    [refused] = [x for x in done.stdout.splitlines() if x.startswith("refused")]
    assert "could not be saved" in refused
    assert "goes on with the next block" in refused
    [state] = folder.iterdir()
    assert not [*state.glob(".*")]
    with in_blocks(image, folder, (1, 128, 128)) as found:
        assert any("were used" in note for note in found.notes)
        np.testing.assert_array_equal(found.labels.whole(), as_a_whole(image).labels)


def test_a_disk_that_will_not_do_is_said_before(opened, folder, monkeypatch):
    image = opened("a.tif", (260, 260))
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1))
    with (
        pytest.raises(CannotSave, match=r"GB in .* are free"),
        in_blocks(image, folder, (1, 128, 128)),
    ):
        pass


@pytest.mark.slow
@pytest.mark.parametrize("full", [1200, 400])
@pytest.mark.parametrize("diameter", [20.0, 12.0])
def test_a_run_takes_no_more_of_the_disk_than_was_said(
    tmp_path, folder, monkeypatch, full, diameter
):
    random = np.random.default_rng(0)
    y, x = np.indices((full, full)) % 32 - 16
    pixels = random.normal(200, 12, (1200, 1200))
    pixels[:full, :full] += 9000 / (1 + np.exp(np.hypot(y, x) - 10))
    tifffile.imwrite(tmp_path / "a.tif", pixels.round().astype(np.uint16))
    [image] = open_images(tmp_path / "a.tif")
    said = []

    def told(*given, **more):
        said.append(forecast(*given, **more).disk)
        return forecast(*given, **more)

    monkeypatch.setattr(segment_module, "forecast", told)
    with in_blocks(image, folder, (1, 512, 512), diameter=diameter) as found:
        assert found.blocks.skipped_tiles > 0 or full == 1200
        used = size_of(folder)
    assert used < said[0] < 2 * used


@pytest.mark.slow
def test_two_runs_at_the_same_time_do_not_meet(opened, folder):
    image = opened("a.tif", (150, 170))
    with in_blocks(image, folder, (1, 70, 70)) as one:
        with in_blocks(image, folder, (1, 70, 70)) as other:
            np.testing.assert_array_equal(one.labels.whole(), other.labels.whole())
            assert len([*folder.iterdir()]) == 2
        assert one.labels.whole().any()


def test_what_needs_all_of_the_image_is_refused(opened, folder):
    image = opened("a.tif")
    normalization = Normalization(tile_norm_blocksize=64)
    with (
        pytest.raises(ParametersUnfit, match="cannot be run in blocks: normalising"),
        in_blocks(image, folder, (1, 64, 64), normalization=normalization),
    ):
        pass


@pytest.mark.parametrize(
    "points",
    [((30, 20), (110, 90)), ((10, 10), (150, 20), (140, 120), (60, 100))],
    ids=["rectangle", "polygon"],
)
def test_a_region_in_blocks_has_the_cells_of_one_run_as_a_whole(opened, folder, points):
    # Two rows of three tiles, the last of which the region does not need.
    image = opened("a.tif", (300, 600))
    region = Region(points=points)
    whole = as_a_whole(image, region=region)
    with in_blocks(image, folder, (1, 128, 128), region=region) as found:
        labels = found.labels.whole()
        assert 0 < found.blocks.skipped_tiles < found.blocks.tiles
    assert 4 <= labels.max() < 40
    np.testing.assert_array_equal(labels, whole.labels)
    assert len(found.confidence.ids) == labels.max()


def test_a_region_of_one_plane_in_blocks_leaves_the_others_empty(opened, folder):
    image = opened("a.tif", (3, 96, 128), "ZYX")
    region = Region(points=((0, 0), (70, 70)), plane=2)
    with in_blocks(image, folder, (1, 64, 64), region=region) as found:
        labels = found.labels.whole()
    np.testing.assert_array_equal(labels, as_a_whole(image, region=region).labels)
    assert labels[1].any()
    assert not labels[[0, 2]].any()
