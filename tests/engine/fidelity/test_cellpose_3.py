"""Whole runs against Cellpose 3.1.1.3, on the same weights of its own widths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.device import CPU
from cellpose_studio.engine.estimates.diameter import (
    estimate_diameter,
    measure_diameter,
)
from cellpose_studio.engine.flows.prepare import network_input
from cellpose_studio.engine.networks.network import load
from cellpose_studio.engine.networks.weights import inspect, read_weights
from tests.engine.fidelity.cases import (
    EMBRYO,
    NUCLEI,
    TRAIN,
    VALIDATION,
    masks_of,
    middle,
    nucleus_file,
    option_cases,
    pixels_of,
    width_of_cells,
)
from tests.engine.fidelity.comparing import (
    Case,
    check_masks,
    check_table,
    flow_difference,
    rounded_up,
    run,
)
from tests.engine.fidelity.weights import random_unet, start_for_training
from tests.other_cellpose import OtherCellpose

pytestmark = pytest.mark.slow


def by_cellpose_3(
    cellpose: OtherCellpose, model: ModelSpec, cases: list[Case]
) -> list[dict[str, np.ndarray]]:
    jobs = [
        {
            "do": "masks",
            "image": case.cellposes_image,
            "model": {"pretrained_model": str(model.path)},
            "options": case.cellpose_3_options(),
        }
        for case in cases
    ]
    return cellpose.run(jobs)


@pytest.fixture(scope="module")
def trained(cellpose_3, shared_data, tmp_path_factory) -> ModelSpec:
    """A network that Cellpose 3 has trained for six epochs on four real images."""
    start = start_for_training(tmp_path_factory.mktemp("start") / "start")
    files = [nucleus_file(shared_data, name) for name in TRAIN[:4]]
    options = {
        "channels": [0, 0],
        "n_epochs": 6,
        "batch_size": 4,
        "learning_rate": 1e-4,
        "bsize": 112,
    }
    job = {
        "do": "train",
        "images": [pixels_of(file)[0, 0] for file in files],
        "labels": [masks_of(file) for file in files],
        "weights": str(start.path),
        "name": "trained",
        "options": options,
    }
    cellpose_3.run([job])
    model = inspect(cellpose_3.folder / "models" / "trained")
    assert model.sha256 != start.sha256
    return model


def test_flows_of_random_weights_are_the_same(cellpose_3, shared_data, tmp_path):
    model = inspect(random_unet(tmp_path / "random"))
    cases = option_cases(shared_data)
    rows = []
    for case, theirs in zip(
        cases, by_cellpose_3(cellpose_3, model, cases), strict=True
    ):
        flows = run(case, model).flows
        assert flows is not None
        difference = flow_difference(flows, theirs)
        rows.append((case.name, rounded_up(difference)))
        assert difference < 1e-5, case.name
    check_table("flows of 3.1.1.3", ("Run", "Largest difference"), rows)


def test_masks_of_real_images_are_the_same(cellpose_3, shared_data, trained):
    cases = mask_cases(shared_data)
    found = by_cellpose_3(cellpose_3, trained, cases)
    counts = check_masks("masks of 3.1.1.3", trained, cases, found)
    # Few cells are in the middles of some images.
    assert min(counts) >= 3, counts
    assert sum(counts) >= 200, counts


def mask_cases(data: Path) -> list[Case]:
    """Real images with the width of their cells, and some options on one of them."""
    cases = []
    for name in VALIDATION:
        file = nucleus_file(data, name)
        given = SegmentationParameters(
            channels=(1, None), diameter=width_of_cells(masks_of(file))
        )
        pixels = middle(pixels_of(file), 200, 200)
        cases.append(Case(f"nuc_{name}", pixels, given))
    case = cases[2]
    for name, options in {
        "not resampled": {"resample": False},
        "flipped tiles averaged": {"augment": True},
        "cell probability above -1.5, all flows": {
            "cellprob_threshold": -1.5,
            "flow_threshold": 0.0,
        },
        "flow threshold 0.2, at least 80 px": {"flow_threshold": 0.2, "min_size": 80},
        "60 steps": {"niter": 60},
    }.items():
        cases.append(case.changed(name, options))
    stack = middle(pixels_of(data / EMBRYO), 12, 70, 70)
    for name, options in {
        "planes, joined": {"stitch_threshold": 0.2},
        "volume": {"do_3D": True, "anisotropy": 1.75 / 0.8},
    }.items():
        given = SegmentationParameters(channels=(1, None), diameter=14.7, **options)
        cases.append(Case(f"embryo, {name}", stack, given))
    return cases


def test_published_size_models_give_the_same_diameters(
    cellpose_3, shared_data, trained, tmp_path
):
    rng = np.random.default_rng(3)
    sizes = tmp_path / "size_trained.npy"
    values = {
        "A": rng.normal(0, 0.3, 256),
        "smean": rng.normal(0, 0.05, 256),
        "diam_mean": np.float64(trained.diam_mean),
        "ymean": np.float64(0.1),
    }
    np.save(sizes, values)
    weights = tmp_path / "trained"
    # As in all published models. Cellpose scales other images for the estimate, but
    # not what it has estimated.
    values_of = read_weights(trained.path)
    values_of["diam_labels"] = values_of["diam_mean"].clone()
    torch.save(values_of, weights)
    network = load(inspect(weights), CPU)
    assert network.sizes is not None
    files = [nucleus_file(shared_data, name) for name in VALIDATION[:3]]
    jobs = [
        {
            "do": "diameter",
            "image": middle(pixels_of(file)[0, 0], 200, 200),
            "weights": str(weights),
            "sizes": str(sizes),
            "options": {"channels": [0, 0]},
        }
        for file in files
    ]
    parameters = SegmentationParameters(channels=(1, None))
    rows = []
    for file, theirs in zip(files, cellpose_3.run(jobs), strict=True):
        pixels = middle(pixels_of(file), 200, 200)
        plane = network_input((1, None), pixels, parameters.normalization, False)[0]
        estimate = estimate_diameter(network, plane)
        measured = measure_diameter(network, plane, parameters, Checkpoint())
        assert estimate == pytest.approx(float(theirs["estimate"]), rel=1e-4)
        rows.append(
            (
                file.stem,
                f"{float(theirs['estimate']):.2f} / {estimate:.2f}",
                f"{float(theirs['measured']):.1f} / {measured:.1f}",
                f"{width_of_cells(masks_of(file)):.1f}",
            )
        )
    head = ("Image", "Estimate, Cellpose / here", "Measured", "True")
    check_table("size models of 3.1.1.3", head, rows)


def test_a_network_with_one_input_is_the_same(cellpose_3, shared_data, tmp_path):
    model = inspect(random_unet(tmp_path / "one", channels=1))
    given = SegmentationParameters(channels=(1,), diameter=30.0)
    pixels = middle(pixels_of(shared_data / NUCLEI), 80, 100)
    case = Case("one input", pixels, given)
    jobs = [
        {
            "do": "masks",
            "image": case.cellposes_image,
            "model": {"pretrained_model": str(model.path), "nchan": 1},
            "options": {**case.cellposes_options(), "channels": None},
        }
    ]
    flows = run(case, model).flows
    assert flows is not None
    assert flow_difference(flows, cellpose_3.run(jobs)[0]) < 1e-5
