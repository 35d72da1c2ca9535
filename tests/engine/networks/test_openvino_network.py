"""U-Nets run by OpenVINO, where that is installed, beside torch."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.core.errors import ModelUnusable, ParametersUnfit
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.device import CPU, cpu_computes_bfloat16
from cellpose_studio.engine.flows.compute import flows_of_planes
from cellpose_studio.engine.flows.tiles import TileCounter
from cellpose_studio.engine.networks.network import load
from cellpose_studio.engine.networks.openvino_network import OpenVinoNetwork
from cellpose_studio.engine.networks.unet import UNet
from cellpose_studio.engine.networks.weights import inspect, save_weights
from cellpose_studio.engine.threads import torch_threads, use_threads
from cellpose_studio.engine.versions import has_openvino, versions
from cellpose_studio.paths import cache_dir
from cellpose_studio.workflows.segment import with_engine

needs_openvino = pytest.mark.skipif(not has_openvino(), reason="an optional package")


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("CELLPOSE_STUDIO_HOME", str(tmp_path / "home"))
    return cache_dir() / "openvino"


@pytest.mark.skipif(has_openvino(), reason="it is installed")
def test_a_run_that_needs_openvino_says_so_where_it_is_not_installed(unet):
    with pytest.raises(ModelUnusable, match="needs OpenVINO, which is not installed"):
        with_engine(unet, "openvino")


def test_a_transformer_is_refused(sam_spec):
    with pytest.raises(ParametersUnfit, match="OpenVINO does not run"):
        with_engine(load(sam_spec, CPU), "openvino")


def test_its_version_is_recorded_with_runs_that_used_it():
    assert "openvino" not in versions()
    assert bool(versions("openvino").get("openvino")) is has_openvino()


@needs_openvino
@pytest.mark.parametrize(
    "options", [{}, {"concatenation": True}, {"residual": False}, {"style": False}]
)
def test_outputs_are_those_of_torch_but_for_the_last_digits(options, tmp_path, home):
    style = options.pop("style", True)
    path = tmp_path / ("little" if style else "little_style_off")
    save_weights(UNet((2, 4, 8, 16), **options), path)
    network = load(inspect(path), CPU)
    other = with_engine(network, "openvino")
    for size in ((64, 48), (224, 224)):
        tiles = noise(1, 2, *size)
        expected = network.run(tiles)
        found = other.runner(tiles.shape)(tiles)
        np.testing.assert_allclose(found, expected, atol=2e-5 * np.abs(expected).max())
        assert expected.std() > 0.01


@needs_openvino
def test_the_number_of_threads_changes_no_bit_and_a_stop_leaves(unet, home):
    network = with_engine(unet, "openvino")
    stack = noise(1, 500, 300, 2)
    parameters = SegmentationParameters()
    before = torch_threads()
    found = []
    try:
        for threads in (1, 3):
            use_threads(threads)
            counter = TileCounter(Checkpoint(), 9)
            found.append(flows_of_planes(network, stack, parameters, 20.0, counter))
    finally:
        use_threads(before)
    np.testing.assert_array_equal(found[0].cellprob, found[1].cellprob)

    def report(done: int, total: int, what: str) -> None:
        if done == 2:
            checkpoint.stop()

    checkpoint = Checkpoint(report)
    with pytest.raises(Cancelled):
        flows_of_planes(network, stack, parameters, 20.0, TileCounter(checkpoint, 9))


@needs_openvino
def test_the_converted_network_is_kept_and_made_again_if_damaged(unet_spec, home):
    tiles = noise(1, 2, 64, 64)

    def run() -> np.ndarray:
        network = with_engine(load(unet_spec, CPU), "openvino")
        return network.runner(tiles.shape)(tiles)

    first = run()
    [file] = home.iterdir()
    whole, changed = file.read_bytes(), file.stat().st_mtime_ns
    np.testing.assert_array_equal(run(), first)
    assert file.stat().st_mtime_ns == changed

    damaged = bytearray(whole)
    damaged[len(whole) * 2 // 3] ^= 255
    for content in (bytes(damaged), whole[: len(whole) // 2], b""):
        file.write_bytes(content)
        np.testing.assert_array_equal(run(), first)
        with zipfile.ZipFile(file) as archive:
            assert archive.testzip() is None
    [_] = home.iterdir()


@needs_openvino
def test_bfloat16_is_refused_where_it_would_be_float32(unet, home):
    half = OpenVinoNetwork(unet.module, 2, ("weights", "unet"), "bfloat16")
    if cpu_computes_bfloat16():
        half.runner((1, 2, 64, 64))
    else:
        with pytest.raises(ParametersUnfit, match="no units for bfloat16"):
            half.runner((1, 2, 64, 64))
