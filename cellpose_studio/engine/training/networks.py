"""The network that a training starts with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from cellpose_studio.core.errors import TrainingSetUnfit
from cellpose_studio.core.models.architecture import UNET, ArchitectureInfo
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.models.training import TrainingParameters
from cellpose_studio.engine.device import Device
from cellpose_studio.engine.networks.loaders import LOADERS
from cellpose_studio.engine.networks.network import load
from cellpose_studio.engine.networks.unet import UNet
from cellpose_studio.engine.training.layers import choose_layers


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainedNetwork:
    """A network in training.

    Attributes
    ----------
    net
        Maps (N, C, Y, X) to a tuple, as in `NetworkLoader`.
    info
        Its architecture.
    inputs
        Channels that it sees.
    diam_mean
        Diameter that cells are scaled to, px.
    """

    net: Any
    info: ArchitectureInfo
    inputs: int
    diam_mean: float

    @property
    def scale_to(self) -> float | None:
        """Diameter that cells are scaled to; None if it sees cells of any size."""
        return self.diam_mean if self.info.scales_images else None

    def blocks(self, net: Any) -> list[nn.Module]:
        """Return the blocks of it, or of a copy of it, in the order of execution."""
        return [*LOADERS[self.info.name].blocks(net)]


def start_network(
    parameters: TrainingParameters,
    parent: ModelSpec | None,
    device: Device,
    check: Callable[[], None],
) -> TrainedNetwork:
    """Return a network to train: a copy of ``parent``, or a U-Net of random weights.

    Raises
    ------
    TrainingSetUnfit
        If ``parent`` is one that cannot be trained.
    ModelUnusable, DeviceFull, ParametersUnfit
    """
    net: Any
    if parent is None:
        net = UNet(parameters.widths)
        net.diam_mean.data[:] = parameters.diam_mean
        info, inputs, diameter = UNET, parameters.widths[0], parameters.diam_mean
    else:
        refuse_untrainable(parent)
        net = load(parent, device, check, "float32").module
        info, inputs = parent.architecture_info, parent.input_channels
        diameter = parent.diam_mean
    choose_layers(net, parameters.layers, not info.scales_images)
    net.to(device.name)
    if info.channels_last:
        net.to(memory_format=torch.channels_last)
    return TrainedNetwork(net=net, info=info, inputs=inputs, diam_mean=diameter)


def refuse_untrainable(parent: ModelSpec) -> None:
    """Raise `TrainingSetUnfit` if a model is a mean of several networks."""
    if parent.architecture == "unet-average":
        raise TrainingSetUnfit(
            f"{parent.label} is the mean of several networks, which cannot be trained "
            "as one.",
            "Train one of its networks: add its weight file under Models.",
        )
