"""Which tensors can be the weights of a network, before any of them is used."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from cellpose_studio.core.errors import ModelUnusable
from cellpose_studio.core.models.model import (
    MODEL_DIAMETERS,
    NUCLEI,
    NUCLEI_DIAMETER,
    diameter_by_name,
)


def refuse_inflated(path: Path) -> None:
    """Raise `ModelUnusable` if an archive says that it holds more than its own size.

    PyTorch never compresses weights, so such a file was made to fill the memory.
    """
    if not zipfile.is_zipfile(path):
        return
    size = path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        if sum(part.file_size for part in archive.infolist()) > size:
            raise damaged(path, "it declares more data than it holds")


def refuse_unusable(weights: Mapping[str, Tensor], path: Path) -> None:
    """Raise `ModelUnusable` if one of the tensors cannot be a weight.

    All values are looked at: a single NaN would make every result empty.
    """
    size = path.stat().st_size
    for name, weight in weights.items():
        if kind := _unusable_kind(weight, size):
            raise damaged(path, f"the weights {name} are {kind}")
    for name, weight in weights.items():
        # In float32, in which networks run, a larger number becomes infinite.
        if weight.is_floating_point() and not torch.isfinite(weight.float()).all():
            raise damaged(path, f"the weights {name} are not all finite numbers")


def diameter_in(weights: Mapping[str, Tensor], name: str, path: Path) -> float:
    """Return the diameter, px, of a name; that of Cellpose 1 if it is missing.

    Raises
    ------
    ModelUnusable
    """
    # Cellpose 2 and 3 do so for its own models of nuclei, whatever the file says.
    if path.name.startswith(f"{NUCLEI}torch_"):
        return NUCLEI_DIAMETER
    if name not in weights:
        return diameter_by_name(path.name)
    weight = weights[name]
    value = float(weight.reshape(-1)[0]) if weight.numel() == 1 else math.nan
    low, high = MODEL_DIAMETERS
    if not low <= value <= high:
        raise damaged(path, f"its {name} is no diameter of {low:g} to {high:g} px")
    return value


def damaged(path: Path, reason: str) -> ModelUnusable:
    """Return the error of a weight file whose content cannot be used."""
    return ModelUnusable(f"{path.name} is damaged: {reason}.", "Download it again.")


def misfit(path: Path) -> ModelUnusable:
    """Return the error of weights that are not those of their network."""
    return ModelUnusable(
        f"The weights of {path.name} do not fit the network.",
        "The file may be damaged, or come from a modified Cellpose.",
    )


def _unusable_kind(weight: Tensor, file_size: int) -> str:
    """Return what a tensor is that no network can have as weights; else ""."""
    if weight.layout != torch.strided:
        return "sparse"
    if weight.is_meta:
        return "without values"
    if weight.is_complex():
        return "complex numbers"
    if weight.is_quantized:
        return "quantized"
    # Steps of 0 let a tensor of a few bytes pass for one of any size.
    if weight.numel() * weight.element_size() > file_size:
        return "larger than the file"
    return "" if weight.numel() else "empty"
