"""The step that restores channels: part by part what the whole image gives."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.core.errors import ModelUnusable, ParametersUnfit
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.runs.preparation.background import SubtractBackground
from cellpose_studio.core.runs.preparation.restore import Restore
from cellpose_studio.core.runs.restoration import RestorationParameters
from cellpose_studio.engine.device import CPU
from cellpose_studio.engine.flows.preparation import restoring
from cellpose_studio.engine.flows.preparation.context import StepContext
from cellpose_studio.engine.flows.preparation.prepared import prepared
from cellpose_studio.engine.flows.preparation.restoring import with_hashes
from cellpose_studio.engine.flows.restore import restore
from cellpose_studio.engine.flows.tiles import TileCounter
from cellpose_studio.engine.networks.network import load
from cellpose_studio.engine.networks.weights import inspect
from tests.images import image_of
from tests.restoring import restoring_network


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Where Cellpose keeps its models; the network for cells is there."""
    folder = tmp_path / "models"
    monkeypatch.setenv("CELLPOSE_LOCAL_MODELS_PATH", str(folder))
    restoring_network(folder, "denoise_cyto3")
    return folder


@pytest.fixture
def pixels() -> np.ndarray:
    random = np.random.default_rng(4)
    noise = gaussian_filter(random.normal(size=(1, 2, 2, 240, 130)), (0, 0, 0, 2, 2))
    return (1000 * (noise - noise.min())).astype(np.uint16)


def everything(image: ImageSource) -> np.ndarray:
    return image.reader.read(tuple(slice(0, n) for n in image.shape))


@pytest.mark.parametrize(
    "diameter",
    [
        pytest.param(None, marks=pytest.mark.slow),
        21.0,
        pytest.param(47.0, marks=pytest.mark.slow),
    ],
)
def test_each_part_is_what_restoring_the_whole_stack_gives(folder, pixels, diameter):
    network = load(inspect(folder / "denoise_cyto3"), CPU)
    given = RestorationParameters(diameter=diameter)
    counter = TileCounter(Checkpoint(), 0)
    expected = restore(network, pixels[0, 0], given, counter)
    step = Restore(diameter=diameter, channel=1)
    image = prepared(image_of(pixels), (step,))
    # Parts first, which find no tiles of the whole image.
    part = (slice(0, 1), slice(0, 1), slice(1, 2), slice(100, 231), slice(60, 129))
    found = image.reader.read(part)[0, 0, 0]
    assert np.ptp(expected) > 0.1
    # The network multiplies the last digits of what is resized.
    atol = 2e-5
    np.testing.assert_allclose(found, expected[1, 100:231, 60:129], atol=atol)
    whole = everything(image)
    np.testing.assert_allclose(whole[0, 0], expected, atol=atol)
    np.testing.assert_array_equal(whole[:, 1], pixels[:, 1])
    np.testing.assert_array_equal(whole[part][0, 0, 0], found)
    box = (slice(0, 1), slice(0, 2), slice(0, 2), slice(210, 235), slice(30, 60))
    np.testing.assert_array_equal(image.reader.read(box), whole[box])


@pytest.mark.slow
def test_pixels_that_are_no_number_stay_so_and_spoil_nothing(pixels):
    holed = pixels[:, :1, :1].astype(np.float64)
    holed[..., 200:, :] = np.nan
    found = everything(prepared(image_of(holed), (Restore(),)))
    np.testing.assert_array_equal(np.isnan(found), np.isnan(holed))
    cut = everything(
        prepared(image_of(np.where(np.isnan(holed), 0.0, holed)), (Restore(),))
    )
    assert np.isfinite(cut).all()


@pytest.mark.slow
def test_pixels_that_float32_cannot_tell_apart_are_restored_all_the_same(pixels):
    low = everything(prepared(image_of(pixels[:, :1, :1]), (Restore(),)))
    high = pixels[:, :1, :1].astype(np.int64) + 2**40
    found = everything(prepared(image_of(high), (Restore(),)))
    np.testing.assert_allclose(found, low, atol=1e-5)


@pytest.mark.slow
def test_it_follows_other_steps_and_a_blank_image_stays_blank(pixels):
    steps = (SubtractBackground(method="gaussian", radius=5), Restore())
    found = everything(prepared(image_of(pixels[:, :1, :1]), steps))
    alone = everything(prepared(image_of(pixels[:, :1, :1]), steps[1:]))
    assert np.abs(found - alone).max() > 1e-3
    blank = everything(prepared(image_of(np.full_like(pixels, 7)), (Restore(),)))
    assert np.isfinite(blank).all()


def test_tiles_are_restored_once_and_reported(pixels, monkeypatch):
    told: list[tuple[int, int]] = []
    checkpoint = Checkpoint(lambda done, total, _: told.append((done, total)))
    image = image_of(pixels[:, :1])
    seen = prepared(image, (Restore(),), StepContext(checkpoint=checkpoint))
    first = everything(seen)
    assert told[-1] == (4, 4)
    monkeypatch.setattr(restoring, "find_restoring", None)
    np.testing.assert_array_equal(everything(seen), first)


def test_a_stop_is_noticed(pixels):
    checkpoint = Checkpoint()
    checkpoint.stop()
    context = StepContext(checkpoint=checkpoint)
    with pytest.raises(Cancelled):
        everything(prepared(image_of(pixels), (Restore(),), context))


def test_a_diameter_beyond_the_image_is_refused(pixels):
    with pytest.raises(ParametersUnfit, match="diameter is too large"):
        everything(prepared(image_of(pixels[..., :150, :]), (Restore(diameter=5000),)))


def test_a_network_that_is_not_installed_is_said_before_pixels_are_read():
    with pytest.raises(ModelUnusable) as error:
        prepared(image_of(), (Restore(model="deblur_nuclei"),))
    assert "deblur_nuclei of Cellpose is not installed" in str(error.value)
    assert "models get deblur_nuclei downloads it" in error.value.in_command_line()


def test_a_step_is_done_by_the_weights_that_it_names_or_not_at_all(folder, pixels):
    background = SubtractBackground()
    named, same = with_hashes((Restore(), background))
    assert same is background
    assert named.sha256 == inspect(folder / "denoise_cyto3").sha256
    assert with_hashes((named,)) == (named,)
    image = prepared(image_of(pixels), (named,))
    restoring_network(folder, "denoise_cyto3", seed=1)
    for use in (lambda: with_hashes((named,)), lambda: everything(image)):
        with pytest.raises(ModelUnusable, match="is not that of the run"):
            use()
    folder.joinpath("denoise_cyto3").write_bytes(b"no weights")
    with pytest.raises(ModelUnusable):
        with_hashes((Restore(),))
