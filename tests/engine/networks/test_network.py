"""Loading networks, and stopping them between their blocks."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.core.errors import ModelUnusable
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.device import CPU
from cellpose_studio.engine.flows.compute import flows_of_planes
from cellpose_studio.engine.flows.tiles import TileCounter
from cellpose_studio.engine.networks.network import NetworkCache, load
from cellpose_studio.engine.networks.size_model import (
    SizeModel,
    save_size_model,
    size_model_path,
)
from cellpose_studio.engine.networks.unet import UNet
from cellpose_studio.engine.networks.weights import inspect, read_weights, save_weights


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


def test_a_u_net_runs_with_the_weights_of_its_file(unet_file, unet):
    plain = UNet((2, 4, 8, 16))
    plain.load_state_dict(read_weights(unet_file))
    tiles = noise(3, 2, 64, 48)
    with torch.no_grad():
        expected = plain.eval()(torch.from_numpy(tiles))[0].numpy()
    np.testing.assert_allclose(unet.run(tiles), expected, atol=1e-5)
    assert expected.std() > 0.01
    assert (unet.tile, unet.precision, unet.device) == (224, "float32", CPU)


def test_concatenated_skip_connections_are_seen_in_the_file(tmp_path):
    save_weights(UNet((1, 4, 8), concatenation=True), tmp_path / "joined")
    network = load(inspect(tmp_path / "joined"), CPU)
    assert network.run(noise(1, 1, 32, 32)).shape == (1, 3, 32, 32)


def test_a_transformer_runs_as_in_cellpose(sam_spec):
    from cellpose.vit import CPSAM

    cellposes = CPSAM()
    cellposes.load_model(sam_spec.path, torch.device("cpu"), strict=True)
    tiles = noise(1, 3, 256, 256)
    with torch.no_grad():
        expected = cellposes.eval()(torch.from_numpy(tiles))[0].numpy()
    network = load(sam_spec, CPU)
    np.testing.assert_allclose(network.run(tiles), expected, atol=1e-5)
    assert network.tile == 256
    assert len(network.blocks) == 5


def test_fused_attention_is_that_of_cellpose_but_for_the_last_digits(sam_spec):
    in_steps = load(sam_spec, CPU)
    assert in_steps.engine == "shared-tiles"
    attentions = [block.attn for block in in_steps.module.encoder.blocks]
    with torch.no_grad():
        for attention in attentions:
            # The distance of tokens has to count.
            attention.rel_pos_h.normal_(0, 0.3)
            attention.rel_pos_w.normal_(0, 0.3)
    fused = replace(in_steps, engine="fused-attention")
    tiles = noise(2, 3, 256, 256)
    before = in_steps.run(tiles)
    np.testing.assert_allclose(fused.run(tiles), before, atol=1e-5)
    # Cellpose's own way is left as it was.
    np.testing.assert_array_equal(in_steps.run(tiles), before)


def test_without_the_package_dinov3_the_user_is_told(tmp_path):
    names = ("encoder.cls_token", "encoder.norm.weight", "W2")
    torch.save({name: torch.zeros(2) for name in names}, tmp_path / "dino")
    with pytest.raises(ModelUnusable, match="needs the package dinov3"):
        load(inspect(tmp_path / "dino"), CPU)


def test_weights_that_do_not_fit_are_refused(unet_file):
    weights = read_weights(unet_file)
    del weights["downsample.down.res_down_2.conv.conv_3.2.bias"]
    torch.save(weights, unet_file)
    with pytest.raises(ModelUnusable, match="weights of little do not fit the network"):
        load(inspect(unet_file), CPU)


def test_a_file_that_changed_since_it_was_chosen_is_refused(unet_spec):
    save_weights(UNet((2, 4, 8, 16)), unet_spec.path)
    with pytest.raises(ModelUnusable, match="little has changed since it was chosen"):
        load(unet_spec, CPU)


def test_a_file_that_has_gone_is_named(unet_spec):
    unet_spec.path.unlink()
    with pytest.raises(ModelUnusable, match="little cannot be opened"):
        load(unet_spec, CPU)


def test_the_last_network_is_kept_and_leaves_before_the_next_one_comes(
    unet_spec, tmp_path, monkeypatch
):
    networks = NetworkCache()
    first = networks.get(unet_spec, CPU)
    assert networks.get(unet_spec, CPU) is first

    save_weights(UNet((1, 4, 8)), tmp_path / "other")
    other = inspect(tmp_path / "other")
    alive = weakref.ref(first.module)
    del first
    seen = []

    def watching_load(*what):
        gc.collect()
        seen.append(alive())
        return load(*what)

    monkeypatch.setattr("cellpose_studio.engine.networks.network.load", watching_load)
    assert networks.get(other, CPU).spec == other
    assert seen == [None]


def test_another_precision_is_another_network(sam_spec):
    networks = NetworkCache()
    usual = networks.get(sam_spec, CPU)
    assert usual.precision == "float32"
    assert networks.get(sam_spec, CPU, precision="float32") is usual
    other = networks.get(sam_spec, CPU, precision="bfloat16")
    assert other.precision == "bfloat16"
    assert next(other.module.parameters()).dtype == torch.bfloat16


def test_a_unet_runs_in_bfloat16_only_if_told_to(unet_spec, unet):
    half = NetworkCache().get(unet_spec, CPU, precision="bfloat16")
    tiles = noise(1, 2, 64, 48)
    expected = unet.run(tiles)
    difference = np.abs(half.run(tiles) - expected)
    # Eight bits of a number are left.
    assert 0 < difference.mean() < 0.02 * expected.std()
    image = noise(64, 48, 2)
    assert half.style(image) == pytest.approx(unet.style(image), abs=0.02)


def test_loading_can_be_stopped(unet_spec):
    checkpoint = Checkpoint()
    checkpoint.stop()
    with pytest.raises(Cancelled):
        NetworkCache().get(unet_spec, CPU, checkpoint.check)


def test_every_block_is_watched_and_no_longer_than_asked(unet):
    calls = []
    with unet.watched(lambda: calls.append(1)):
        unet.run(noise(1, 2, 16, 16))
    assert len(calls) == len(unet.blocks) == 6
    unet.run(noise(1, 2, 16, 16))
    assert len(calls) == 6


def test_a_stop_takes_effect_at_the_next_block(unet):
    checkpoint = Checkpoint()
    ran = []

    def before_block() -> None:
        checkpoint.check()
        ran.append(1)
        if len(ran) == 3:
            checkpoint.stop()

    with pytest.raises(Cancelled), unet.watched(before_block):
        unet.run(noise(1, 2, 16, 16))
    assert len(ran) == 3
    assert unet.run(noise(1, 2, 16, 16)).shape == (1, 3, 16, 16)


@pytest.mark.slow
def test_cpsam_at_its_full_size_stops_at_the_next_block(tmp_path):
    from cellpose.vit import CPSAM

    net = CPSAM()
    torch.save(net.state_dict(), tmp_path / "cpsam")
    del net
    network = load(inspect(tmp_path / "cpsam"), CPU)
    checkpoint = Checkpoint()
    begun = []

    def begin(*_) -> None:
        begun.append(True)
        if len(begun) == 3:
            checkpoint.stop()

    # A block is a small part of the time of a tile.
    assert len(network.blocks) >= 24
    for block in network.blocks:
        block.register_forward_pre_hook(begin)
    parameters = SegmentationParameters(diameter=30)
    counter = TileCounter(checkpoint, 4)
    with pytest.raises(Cancelled):
        flows_of_planes(network, noise(1, 400, 400, 3), parameters, 30.0, counter)
    assert len(begun) == 3


def test_the_size_model_of_another_network_is_refused(unet_spec):
    model = SizeModel(
        weights=np.ones(8), mean_style=np.ones(8), mean_log=0.1, diam_mean=17.0
    )
    save_size_model(model, size_model_path(unet_spec.path))
    with pytest.raises(ModelUnusable, match="the size model of another network"):
        load(unet_spec, CPU)
