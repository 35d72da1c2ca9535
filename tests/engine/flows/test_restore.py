"""Restored images, against Cellpose 3.1.1.3 and by themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.core.errors import ParametersUnfit
from cellpose_studio.core.runs.parameters import Normalization, SegmentationParameters
from cellpose_studio.core.runs.preparation.restore import Restore
from cellpose_studio.core.runs.restoration import RestorationParameters, enlargement
from cellpose_studio.engine.device import CPU
from cellpose_studio.engine.flows.restore import (
    count_restoring_tiles,
    restore,
    restored_size,
)
from cellpose_studio.engine.flows.tiles import TileCounter
from cellpose_studio.engine.networks.network import Network, load
from cellpose_studio.engine.networks.unet import UNet
from cellpose_studio.engine.networks.weights import inspect, save_weights
from tests.engine.fidelity.cases import (
    COLOURS,
    EMBRYO,
    LARGE,
    NUCLEI,
    middle,
    pixels_of,
)
from tests.engine.fidelity.comparing import (
    Case,
    check_table,
    flow_difference,
    rounded_up,
    run,
)
from tests.engine.fidelity.weights import random_unet


def restored(
    network: Network,
    stack: np.ndarray,
    parameters: RestorationParameters,
    beside_cells: bool = False,
) -> np.ndarray:
    counter = TileCounter(Checkpoint(), 0)
    return restore(network, stack, parameters, counter, beside_cells)


@pytest.fixture
def network(tmp_path) -> Network:
    path = tmp_path / "upsample_little"
    save_weights(UNet((1, 4, 8), outputs=1), path)
    return load(inspect(path), CPU)


@pytest.mark.parametrize(
    ("name", "diameter", "ratio"),
    [
        ("upsample_cyto3", 15.0, 2.0),
        ("upsample_cyto3", 30.0, 1.0),
        ("upsample_cyto3", 2.9, 1.0),
        ("upsample_cyto3", None, 1.0),
        ("denoise_cyto3", 15.0, 1.0),
        ("oneclick_cyto3", 15.0, 1.0),
    ],
)
def test_only_upsampling_enlarges_and_only_small_cells(name, diameter, ratio):
    assert enlargement(name, 30.0, diameter) == ratio


def test_all_tiles_are_counted_before(network):
    told = []
    parameters = RestorationParameters(diameter=20.0)
    tiles = count_restoring_tiles(network, (2, 70, 90), parameters)
    checkpoint = Checkpoint(lambda done, total, _: told.append((done, total)))
    counter = TileCounter(checkpoint, tiles)
    image = np.random.default_rng(0).random((2, 70, 90))
    found = restore(network, image, parameters, counter)
    assert found.shape == (2, *restored_size(network.spec, parameters, (70, 90)))
    assert found.shape == (2, 105, 135)
    assert told[-1] == (tiles, tiles)


def test_a_stop_ends_it(network):
    checkpoint = Checkpoint()
    checkpoint.stop()
    image = np.zeros((1, 40, 40))
    with pytest.raises(Cancelled):
        restore(network, image, RestorationParameters(), TileCounter(checkpoint, 1))


def test_a_diameter_beyond_the_image_is_refused(network):
    with pytest.raises(ParametersUnfit, match="diameter is too large"):
        restored(network, np.zeros((1, 40, 40)), RestorationParameters(diameter=4000))


@pytest.mark.slow
def test_restored_images_are_those_of_cellpose_3(cellpose_3, shared_data):
    # The names of published networks, from which Cellpose takes their diameters.
    names = ("denoise_cyto3", "denoise_nuclei", "upsample_cyto3", "deblur_nuclei")
    networks = {
        name: load(
            inspect(
                random_unet(cellpose_3.folder / name, seed=n, channels=1, outputs=1)
            ),
            CPU,
        )
        for n, name in enumerate(names)
    }
    nuclei = middle(pixels_of(shared_data / NUCLEI), 120, 150)
    large = middle(pixels_of(shared_data / LARGE), 300, 400)
    colours = middle(pixels_of(shared_data / COLOURS), 100, 120)
    stack = middle(pixels_of(shared_data / EMBRYO), 4, 80, 90)
    runs: list[tuple[str, str, np.ndarray, dict[str, Any], dict[str, Any]]] = [
        ("as it is", "denoise_cyto3", nuclei, {}, {}),
        ("diameter 17.5 px", "denoise_cyto3", nuclei, {"diameter": 17.5}, {}),
        ("diameter 48 px", "denoise_cyto3", nuclei, {"diameter": 48.0}, {}),
        ("many tiles", "denoise_cyto3", large, {"diameter": 33.0}, {}),
        ("network for nuclei, 25 px", "deblur_nuclei", nuclei, {"diameter": 25.0}, {}),
        (
            "tile overlap 0.3",
            "denoise_cyto3",
            large,
            {"diameter": 36.0, "tile_overlap": 0.3},
            {},
        ),
        ("sharpened, radius 4 px", "denoise_cyto3", nuclei, {}, {"sharpen_radius": 4}),
        ("inverted", "denoise_cyto3", nuclei, {}, {"invert": True}),
        ("percentiles 3, 98", "denoise_cyto3", nuclei, {}, {"percentile": (3, 98)}),
        ("not normalised", "denoise_cyto3", nuclei, {}, {"normalize": False}),
        ("six planes", "denoise_cyto3", stack, {"diameter": 22.0}, {}),
        ("upsampled 1.5 times", "upsample_cyto3", nuclei, {"diameter": 20.0}, {}),
        ("upsampling of large cells", "upsample_cyto3", nuclei, {"diameter": 35.0}, {}),
    ]
    jobs, ours = [], []
    for _, name, pixels, options, normalising in runs:
        normalization = Normalization(**normalising)
        parameters = RestorationParameters(normalization=normalization, **options)
        ours.append([restored(networks[name], pixels[0], parameters)])
        jobs.append(job(name, pixels, parameters, [0, 0]))
    # Nuclei beside cells. Cellpose loads another network for them if it is told to, but
    # does not run it.
    parameters = RestorationParameters(diameter=40.0)
    network = networks["denoise_cyto3"]
    for chan2 in (False, True):
        ours.append(
            [
                restored(network, colours[1], parameters),
                restored(network, colours[2], parameters, beside_cells=True),
            ]
        )
        jobs.append(job("denoise_cyto3", colours, parameters, [2, 3], chan2=chan2))
    titles = [
        *(f"{network}, {title}" for title, network, *_ in runs),
        "denoise_cyto3, two channels",
        "denoise_cyto3, two channels, the second as chan2",
    ]
    rows = []
    for title, found, theirs in zip(titles, ours, cellpose_3.run(jobs), strict=True):
        image = theirs["image"]
        image = image if image.ndim == 4 else image[None]
        mine = np.stack(found, axis=-1)
        assert mine.shape == image.shape, title
        difference = float(np.abs(mine - image).max() / np.abs(image).max())
        rows.append((title, rounded_up(difference)))
        assert difference < 1e-5, title
    check_table("restored images of 3.1.1.3", ("Run", "Largest difference"), rows)


@pytest.mark.slow
def test_runs_on_restored_images_are_those_of_cellpose_3(
    cellpose_3, shared_data, tmp_path, monkeypatch
):
    monkeypatch.setenv("CELLPOSE_LOCAL_MODELS_PATH", str(cellpose_3.folder))
    for n, name in enumerate(("oneclick_cyto3", "denoise_nuclei")):
        random_unet(cellpose_3.folder / name, seed=n, channels=1, outputs=1)
    model = inspect(random_unet(tmp_path / "random"))
    nuclei = middle(pixels_of(shared_data / NUCLEI), 120, 150)
    large = middle(pixels_of(shared_data / LARGE), 300, 400)
    stack = middle(pixels_of(shared_data / EMBRYO), 4, 80, 90)
    rows = []
    cases = []
    for title, name, pixels, options in (
        ("diameter 24 px", "oneclick_cyto3", nuclei, {"diameter": 24.0}),
        ("many tiles", "oneclick_cyto3", large, {"diameter": 40.0}),
        ("network for nuclei", "denoise_nuclei", nuclei, {"diameter": 19.0}),
        (
            "planes, joined",
            "oneclick_cyto3",
            stack,
            {"diameter": 22.0, "stitch_threshold": 0.2},
        ),
    ):
        step = Restore(model=name, diameter=options["diameter"])
        given = SegmentationParameters(
            channels=(1, None), preparation=(step,), **options
        )
        cases.append((name, Case(f"{name}, {title}", pixels, given)))
    jobs = [
        {
            "do": "restored_masks",
            "image": case.cellposes_image,
            "model": {"pretrained_model": str(model.path), "restore_type": name},
            "options": case.cellpose_3_options(),
        }
        for name, case in cases
    ]
    for (_, case), theirs in zip(cases, cellpose_3.run(jobs), strict=True):
        flows = run(case, model).flows
        assert flows is not None
        difference = flow_difference(flows, theirs)
        rows.append((case.name, rounded_up(difference)))
        assert difference < 1e-5, case.name
    head = ("Run", "Largest difference")
    check_table("flows of restored images of 3.1.1.3", head, rows)


def job(
    name: str,
    pixels: np.ndarray,
    parameters: RestorationParameters,
    channels: list[int],
    **model: Any,
) -> dict[str, Any]:
    image = pixels.transpose(1, 2, 3, 0)
    planes = len(image) > 1
    return {
        "do": "restored",
        "image": image if planes else image[0],
        "model": {"model_type": name, **model},
        "options": {
            "channels": channels,
            "channel_axis": -1,
            "z_axis": 0 if planes else None,
            "diameter": parameters.diameter,
            "tile_overlap": parameters.tile_overlap,
            "normalize": {**parameters.normalization.model_dump(), "lowhigh": None},
        },
    }
