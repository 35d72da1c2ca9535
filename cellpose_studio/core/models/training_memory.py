"""How much memory of a GPU the training of a Transformer takes, about.

What its layers keep for the way back was counted on Cellpose's CPSAM class of full
width, in bfloat16 on a CPU: 98 MB for each of the 24 blocks and a crop of 256². On a
GPU, the attention is normalised in float32, which adds 67 MB.
"""

from __future__ import annotations

from dataclasses import dataclass

from cellpose_studio.core.models.training import Layers, TrainingParameters

_FLOAT, _HALF = 4, 2  # bytes
_OF_A_WEIGHT = 3 * _FLOAT
"""Bytes beside a weight that is trained: its gradient, and two means of AdamW."""
_CONTEXT = 1 << 29
"""Bytes that torch takes before anything else."""


@dataclass(frozen=True, kw_only=True)
class _Need:
    """What a choice of layers needs.

    Attributes
    ----------
    trained
        Part of the weights that is trained.
    kept
        Bytes that the network keeps for the way back, for each pixel of a crop.
    """

    trained: float
    kept: float


_NEEDS: dict[Layers, _Need] = {
    "all": _Need(trained=1.0, kept=60_400),
    "last": _Need(trained=0.086, kept=5_200),
    "lora": _Need(trained=0.013, kept=59_300),
}


def gpu_bytes(weights: int, parameters: TrainingParameters) -> int:
    """Return how many bytes of a GPU a training of a Transformer takes, about.

    Parameters
    ----------
    weights
        Bytes of its weights in float32.
    """
    need = _NEEDS[parameters.layers]
    network = weights * (1 + _HALF / _FLOAT)
    learning = need.trained * weights / _FLOAT * _OF_A_WEIGHT
    crops = need.kept * parameters.batch_size * parameters.bsize**2
    return int(_CONTEXT + network + learning + crops)


def memory_text(needed: int, there: int) -> str:
    """Return in words what a training needs of the memory of a GPU, 0 if not known."""
    text = f"The training takes about {needed / 1e9:.1f} GB of the memory of the GPU"
    if not there:
        return f"{text}."
    if needed < there:
        return f"{text}, which has {there / 1e9:.0f} GB."
    return (
        f"{text}, which has {there / 1e9:.0f} GB only. Train the last layers, or choose"
        " a smaller batch."
    )
