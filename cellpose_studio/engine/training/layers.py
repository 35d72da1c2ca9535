"""Which weights of a network are trained: all, its last layers, or additions to it.

The additions are those of LoRA (Hu et al., "LoRA: low-rank adaptation of large language
models", ICLR 2022): beside a linear layer, a product of two thin matrices. Merged into
the layer at the end, they leave a network of the same architecture.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from cellpose_studio.core.errors import ParametersUnfit
from cellpose_studio.core.models.training import Layers

_RANK = 8
_LAST_BLOCKS = 2
"""Blocks of a Transformer that count as its last layers."""
_LINEAR = {"attn": ("qkv", "proj"), "mlp": ("lin1", "lin2")}
"""Linear layers of a block of a Transformer, by the part that they are in."""


class _LowRank(nn.Module):
    """A linear layer that stays, and what is added to it."""

    def __init__(self, layer: nn.Linear, rank: int) -> None:
        super().__init__()
        self.layer = layer
        self.down = nn.Parameter(torch.empty(rank, layer.in_features))
        # Nothing is added at first, so the network starts as it was.
        self.up = nn.Parameter(torch.zeros(layer.out_features, rank))
        nn.init.kaiming_uniform_(self.down, a=5**0.5)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) + (x @ self.down.T) @ self.up.T

    def merged(self) -> nn.Linear:
        """Return the layer with what was added to it."""
        with torch.no_grad():
            self.layer.weight += self.up @ self.down
        return self.layer


def choose_layers(net: Any, layers: Layers, transformer: bool) -> None:
    """Let only the chosen weights of ``net`` be trained.

    Raises
    ------
    ParametersUnfit
        If the network has no layers for additions.
    """
    if layers == "all":
        return
    if layers == "lora" and not transformer:
        raise ParametersUnfit(
            "Only Transformers can be trained by small additions (lora).",
            "Train all layers of a U-Net, or the last ones.",
        )
    for weight in net.parameters():
        weight.requires_grad_(False)
    for part in _last_parts(net, transformer, layers):
        for weight in part.parameters():
            weight.requires_grad_(True)
    if layers == "lora":
        for part, name, layer in _linear_layers(net):
            setattr(part, name, _LowRank(layer, _RANK))


def merge_layers(net: Any) -> None:
    """Make a network with additions one without them, that does the same."""
    if not hasattr(net, "encoder"):
        return
    for part, name, layer in _linear_layers(net):
        if isinstance(layer, _LowRank):
            setattr(part, name, layer.merged())


def _last_parts(net: Any, transformer: bool, layers: Layers) -> list[nn.Module]:
    if not transformer:
        return [net.upsample, net.output]
    last = [net.encoder.neck, net.out] if hasattr(net.encoder, "neck") else [net.out]
    return last if layers == "lora" else [*net.encoder.blocks[-_LAST_BLOCKS:], *last]


def _linear_layers(net: Any) -> Iterator[tuple[nn.Module, str, Any]]:
    """Yield linear layers of the blocks, with additions or not, and where they are."""
    for block in net.encoder.blocks:
        for within, names in _LINEAR.items():
            part = getattr(block, within, None)
            for name in names:
                layer = getattr(part, name, None)
                is_linear = isinstance(layer, nn.Linear | _LowRank)
                if is_linear and isinstance(part, nn.Module):
                    yield part, name, layer
