"""Training of models that are there: which weights change, and what is kept."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from cellpose_studio.core.checkpoint import Checkpoint, StoppedEarly
from cellpose_studio.core.errors import (
    DeviceFull,
    ParametersUnfit,
    TrainingSetUnfit,
)
from cellpose_studio.core.models.training import TrainingImage, TrainingParameters
from cellpose_studio.engine.device import Device
from cellpose_studio.engine.networks.catalogue import from_file
from cellpose_studio.engine.networks.weights import save_weights
from cellpose_studio.engine.threads import torch_threads, use_threads
from cellpose_studio.engine.training.layers import choose_layers, merge_layers
from cellpose_studio.engine.training.request import Request, Validation
from cellpose_studio.engine.training.steps import Stepper
from cellpose_studio.engine.training.trainer import train
from tests.engine.training.test_trainer import LITTLE, discs, pair_of, train_little


@pytest.fixture
def parent(tmp_path):
    """Return a model of a tiny U-Net."""
    net, _ = train_little(n_epochs=1)
    save_weights(net, tmp_path / "parent")
    return from_file(tmp_path / "parent")


def trained(parent, aps=None, stop_early=lambda: None, means=None, **options):
    """Train further; the validation gives these APs, one after another."""
    given = iter(zip(aps or [], means or [()] * len(aps or []), strict=True))
    parameters = {**LITTLE, "n_epochs": 4, "validate_every": 1, **options}
    states = []

    def validate(_):
        ap, mean = next(given)
        return Validation(aps=(ap,), means=mean)

    request = Request(
        train=[pair_of(discs(n)) for n in range(2)],
        validation=[pair_of(discs(9), "validation")] if aps else [],
        parameters=TrainingParameters(**parameters),
        parent=parent,
        validate=validate if aps else None,
        keep=states.append,
        stop_early=stop_early,
    )
    return train(request, Checkpoint(), lambda _: None), states


def test_the_best_epoch_is_kept_and_not_the_last(parent):
    result, states = trained(parent, [0.5, 0.6, 0.9, 0.7, 0.8])
    assert result.state.best_epoch == 2
    assert result.state.aps == ((0.5,), (0.9,))
    second = next(state for state in states if state.epochs == 2)
    weights = result.trained.net.state_dict()
    assert all(torch.equal(weights[n], w) for n, w in second.weights.items())
    assert any(not torch.equal(weights[n], w) for n, w in states[-1].weights.items())
    assert [point[0] for point in result.state.curve] == [0, 1, 2, 3, 4]


def test_the_best_epoch_is_that_of_the_mean_over_several_ious(parent):
    aps, means = [0.5, 0.9, 0.6, 0.7, 0.6], [(0.3,), (0.2,), (0.6,), (0.5,), (0.4,)]
    result, states = trained(parent, aps, means=means)
    assert (result.state.best_epoch, result.state.best_score) == (2, 0.6)
    # The APs that are told are those at one IoU all the same.
    assert result.state.aps == ((0.5,), (0.6,))
    assert [point[3:] for point in result.state.curve] == [
        (ap, mean[0]) for ap, mean in zip(aps, means, strict=True)
    ]
    told = [report.best for report in states[-1].reports(4)]
    assert told == [None, None, 2, 2, 2]


def test_a_training_ends_when_it_gets_no_better(parent):
    result, _ = trained(parent, [0.5, 0.9, *[0.1] * 20], n_epochs=20, patience=3)
    assert result.state.epochs == 4
    assert result.state.best_epoch == 1


def test_an_epoch_before_anything_was_learned_is_not_kept(parent):
    aps = [0.5, 0.9, 0.8, 0.3, 0.6, 0.7, 0.4]
    result, states = trained(parent, aps, n_epochs=6, best_of_last=0.5)
    assert (result.state.best_epoch, result.state.aps) == (5, ((0.5,), (0.7,)))
    # Until then, it is what an early end would keep.
    assert [state.best_epoch for state in states] == [1, 1, 1, 4, 5, 5]
    fifth = states[4].weights
    weights = result.trained.net.state_dict()
    assert all(torch.equal(weights[name], fifth[name]) for name in weights)


def test_patience_begins_where_epochs_can_be_kept(parent):
    aps = [0.5, 0.9, *[0.1] * 20]
    options = {"n_epochs": 20, "patience": 3, "best_of_last": 0.5}
    result, _ = trained(parent, aps, **options)
    # Epochs 11 to 20 can be kept; none after the first of them is better.
    assert (result.state.best_epoch, result.state.epochs) == (11, 14)


def test_the_last_epoch_can_always_be_kept(parent):
    result, _ = trained(parent, [0.5, 0.9, 0.1, 0.1, 0.2], best_of_last=0.01)
    assert result.state.best_epoch == 4


def test_images_without_cells_do_not_make_an_epoch_the_best(parent):
    result, _ = trained(parent, [math.nan, math.nan, 0.2, 0.1, 0.1])
    assert result.state.best_epoch == 2


def test_a_training_that_is_ended_early_keeps_its_best_epoch(parent):
    epochs = []

    def stop_early():
        if len(epochs) > 2:
            raise StoppedEarly

    parameters = TrainingParameters(**{**LITTLE, "n_epochs": 50, "validate_every": 1})
    aps = iter([0.1, 0.8, 0.2, *[0.1] * 60])
    request = Request(
        train=[pair_of(discs(0))],
        validation=[pair_of(discs(9), "validation")],
        parameters=parameters,
        parent=parent,
        validate=lambda _: Validation(aps=(next(aps),)),
        stop_early=stop_early,
    )
    result = train(request, Checkpoint(), epochs.append)
    assert result.state.best_epoch == 1
    assert result.state.epochs < 10


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({}, "Choose a smaller batch, close other programs, or train on the CPU."),
        ({"batch_size": 1}, "Close other programs, or train on the CPU."),
    ],
)
def test_a_gpu_that_is_full_says_what_makes_the_training_smaller(
    parent, monkeypatch, options, hint
):
    steps = []

    def loss(*_):
        steps.append(1)
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(Stepper, "_loss", loss)
    request = Request(
        train=[pair_of(discs(0))],
        validation=[],
        parameters=TrainingParameters(**{**LITTLE, **options}),
        parent=parent,
        device=Device("cpu", "Little GPU"),
    )
    said = "Little GPU has too little memory for this training"
    with pytest.raises(DeviceFull, match=said) as caught:
        train(request, Checkpoint(), lambda _: None)
    assert (steps, caught.value.hint) == ([1], hint)


def test_frozen_statistics_stay_as_they_were(parent):
    result, _ = trained(parent, freeze_norm=True, n_epochs=2)
    before = torch.load(parent.path, weights_only=True)
    after = result.trained.net.state_dict()
    for name, weight in before.items():
        if "running" in name:
            assert torch.equal(after[name], weight)
    name = "downsample.down.res_down_0.conv.conv_0.2.weight"
    assert not torch.equal(after[name], before[name])


@pytest.mark.parametrize("aps", [None, [0.5, 0.6, 0.7]])
def test_the_parent_has_a_share_in_what_is_kept(parent, aps):
    options = {"n_epochs": 2, "freeze_norm": True}
    alone, _ = trained(parent, aps, **options)
    shared, _ = trained(parent, aps, parent_share=0.25, **options)
    before = torch.load(parent.path, weights_only=True)
    found, after = (one.trained.net.state_dict() for one in (shared, alone))
    name = "downsample.down.res_down_0.conv.conv_0.2.weight"
    assert not torch.equal(after[name], before[name])
    torch.testing.assert_close(found[name], 0.25 * before[name] + 0.75 * after[name])


def test_the_last_layers_alone_are_trained(parent):
    result, _ = trained(parent, layers="last", freeze_norm=True, n_epochs=2)
    before = torch.load(parent.path, weights_only=True)
    after = result.trained.net.state_dict()
    changed = {n.split(".")[0] for n in before if not torch.equal(after[n], before[n])}
    assert changed - {"diam_labels"} == {"upsample", "output"}


def test_weights_do_not_depend_on_the_number_of_threads():
    threads = torch_threads()
    try:
        found = []
        for count in (1, 2):
            use_threads(count)
            images = [discs(n) for n in range(8)]
            net, _ = train_little(images, n_epochs=1, batch_size=8)
            found.append(net.state_dict())
    finally:
        use_threads(threads)
    assert all(torch.equal(w, found[1][name]) for name, w in found[0].items())


def test_a_network_that_averages_others_cannot_be_trained(parent):
    average = parent.model_copy(update={"architecture": "unet-average"})
    with pytest.raises(TrainingSetUnfit, match="the mean of several networks"):
        trained(average)


def test_masks_of_another_size_are_said_before_the_training():
    pixels = np.zeros((1, 32, 32), np.float32)
    image = TrainingImage("odd.tif", pixels, np.ones((32, 40), np.uint8))
    with pytest.raises(TrainingSetUnfit, match=r"odd\.tif has the shape \(32, 32\)"):
        train_little([image])


class _Block(nn.Module):
    """A block of a Transformer with the names of segment_anything's."""

    def __init__(self) -> None:
        super().__init__()
        self.attn, self.mlp = nn.Module(), nn.Module()
        self.attn.qkv, self.attn.proj = nn.Linear(8, 24), nn.Linear(8, 8)
        self.mlp.lin1, self.mlp.lin2 = nn.Linear(8, 16), nn.Linear(16, 8)

    def forward(self, x):
        q, k, v = self.attn.qkv(x).chunk(3, -1)
        seen = torch.softmax(q @ k.transpose(-1, -2), -1) @ v
        x = x + self.attn.proj(seen)
        return x + self.mlp.lin2(torch.relu(self.mlp.lin1(x)))


class _Tiny(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Module()
        self.encoder.blocks = nn.ModuleList(_Block() for _ in range(3))
        self.encoder.neck = nn.Linear(8, 8)
        self.out = nn.Linear(8, 3)

    def forward(self, x):
        for block in self.encoder.blocks:
            x = block(x)
        return self.out(self.encoder.neck(x))


def test_additions_to_a_transformer_are_merged_into_it():
    torch.manual_seed(0)
    net, x = _Tiny(), torch.randn(4, 5, 8)
    names, before = net.state_dict().keys(), net(x).detach()
    everything = sum(weight.numel() for weight in net.parameters())
    choose_layers(net, "lora", transformer=True)
    torch.testing.assert_close(net(x), before)
    weights = [weight for weight in net.parameters() if weight.requires_grad]
    frozen = net.encoder.blocks[0].attn.qkv.layer.weight.clone()
    optimizer = torch.optim.AdamW(weights, lr=0.05)
    for _ in range(5):
        optimizer.zero_grad()
        (net(x) ** 2).mean().backward()
        optimizer.step()
    assert torch.equal(net.encoder.blocks[0].attn.qkv.layer.weight, frozen)
    after = net(x).detach()
    assert not torch.allclose(after, before)
    merge_layers(net)
    assert net.state_dict().keys() == names
    torch.testing.assert_close(net(x), after)
    assert everything == sum(weight.numel() for weight in net.parameters())


def test_the_last_layers_of_a_transformer_are_its_last_blocks():
    net = _Tiny()
    choose_layers(net, "last", transformer=True)
    trains = [
        all(weight.requires_grad for weight in block.parameters())
        for block in net.encoder.blocks
    ]
    assert trains == [False, True, True]


def test_a_unet_has_no_layers_for_additions():
    with pytest.raises(ParametersUnfit, match="Only Transformers"):
        choose_layers(SimpleNamespace(), "lora", transformer=False)
