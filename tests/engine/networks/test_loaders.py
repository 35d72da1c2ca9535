"""Each architecture of the table can be read and built."""

from __future__ import annotations

import pytest
import torch

from cellpose_studio.core.models.architecture import ARCHITECTURES
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.engine.networks.averaging import joined
from cellpose_studio.engine.networks.loaders import LOADERS
from cellpose_studio.engine.networks.unet import UNet

SAM = {"W2": torch.zeros(1), "encoder.pos_embed": torch.zeros(1)}
UNET = UNet((2, 4, 8)).state_dict()
FILES = {"unet-style-off": "cellpose_residual_on_style_off_concatenation_off_a"}
WEIGHTS = {
    "unet": UNET,
    "unet-style-off": UNET,
    "unet-average": joined([UNET, UNET]),
    "unet-restoration": UNet((1, 4, 8), outputs=1).state_dict(),
    "sam": SAM,
    "dino": SAM | {"encoder.cls_token": torch.zeros(1, 1, 8)},
}


def test_every_architecture_has_a_loader_and_the_reverse():
    assert LOADERS.keys() == ARCHITECTURES.keys() == WEIGHTS.keys()
    assert all(info.name == name for name, info in ARCHITECTURES.items())


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_are_recognised_by_their_own_loader_only(name):
    weights, file = WEIGHTS[name], FILES.get(name, "a_model")
    assert [n for n, one in LOADERS.items() if one.recognises(weights, file)] == [name]
    assert LOADERS[name].reason_unfit(weights, file) == ""


def test_a_model_of_an_unknown_architecture_is_refused(tmp_path):
    facts = {"name": "a", "path": tmp_path / "a", "sha256": "", "input_channels": 2}
    sizes = {"diam_mean": 30.0, "diam_labels": 30.0}
    ModelSpec(**facts, **sizes, architecture="unet")
    with pytest.raises(ValueError, match=r"is none of unet, .*, sam, dino"):
        ModelSpec(**facts, **sizes, architecture="mlp")
