"""Several U-Nets whose mean output is one model, as in Cellpose 1.

Its models come as four weight files, of trainings that differ in the seed
(``UnetModel._run_nets`` of 1.0.2). Here, a small JSON file lists them with their
hashes, so that its own hash stands for all of their weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from cellpose_studio.engine.networks import unet

_PREFIX = "nets.{}."


class AveragedUNets(nn.Module):
    """The mean of the outputs of several U-Nets, with the style of the first.

    Parameters
    ----------
    nets
        Networks of one number of input channels.
    """

    def __init__(self, nets: list[unet.UNet]) -> None:
        super().__init__()
        # Weights have these two, and load into a network strictly.
        self.diam_mean = nn.Parameter(torch.tensor([30.0]), requires_grad=False)
        self.diam_labels = nn.Parameter(torch.tensor([30.0]), requires_grad=False)
        self.nets = nn.ModuleList(nets)

    @property
    def widths(self) -> tuple[int, ...]:
        """Widths of the first network, from which the style comes."""
        return self._nets[0].widths

    @property
    def blocks(self) -> list[nn.Module]:
        """The parts that take most of the time, in the order of execution."""
        return [block for net in self._nets for block in net.blocks]

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Map (N, C, Y, X) pixels to (N, 3, Y, X) outputs and (N, S) styles."""
        results = [net(pixels) for net in self._nets]
        outputs = torch.stack([output for output, _ in results]).mean(dim=0)
        # Cellpose estimates diameters with the first network only.
        return outputs, results[0][1]

    @property
    def _nets(self) -> list[unet.UNet]:
        return list(self.nets)  # type: ignore[arg-type]


def joined(members: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return the weights of several networks as those of one `AveragedUNets`."""
    weights = {}
    for n, member in enumerate(members):
        # Files of Cellpose 1 lack the diameters, which the member does not use.
        sizes = {name: torch.tensor([30.0]) for name in ("diam_mean", "diam_labels")}
        for name, weight in {**sizes, **member}.items():
            weights[_PREFIX.format(n) + name] = weight
    return weights


def is_average(weights: Mapping[str, Tensor]) -> bool:
    """Return whether weights are those of several U-Nets."""
    return unet.is_unet(_member(weights, 0))


def fits(weights: Mapping[str, Tensor]) -> bool:
    """Return whether all members fit their networks, and see as many channels."""
    members = _members(weights)
    channels = {unet.widths_of(member)[0] for member in members}
    return len(channels) == 1 and all(
        unet.reason_unfit(member, "") == "" and unet.fits(member) for member in members
    )


def input_channels(weights: Mapping[str, Tensor]) -> int:
    """Return how many channels the networks see."""
    return unet.widths_of(_member(weights, 0))[0]


def empty_average(weights: Mapping[str, Tensor]) -> AveragedUNets:
    """Return the networks that ``weights`` belong to, to be filled with them."""
    with torch.device("meta"):
        return AveragedUNets([unet.empty_unet(one) for one in _members(weights)])


def _members(weights: Mapping[str, Tensor]) -> list[dict[str, Tensor]]:
    found: list[dict[str, Tensor]] = []
    while member := _member(weights, len(found)):
        found.append(member)
    return found


def _member(weights: Mapping[str, Tensor], n: int) -> dict[str, Tensor]:
    prefix = _PREFIX.format(n)
    return {
        name.removeprefix(prefix): weight
        for name, weight in weights.items()
        if name.startswith(prefix)
    }
