"""Training of Cellpose's own CPSAM class, with two small blocks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import DeviceFull
from cellpose_studio.core.models.architecture import SAM
from cellpose_studio.core.models.training import finetuning
from cellpose_studio.engine.device import CPU
from cellpose_studio.engine.networks.network import load
from cellpose_studio.engine.networks.weights import inspect, save_weights
from cellpose_studio.engine.training.request import Request
from cellpose_studio.engine.training.steps import Stepper
from cellpose_studio.engine.training.trainer import train
from tests.engine.training.test_trainer import discs, pair_of


def trained(sam_spec, layers, start=None, **options):
    """Train two crops; return the result and the states."""
    parameters = finetuning(SAM).model_copy(
        update={"n_epochs": 1, "layers": layers, "learning_rate": 1e-2, **options}
    )
    states = []
    request = Request(
        train=[pair_of(discs(n)) for n in range(2)],
        validation=[],
        parameters=parameters,
        parent=sam_spec,
        start=start,
        keep=states.append,
    )
    return train(request, Checkpoint(), lambda _: None), states


@pytest.mark.slow
@pytest.mark.parametrize("layers", ["all", "last", "lora"])
def test_a_transformer_is_trained_in_part_and_runs_as_any_other(
    sam_spec, layers, tmp_path
):
    result, _ = trained(sam_spec, layers)
    before = torch.load(sam_spec.path, weights_only=True)
    after = result.trained.net.state_dict()
    assert before.keys() == after.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    changed -= {"diam_labels", "diam_mean"}
    embedding = {name for name in changed if "pos_embed" in name}
    assert bool(embedding) is (layers == "all")
    linear = "encoder.blocks.0.attn.qkv"
    # Its two blocks are the last two, too; additions leave the offsets as they are.
    assert f"{linear}.weight" in changed
    assert (f"{linear}.bias" in changed) is (layers != "lora")
    path = tmp_path / "trained_sam"
    save_weights(result.trained.net, path)
    spec = inspect(path)
    assert spec.architecture == "sam"
    pixels = np.random.default_rng(0).normal(size=(1, 3, 256, 256))
    outputs = [
        load(one, CPU, precision="float32").run(pixels.astype(np.float32))
        for one in (sam_spec, spec)
    ]
    assert outputs[0].shape == outputs[1].shape == (1, 3, 256, 256)
    assert not np.allclose(*outputs)


@pytest.mark.parametrize(
    ("layers", "hint"),
    [
        (
            "lora",
            "Train the last layers only, close other programs, or train a U-Net.",
        ),
        ("last", "Close other programs, or train a U-Net."),
    ],
)
def test_a_full_gpu_does_not_send_a_transformer_to_the_cpu(
    sam_spec, layers, hint, monkeypatch
):
    def loss(*_):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(Stepper, "_loss", loss)
    with pytest.raises(DeviceFull, match="for this training") as caught:
        trained(sam_spec, layers)
    assert caught.value.hint == hint


@pytest.mark.slow
def test_a_transformer_that_is_resumed_becomes_the_same(sam_spec):
    options = {"n_epochs": 3, "validate_every": 1}
    whole, states = trained(sam_spec, "lora", **options)
    rest, _ = trained(sam_spec, "lora", start=states[0], **options)
    again = rest.trained.net.state_dict()
    for name, one in whole.trained.net.state_dict().items():
        assert torch.equal(one, again[name]), name
