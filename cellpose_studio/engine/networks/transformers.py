"""The Transformers of Cellpose 4: how their weight files are read and run."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from cellpose_studio.core.errors import ModelUnusable

INPUT_CHANNELS = 3

_HEAD, _DINO = "W2", "encoder.cls_token"
_LARGE = 1024
"""Width of the larger of the two DINO networks."""


def is_sam(weights: Mapping[str, Tensor]) -> bool:
    """Return whether weights are those of Cellpose-SAM."""
    has_encoder = any(name.startswith("encoder.") for name in weights)
    return _HEAD in weights and has_encoder and _DINO not in weights


def is_dino(weights: Mapping[str, Tensor]) -> bool:
    """Return whether weights are those of a Cellpose network on DINO."""
    return _HEAD in weights and _DINO in weights


def is_segformer(weights: Mapping[str, Tensor]) -> bool:
    """Return whether weights are those of a Transformer of Cellpose 3.

    They are those of a MAnet of the package segmentation_models_pytorch.
    """
    starts = ("net.encoder.", "net.decoder.", "net.segmentation_head.")
    return all(any(name.startswith(start) for name in weights) for start in starts)


def empty_sam(_: Mapping[str, Tensor]) -> Any:
    """Return a Cellpose-SAM without values, to be filled with weights."""
    vit = _vit()
    # Without values: 300 million random numbers would only be overwritten.
    with torch.device("meta"):
        return vit.CPSAM()


def empty_dino(weights: Mapping[str, Tensor]) -> Any:
    """Return the DINO network that ``weights`` belong to, to be filled with them.

    Raises
    ------
    ModelUnusable
        Without the package dinov3.
    """
    vit = _vit()
    if not hasattr(vit, "dinov3_vitl16"):
        raise ModelUnusable(
            "This model needs the package dinov3, which is not installed.",
            "Choose another model, or install dinov3 from its authors.",
        )
    width = weights[_DINO].shape[-1]
    return vit.CPDINO("vitl" if width == _LARGE else "vitb")


def blocks_of(module: Any) -> list[nn.Module]:
    """Return the parts of a Transformer in the order in which they run."""
    # A whole block takes a second on a slow core.
    halves = [(block, block.mlp) for block in module.encoder.blocks]
    return [*itertools.chain(*halves), module.out]


@contextmanager
def fused_attention(module: Any) -> Iterator[None]:
    """Let the attention of a Cellpose-SAM be one operation, within the block.

    The sums are those of segment_anything's ``Attention``, in another order.
    """
    attentions = [block.attn for block in module.encoder.blocks]
    for attention in attentions:
        attention.forward = MethodType(_fused_forward, attention)
    try:
        yield
    finally:
        for attention in attentions:
            del attention.forward


def _fused_forward(self: Any, x: Tensor) -> Tensor:
    """Return the attention of tokens (N, Y, X, C), as ``Attention.forward``."""
    from cellpose_studio.engine.cellpose_api import get_rel_pos

    n, y, x_length, _ = x.shape
    tokens, heads = y * x_length, self.num_heads
    parts = self.qkv(x).reshape(n, tokens, 3, heads, -1).permute(2, 0, 3, 1, 4)
    query, key, value = parts
    # How much a token looks at another one depends on how far apart they are, too.
    at = query.reshape(n * heads, y, x_length, -1)
    rows = get_rel_pos(y, y, self.rel_pos_h)
    columns = get_rel_pos(x_length, x_length, self.rel_pos_w)
    from_rows = torch.einsum("bhwc,hkc->bhwk", at, rows).contiguous()
    from_columns = torch.einsum("bhwc,wkc->bhwk", at, columns).contiguous()
    bias = from_rows[..., :, None] + from_columns[..., None, :]
    seen = scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask=bias.reshape(n, heads, tokens, tokens),
        scale=self.scale,
    )
    return self.proj(seen.transpose(1, 2).reshape(n, y, x_length, -1))


def _vit() -> Any:
    # Takes seconds to load, which U-Nets can do without.
    from cellpose_studio.engine.cellpose_api import vit

    return vit
