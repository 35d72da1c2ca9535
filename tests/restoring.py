"""Networks that restore images, with random weights, where Cellpose keeps its own."""

from __future__ import annotations

from pathlib import Path

import torch

from cellpose_studio.engine.networks.unet import UNet
from cellpose_studio.engine.networks.weights import save_weights


def restoring_network(folder: Path, name: str, seed: int = 0) -> Path:
    """Write a small network that changes every pixel, and return the file."""
    torch.manual_seed(seed)
    net = UNet((1, 4, 8), outputs=1)
    for key, number in net.state_dict().items():
        if "running" in key:
            number += 0.3 * torch.rand_like(number)
        elif number.ndim == 4:
            # As they are, so few and small weights give the same for every pixel.
            number *= 2
    folder.mkdir(exist_ok=True)
    path = folder / name
    save_weights(net, path)
    return path
