"""How the weights of each architecture are recognised, and its network built."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from cellpose_studio.engine.networks import transformers, unet


@dataclass(frozen=True, kw_only=True)
class NetworkLoader:
    """What needs torch of one of `core.models.architecture.ARCHITECTURES`.

    Attributes
    ----------
    recognises
        Whether weights are of this family; those of one file are of one at most.
    reason_unfit
        Gets weights and the name of their file; returns which variant of the family
        they are that cannot be run here, "" if they can.
    input_channels
        How many channels the network of the weights sees.
    empty
        Returns the network that weights belong to, to be filled with them.
    fits
        Whether the names and shapes of weights are those of their network; True where
        that takes long to find out before it is loaded.
    blocks
        Returns its parts in the order in which they run; each takes well under a
        second, so that a run can be stopped between them.
    """

    recognises: Callable[[Mapping[str, Tensor]], bool]
    input_channels: Callable[[Mapping[str, Tensor]], int]
    empty: Callable[[Mapping[str, Tensor]], Any]
    blocks: Callable[[Any], Sequence[nn.Module]]
    reason_unfit: Callable[[Mapping[str, Tensor], str], str] = lambda *_: ""
    fits: Callable[[Mapping[str, Tensor]], bool] = lambda _: True


LOADERS = {
    "unet": NetworkLoader(
        recognises=unet.is_unet,
        reason_unfit=unet.reason_unfit,
        fits=unet.fits,
        input_channels=lambda weights: unet.widths_of(weights)[0],
        empty=unet.empty_unet,
        blocks=lambda module: module.blocks,
    ),
    "sam": NetworkLoader(
        recognises=transformers.is_sam,
        input_channels=lambda _: transformers.INPUT_CHANNELS,
        empty=transformers.empty_sam,
        blocks=transformers.blocks_of,
    ),
    "dino": NetworkLoader(
        recognises=transformers.is_dino,
        input_channels=lambda _: transformers.INPUT_CHANNELS,
        empty=transformers.empty_dino,
        blocks=transformers.blocks_of,
    ),
}
"""By the names of the architectures."""
