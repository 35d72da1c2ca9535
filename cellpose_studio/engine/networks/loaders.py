"""How the weights of each architecture are recognised, and its network built."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn

from cellpose_studio.engine.networks import averaging, transformers, unet


@dataclass(frozen=True, kw_only=True)
class NetworkLoader:
    """What needs torch of one of `core.models.architecture.ARCHITECTURES`.

    Attributes
    ----------
    recognises
        Gets weights and the name of their file; returns whether they are of this
        family. Those of one file are of one at most.
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

    recognises: Callable[[Mapping[str, Tensor], str], bool]
    input_channels: Callable[[Mapping[str, Tensor]], int]
    empty: Callable[[Mapping[str, Tensor]], Any]
    blocks: Callable[[Any], Sequence[nn.Module]]
    reason_unfit: Callable[[Mapping[str, Tensor], str], str] = lambda *_: ""
    fits: Callable[[Mapping[str, Tensor]], bool] = lambda _: True


def _is_restoring(weights: Mapping[str, Tensor]) -> bool:
    return unet.is_unet(weights) and unet.outputs_of(weights) == 1


def _is_segmenting(weights: Mapping[str, Tensor]) -> bool:
    return unet.is_unet(weights) and not _is_restoring(weights)


_UNET = NetworkLoader(
    recognises=lambda w, file: _is_segmenting(w) and not unet.is_style_off(file),
    reason_unfit=unet.reason_unfit,
    fits=unet.fits,
    input_channels=lambda weights: unet.widths_of(weights)[0],
    empty=unet.empty_unet,
    blocks=lambda module: module.blocks,
)

LOADERS = {
    "unet": _UNET,
    "unet-style-off": replace(
        _UNET,
        recognises=lambda w, file: _is_segmenting(w) and unet.is_style_off(file),
        empty=lambda weights: unet.empty_unet(weights, style=False),
    ),
    "unet-restoration": replace(
        _UNET,
        recognises=lambda weights, _: _is_restoring(weights),
        reason_unfit=lambda *_: "",
    ),
    "unet-average": NetworkLoader(
        recognises=lambda weights, _: averaging.is_average(weights),
        fits=averaging.fits,
        input_channels=averaging.input_channels,
        empty=averaging.empty_average,
        blocks=lambda module: module.blocks,
    ),
    "sam": NetworkLoader(
        recognises=lambda weights, _: transformers.is_sam(weights),
        input_channels=lambda _: transformers.INPUT_CHANNELS,
        empty=transformers.empty_sam,
        blocks=transformers.blocks_of,
    ),
    "dino": NetworkLoader(
        recognises=lambda weights, _: transformers.is_dino(weights),
        input_channels=lambda _: transformers.INPUT_CHANNELS,
        empty=transformers.empty_dino,
        blocks=transformers.blocks_of,
    ),
}
"""By the names of the architectures."""
