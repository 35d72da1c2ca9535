"""Weight files: loading, and recognition of the architecture."""

from __future__ import annotations

import hashlib
import io
import math
import pickle
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cellpose_studio.core.errors import ModelUnusable
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.engine.networks.loaders import LOADERS
from cellpose_studio.engine.networks.unet import UNet

Weights = dict[str, Tensor]

_DEFAULT_DIAMETER = 30.0
"""Diameter of files without ``diam_mean`` (Cellpose 1)."""

_PART = 1 << 24  # bytes; read well within a second even from a slow disk


def inspect(path: Path) -> ModelSpec:
    """Return the model in the weight file at ``path``.

    Raises
    ------
    ModelUnusable
        If it is missing, damaged, or of an unsupported kind.
    """
    weights = read_weights(path, mapped=True)
    architecture = architecture_of(weights, path)
    return ModelSpec(
        name=path.stem if path.suffix in (".pt", ".pth") else path.name,
        path=path,
        architecture=architecture,
        sha256=sha256_of(path),
        input_channels=LOADERS[architecture].input_channels(weights),
        diam_mean=_diameter(weights, "diam_mean", path),
        diam_labels=_diameter(weights, "diam_labels", path),
    )


def read_weights(path: Path, mapped: bool = False) -> Weights:
    """Return the tensors of a weight file by name; no code in it is executed.

    ``mapped`` memory-maps the tensors, so that the kind of a gigabyte of weights can
    be determined without reading them.

    Raises
    ------
    ModelUnusable
        If it is missing, damaged, or contains something else.
    """
    try:
        # A file that cannot be opened is not damaged, and the user needs other advice.
        path.open("rb").close()
    except OSError as error:
        raise ModelUnusable(
            f"{path.name} cannot be opened: {error.strerror}."
        ) from error
    try:
        content = _load(path, mapped)
    except pickle.UnpicklingError as error:
        raise ModelUnusable(
            f"{path.name} is not a weight file, or contains code.",
            "Choose a weight file that was saved by Cellpose.",
        ) from error
    # A damaged archive can make torch raise any exception.
    except Exception as error:
        raise ModelUnusable(
            f"{path.name} is damaged, or not a weight file.", "Download it again."
        ) from error
    if not isinstance(content, Mapping) or not content:
        raise _unknown(path)
    if not all(isinstance(v, Tensor) for v in content.values()):
        raise _unknown(path)
    # The names have this prefix if the network was trained on several GPUs.
    return {str(name).removeprefix("module."): v for name, v in content.items()}


def architecture_of(weights: Weights, path: Path) -> str:
    """Return the name of the architecture that ``weights`` belong to.

    Raises
    ------
    ModelUnusable
        If it is not supported.
    """
    for name, loader in LOADERS.items():
        if loader.recognises(weights):
            if reason := loader.reason_unfit(weights, path.name):
                raise _variant(path, reason)
            return name
    raise _unknown(path)


def save_weights(net: UNet, path: Path) -> None:
    """Write the weights of ``net`` as Cellpose does: a plain state dict."""
    # Given a path, torch would write its name into the file, require a suffix, and
    # not report a full disk.
    content = io.BytesIO()
    torch.save(net.state_dict(), content)
    path.write_bytes(content.getbuffer())


def sha256_of(path: Path, check: Callable[[], None] = lambda: None) -> str:
    """Return the SHA-256 of a file, in hexadecimal; ``check`` may raise to stop."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_PART):
            check()
            digest.update(part)
    return digest.hexdigest()


def _load(path: Path, mapped: bool) -> Any:
    # Files of torch before 1.6 are not zip archives and cannot be memory-mapped.
    mapped = mapped and zipfile.is_zipfile(path)
    # A pickle could run code, and weight files come from anywhere.
    return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)


def _diameter(weights: Weights, name: str, path: Path) -> float:
    if name not in weights:
        return _DEFAULT_DIAMETER
    value = weights[name]
    if value.numel() != 1 or not 0 < float(value) < math.inf:
        raise ModelUnusable(
            f"{path.name} is damaged: its {name} is no diameter.", "Download it again."
        )
    return float(value)


def _unknown(path: Path) -> ModelUnusable:
    return ModelUnusable(
        f"{path.name} contains no weights of a Cellpose model.",
        "Models of Cellpose 1 to 4 can be used.",
    )


def _variant(path: Path, what: str) -> ModelUnusable:
    return ModelUnusable(
        f"{path.name} is {what}, which cannot be run here.",
        "Models with Cellpose's usual settings can be used.",
    )
