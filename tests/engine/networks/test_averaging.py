"""Cellpose 1's models of several networks, and the file that lists them."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
import torch

from cellpose_studio.core.errors import ModelUnusable
from cellpose_studio.engine.device import CPU
from cellpose_studio.engine.networks.network import load
from cellpose_studio.engine.networks.unet import UNet
from cellpose_studio.engine.networks.weights import inspect, read_weights, save_weights

WIDTHS = (2, 4, 8)


@pytest.fixture
def members(tmp_path):
    """Weight files as Cellpose 1 wrote them, without diameters."""
    folder = tmp_path / "cellpose"
    folder.mkdir()
    for n in range(4):
        torch.manual_seed(n)
        path = folder / f"cytotorch_{n}"
        save_weights(UNet(WIDTHS), path)
        weights = read_weights(path)
        del weights["diam_mean"], weights["diam_labels"]
        torch.save(weights, path)
    return sorted(folder.iterdir())


def listed(path, members, diam_mean=30.0):
    average = [
        {"file": m.name, "sha256": hashlib.sha256(m.read_bytes()).hexdigest()}
        for m in members
    ]
    path.write_text(json.dumps({"average": average, "diam_mean": diam_mean}))
    return path


@pytest.fixture
def average_file(members):
    return listed(members[0].with_name("mine.average.json"), members)


def outputs_of(path, pixels):
    return load(inspect(path), CPU).run(pixels)


def test_the_output_is_the_mean_of_the_networks_and_the_style_is_the_firsts(
    average_file, members
):
    spec = inspect(average_file)
    assert (spec.name, spec.architecture, spec.input_channels) == (
        "mine",
        "unet-average",
        2,
    )
    assert (spec.diam_mean, spec.diam_labels) == (30.0, 30.0)
    assert spec.sha256 == hashlib.sha256(average_file.read_bytes()).hexdigest()
    pixels = np.random.default_rng(0).normal(size=(3, 2, 16, 20)).astype(np.float32)
    alone = [outputs_of(path, pixels) for path in members]
    assert np.abs(alone[0] - alone[1]).max() > 0.1
    np.testing.assert_allclose(
        outputs_of(average_file, pixels), np.mean(alone, axis=0), atol=1e-6
    )
    image = pixels[0].transpose(1, 2, 0)
    np.testing.assert_allclose(
        load(spec, CPU).style(image),
        load(inspect(members[0]), CPU).style(image),
        atol=1e-6,
    )


def test_the_networks_may_lie_in_cellposes_folder(members, tmp_path, monkeypatch):
    elsewhere = listed(tmp_path / "mine.average.json", members)
    with pytest.raises(ModelUnusable, match=r"cytotorch_0, one of .* is missing"):
        inspect(elsewhere)
    monkeypatch.setenv("CELLPOSE_LOCAL_MODELS_PATH", str(members[0].parent))
    assert inspect(elsewhere).architecture == "unet-average"


def test_another_network_in_the_place_of_one_is_refused(average_file, members):
    torch.manual_seed(99)
    save_weights(UNet(WIDTHS), members[2])
    with pytest.raises(ModelUnusable, match="cytotorch_2 is not the file that mine"):
        inspect(average_file)


def test_networks_of_several_channels_have_no_mean(members):
    save_weights(UNet((1, 4, 8)), members[1])
    path = listed(members[0].with_name("mine.average.json"), members)
    with pytest.raises(ModelUnusable, match="do not fit the network"):
        inspect(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"average": [], "diam_mean": 30}',
        json.dumps(
            {"average": [{"file": "../a", "sha256": "0" * 64}] * 2, "diam_mean": 30}
        ),
        json.dumps(
            {"average": [{"file": "a", "sha256": "0" * 64}] * 2, "diam_mean": 0}
        ),
        "[" * 50_000,
        " " * 100_000,
    ],
)
def test_a_damaged_list_is_refused(tmp_path, text):
    path = tmp_path / "a.average.json"
    path.write_text(text)
    with pytest.raises(ModelUnusable, match=r"a\.average\.json is damaged"):
        inspect(path)
