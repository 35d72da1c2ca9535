"""Small U-Nets at the width that Cellpose 1 to 3 expect of every network.

Those programs make a network of 32 to 256 channels, and a style of 256 numbers,
whatever the file holds, and refuse any other. Channels that are 0 everywhere change
nothing, so that a network with them computes the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from cellpose_studio.core.errors import ModelUnusable
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.engine.networks.unet import (
    UNet,
    concatenates,
    is_residual,
    widths_of,
)
from cellpose_studio.engine.networks.weights import read_weights

WIDTHS = (32, 64, 128, 256)
"""Channels of the levels of Cellpose's networks (resnet_torch.py of 3.1.1.3)."""


def write_for_cellpose(spec: ModelSpec, path: Path) -> None:
    """Write the weights of a U-Net as a file that Cellpose 1 to 3 can run.

    Raises
    ------
    ModelUnusable
        If the model cannot be brought to their width, or cannot be read.
    """
    weights = read_weights(spec.path)
    is_unet = spec.architecture == "unet"
    reason = reason_not_widened(weights) if is_unet else "it is no U-Net of their kind"
    if reason:
        raise ModelUnusable(f"{spec.label} was not written: {reason}.")
    # torch refuses names of files that begin with a dot.
    with path.open("wb") as file:
        torch.save(widened(weights), file)


def reason_not_widened(weights: Mapping[str, Tensor]) -> str:
    """Return why a U-Net cannot be brought to `WIDTHS`; "" if it can."""
    widths = widths_of(weights)[1:]
    if widths == WIDTHS:
        return "it has the width that Cellpose 1 to 3 expect: copy the file"
    if not is_residual(weights):
        return "its blocks have no residual connections"
    if concatenates(weights):
        return "its skip connections are concatenated"
    if len(widths) != len(WIDTHS) or any(
        a > b for a, b in zip(widths, WIDTHS, strict=True)
    ):
        return f"it has the widths {widths}, which do not fit into {WIDTHS}"
    return ""


def widened(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of a wider network that computes the same.

    Parameters
    ----------
    weights
        Of a U-Net for which `reason_not_widened` returns "".

    Returns
    -------
    Weights at `WIDTHS` by name; the outputs are equal up to the order of sums.
    """
    inputs = widths_of(weights)[0]
    with torch.device("meta"):
        wide = UNet((inputs, *WIDTHS)).state_dict()
    found = {}
    for name, part in weights.items():
        # A normalisation divides by the variance, also where all is 0.
        fill = torch.ones if name.endswith("running_var") else torch.zeros
        whole = fill(wide[name].shape, dtype=part.dtype)
        whole[tuple(slice(length) for length in part.shape)] = part
        found[name] = whole
    return found
