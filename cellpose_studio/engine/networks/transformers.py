"""The Transformers of Cellpose 4: how their weight files are read and run."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

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


def _vit() -> Any:
    # Takes seconds to load, which U-Nets can do without.
    from cellpose_studio.engine.cellpose_api import vit

    return vit
