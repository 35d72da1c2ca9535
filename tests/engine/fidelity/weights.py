"""Weight files to compare with, of the widths of Cellpose's own networks."""

from __future__ import annotations

from pathlib import Path

import torch

from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.engine.networks.unet import UNet
from cellpose_studio.engine.networks.weights import (
    inspect,
    read_weights,
    save_weights,
)
from cellpose_studio.engine.networks.widening import WIDTHS, widened

_NOISE = 0.02


def random_unet(path: Path, seed: int = 0, channels: int = 2, **options) -> Path:
    """Write a network whose outputs depend on every pixel around."""
    torch.manual_seed(seed)
    net = UNet((channels, *WIDTHS), **options)
    for name, number in net.state_dict().items():
        if "running" in name:
            number += 0.3 * torch.rand_like(number)
        elif number.ndim == 4 and not options.get("residual", True):
            # Nothing goes past the convolutions, which would make all pixels alike.
            number *= 2.5
    diameter = 17.0 if "nuclei" in path.name else 30.0
    net.diam_mean.data[:] = net.diam_labels.data[:] = diameter
    save_weights(net, path)
    return path


def start_for_training(path: Path) -> ModelSpec:
    """Write the shipped model of nuclei at Cellpose's width, for it to train on.

    The channels that it does not use get small random weights, so that they take part.
    """
    torch.manual_seed(0)
    weights = widened(read_weights(shipped()[0].path))
    for name, weight in weights.items():
        if weight.ndim == 4:
            fan = weight[0].numel()
            weight += _NOISE * torch.randn_like(weight) / fan**0.5
        elif name.endswith("0.weight"):
            weight[weight == 0] = 1.0
    torch.save(weights, path)
    return inspect(path)
