"""Whole runs of the model that ships, on pictures of known cells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.core.errors import (
    ImageUnreadable,
    NotEnoughMemory,
    ParametersUnfit,
)
from cellpose_studio.core.runs.parameters import Normalization, SegmentationParameters
from cellpose_studio.engine.device import CPU, Device
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.engine.networks.network import Network, NetworkCache
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.workflows.segment import segment

MODEL = shipped()[0]
NETWORKS = NetworkCache()


def run(image, checkpoint=None, device=CPU, **parameters):
    given = SegmentationParameters(**{"diameter": 20.0, **parameters})
    return segment(image, MODEL, given, checkpoint or Checkpoint(), device, NETWORKS)


@pytest.fixture
def opened(cells):
    """Return a function that writes a picture of cells and opens it."""
    return lambda *what: open_images(cells(*what))[0]


def of_pixels(path, pixels, axes, **metadata):
    tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": axes, **metadata})
    return open_images(path)[0]


def true_cells(shape):
    """Return the labels of the cells that the fixture draws."""
    y, x = np.indices(shape)
    inside = np.hypot(y % 32 - 16, x % 32 - 16) < 10
    return np.where(inside, 1 + y // 32 * (shape[1] // 32) + x // 32, 0)


def test_every_cell_is_found_where_it_is(opened):
    result = run(opened("a.tif"))
    assert (result.labels.dtype, result.labels.shape) == (np.uint32, (96, 128))
    true = true_cells((96, 128))
    for cell in range(1, 13):
        inside = true == cell
        [found] = np.unique(result.labels[inside & (result.labels > 0)])
        mask = result.labels == found
        assert np.sum(mask & inside) / np.sum(mask | inside) > 0.8
    assert result.labels.max() == 12


def test_a_network_without_attention_refuses_to_fuse_it(opened):
    with pytest.raises(ParametersUnfit, match="cannot be fused"):
        segment(
            opened("a.tif"),
            MODEL,
            SegmentationParameters(),
            Checkpoint(),
            networks=NETWORKS,
            engine="fused-attention",
        )


def test_a_run_says_what_it_was_made_with(opened):
    result = run(opened("a.tif"), diameter=None)
    parameters = result.parameters
    assert parameters.channels == (1, None)
    assert parameters.anisotropy == 1.0
    assert 18 < parameters.diameter < 23
    assert result.flows.diameter == parameters.diameter
    assert (result.device, result.precision, result.notes) == ("CPU", "float32", ())
    assert result.model is MODEL
    assert result.seconds > 0
    settings = result.settings()
    assert settings["diameter"] == parameters.diameter
    assert settings["model_path"] == str(MODEL.path)
    assert settings["normalize_params"]["percentile"] == (1.0, 99.0)


def test_the_same_run_gives_the_same_result(opened):
    one, other = run(opened("a.tif")), run(opened("a.tif"))
    np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_array_equal(one.flows.dP, other.flows.dP)


def test_planes_and_time_points_are_run_each_on_its_own(opened):
    alone = run(opened("a.tif", (64, 64))).labels
    for name, axes in (("z.tif", "ZYX"), ("t.tif", "TYX")):
        labels = run(opened(name, (3, 64, 64), axes)).labels
        assert labels.shape == (3, 64, 64)
        assert [np.unique(plane).tolist() for plane in labels] == [
            [0, 1, 2, 3, 4],
            [0, 5, 6, 7, 8],
            [0, 9, 10, 11, 12],
        ]
        assert np.mean((labels[0] > 0) == (alone > 0)) > 0.98


def test_time_points_of_stacks_are_kept_apart(opened):
    labels = run(opened("a.tif", (2, 3, 64, 64), "TZYX"), stitch_threshold=0.5).labels
    assert labels.shape == (2, 3, 64, 64)
    for t, ids in enumerate(([0, 1, 2, 3, 4], [0, 5, 6, 7, 8])):
        for plane in labels[t]:
            assert np.unique(plane).tolist() == ids


def test_a_volume_becomes_cells_of_three_dimensions(opened):
    result = run(opened("a.tif", (12, 48, 48), "ZYX"), do_3D=True, min_size=100)
    assert result.flows.volumetric
    assert result.parameters.anisotropy == 2.0  # planes of 0.5 µm, pixels of 0.25
    cells = [cell for cell in np.unique(result.labels) if cell]
    assert cells
    planes = [np.ptp(np.nonzero(result.labels == cell)[0]) for cell in cells]
    assert max(planes) > 5


def test_progress_counts_the_tiles_of_all_time_points(opened):
    steps = []
    image = opened("a.tif", (3, 64, 64), "TYX")
    run(image, Checkpoint(lambda *step: steps.append(step)))
    tiles = [step[:2] for step in steps if step[2] == "tile"]
    assert tiles[0] == (0, 3)
    assert tiles[-1] == (3, 3)
    assert [done for done, _ in tiles] == sorted(done for done, _ in tiles)
    assert {step[2] for step in steps} == {"loading the model", "tile", "masks"}


@pytest.mark.parametrize(
    "phase", ["loading the model", "measuring the diameter", "tile", "masks"]
)
def test_a_stop_ends_every_phase(opened, phase):
    def stop_there(done, total, what):
        if what == phase:
            checkpoint.stop()

    checkpoint = Checkpoint(stop_there)
    with pytest.raises(Cancelled):
        run(opened("a.tif", (64, 64)), checkpoint, diameter=None)


def two_channels(path):
    """Return an image whose cells are in the second channel; the first is noise."""
    y, x = np.indices((96, 128)) % 32 - 16
    cells = 2000 / (1 + np.exp(np.hypot(y, x) - 10))
    noise = np.random.default_rng(0).poisson(100, (2, 96, 128)).astype(np.uint16)
    noise[1] += cells.astype(np.uint16)
    return of_pixels(path, noise, "CYX")


def test_the_network_sees_the_channels_that_are_chosen(tmp_path, opened):
    image = two_channels(tmp_path / "two.tif")
    counts = {
        channels: run(image, channels=channels).labels.max()
        for channels in ((), (1,), (2,), (2, None), (0,))
    }
    assert counts[()] == counts[(1,)] < 6
    assert counts[(2,)] == counts[(2, None)] == counts[(0,)] == 12
    assert run(image, channels=(2,)).parameters.channels == (2, None)


def test_the_result_does_not_depend_on_which_other_channels_there_are(tmp_path):
    two = two_channels(tmp_path / "two.tif")
    one = of_pixels(tmp_path / "one.tif", two.plane(0, 1, 0), "YX")
    np.testing.assert_array_equal(
        run(two, channels=(2,)).flows.cellprob, run(one).flows.cellprob
    )


def test_a_colour_picture_is_seen_as_grey(tmp_path):
    pixels = two_channels(tmp_path / "two.tif").plane(0, 1, 0)
    grey = (pixels / pixels.max() * 255).astype(np.uint8)
    path = tmp_path / "colour.tif"
    tifffile.imwrite(path, np.stack([grey] * 3, axis=-1), photometric="rgb")
    image = open_images(path)[0]
    result = run(image)
    assert result.parameters.channels == (0, None)
    assert result.labels.max() == 12


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"channels": (1, 1, 1)}, r"Nuclei \(small\) sees 2 channels, not 3"),
        ({"channels": (3,)}, r"a\.tif has no channel 3: it has 1"),
        ({"channels": (1, 2)}, r"a\.tif has no channel 2: it has 1"),
        ({"channels": (None,)}, r"No channel of a\.tif is chosen"),
        ({"channels": (None, None)}, r"No channel of a\.tif is chosen"),
        ({"do_3D": True}, r"a\.tif is a single plane"),
        ({"diameter": 5000.0}, "diameter is too large"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_in_a_sentence(opened, parameters, said):
    with pytest.raises(ParametersUnfit, match=said):
        run(opened("a.tif", (32, 32)), **parameters)


def test_metadata_that_cannot_be_true_matter_only_to_volumes(tmp_path):
    pixels = np.zeros((2, 32, 32), np.uint16)
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        pixels,
        imagej=True,
        resolution=(4, 4),
        metadata={"axes": "ZYX", "spacing": 500.0, "unit": "um"},
    )
    image = open_images(path)[0]
    assert image.anisotropy == 2000
    assert run(image).parameters.anisotropy == 1.0
    assert run(image, do_3D=True, anisotropy=2.0).parameters.anisotropy == 2.0
    with pytest.raises(ParametersUnfit, match=r"planes of a\.tif are 2e\+03 pixels"):
        run(image, do_3D=True)


def test_normalisation_reaches_the_network(opened, tmp_path):
    image = opened("a.tif")
    plain = run(image).flows.cellprob
    narrow = run(image, normalization=Normalization(percentile=(1.0, 60.0)))
    assert np.abs(narrow.flows.cellprob - plain).max() > 1
    negative = of_pixels(tmp_path / "n.tif", 4000 - image.plane(0, 0, 0), "YX")
    inverted = run(negative, normalization=Normalization(invert=True))
    np.testing.assert_allclose(inverted.flows.cellprob, plain, atol=1e-3)
    assert np.abs(run(negative).flows.cellprob - plain).max() > 1


def test_an_image_without_cells_has_no_masks(tmp_path):
    for value in (0, 100):
        pixels = np.full((64, 64), value, np.uint16)
        image = of_pixels(tmp_path / f"{value}.tif", pixels, "YX")
        assert run(image, diameter=None).labels.max() == 0


def test_a_file_that_has_gone_is_said_to(opened):
    image = opened("a.tif")
    image.path.unlink()
    with pytest.raises(ImageUnreadable, match=r"a\.tif can no longer be read"):
        run(image)


@pytest.fixture
def little_gpu(monkeypatch):
    """A device that has no memory for a single tile."""
    network_start = Network.start

    def with_little_memory(network, tiles):
        if network.device != CPU:
            raise torch.OutOfMemoryError
        return network_start(network, tiles)

    monkeypatch.setattr(Network, "start", with_little_memory)
    # torch takes "cpu:0" for the processor, too.
    return Device("cpu:0", "Little GPU")


def test_the_processor_takes_over_where_a_device_has_too_little_memory(
    opened, little_gpu
):
    image = opened("a.tif", (64, 64))
    result = run(image, device=little_gpu)
    assert result.device == "CPU"
    assert result.notes == ("Little GPU had too little memory, so the CPU was used.",)
    np.testing.assert_array_equal(result.labels, run(image).labels)


def test_a_device_with_room_for_few_tiles_is_recorded(opened):
    [model] = [m for m in shipped() if m.name == "nuclei-small"]
    networks = NetworkCache()
    gpu = Device("cpu:0", "Little GPU")

    def with_little_memory(module, arguments):
        if len(arguments[0]) > 1:
            raise torch.OutOfMemoryError

    networks.get(model, gpu).module.register_forward_pre_hook(with_little_memory)
    image = opened("a.tif", (260, 64))
    parameters = SegmentationParameters(diameter=17.0)
    given = (image, model, parameters, Checkpoint())
    result = segment(*given, gpu, networks)
    assert result.device == "Little GPU"
    assert result.notes == (
        "Little GPU had too little memory for more than one tile at once; the result "
        "is the same.",
    )
    expected = segment(*given, engine="shared-tiles")
    np.testing.assert_array_equal(result.labels, expected.labels)
    assert result.labels.max() > 5


class NoRoom:
    """A reader of an image that does not fit into the computer's memory."""

    def __init__(self) -> None:
        self.times = 0

    def read(self, _):
        self.times += 1
        raise NotEnoughMemory("A part of a.tif does not fit into memory.")


def test_an_image_too_large_for_the_computer_is_not_tried_again(opened, little_gpu):
    reader = NoRoom()
    image = replace(opened("a.tif"), reader=reader)
    with pytest.raises(NotEnoughMemory, match=r"a\.tif does not fit"):
        run(image, device=little_gpu)
    assert reader.times == 1


def test_a_distance_of_planes_that_nobody_says_is_mentioned(opened):
    known = opened("a.tif", (12, 48, 48), "ZYX")
    assert run(known, do_3D=True, min_size=100).notes == ()
    image = replace(known, pixel_size_um=(None, 0.25, 0.25))
    [note] = run(image, do_3D=True, min_size=100).notes
    assert "does not say how far apart its planes are" in note
    assert "set the anisotropy" in note
    assert run(image, do_3D=True, min_size=100, anisotropy=1.0).notes == ()
    assert run(image).notes == ()
