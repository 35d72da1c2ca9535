"""Weight files: loading, and recognition of the architecture."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cellpose_studio.core.errors import ModelUnusable
from cellpose_studio.core.models.architecture import ARCHITECTURES
from cellpose_studio.core.models.model import ModelSpec, diameter_by_name
from cellpose_studio.core.models.published import AVERAGE_SUFFIX
from cellpose_studio.engine.networks import averaging
from cellpose_studio.engine.networks.average_file import (
    is_average_file,
    member_files,
    read_average_file,
)
from cellpose_studio.engine.networks.loaders import LOADERS, NetworkLoader
from cellpose_studio.engine.networks.transformers import is_segformer
from cellpose_studio.engine.networks.unet import UNet
from cellpose_studio.engine.networks.weight_checks import (
    diameter_in,
    misfit,
    refuse_inflated,
    refuse_unusable,
)
from cellpose_studio.paths import sha256_of, special_kind

Weights = dict[str, Tensor]


def inspect(path: Path) -> ModelSpec:
    """Return the model in the weight file at ``path``.

    Raises
    ------
    ModelUnusable
        If it is missing, damaged, or of an unsupported kind.
    """
    weights = read_weights(path, mapped=True)
    architecture = architecture_of(weights, path)
    loader = LOADERS[architecture]
    if not _fits(loader, weights):
        raise misfit(path)
    if ARCHITECTURES[architecture].restores:
        scaled_to = labels = diameter_by_name(path.name)
    else:
        scaled_to = diameter_in(weights, "diam_mean", path)
        labels = diameter_in(weights, "diam_labels", path)
    return ModelSpec(
        name=_name_of(path),
        path=path,
        architecture=architecture,
        sha256=sha256_of(path),
        input_channels=loader.input_channels(weights),
        diam_mean=scaled_to,
        diam_labels=labels,
    )


def read_weights(path: Path, mapped: bool = False) -> Weights:
    """Return the tensors of a weight file by name; no code in it is executed.

    ``mapped`` memory-maps the tensors, so that the kind of a gigabyte of weights can
    be determined without a copy of them.

    Raises
    ------
    ModelUnusable
        If it is missing, damaged, or contains something else, or numbers that no
        network can have.
    """
    if kind := special_kind(path):
        raise ModelUnusable(f"{path.name} is {kind}, not a weight file.")
    if is_average_file(path):
        return _read_average(path, mapped)
    try:
        # A file that cannot be opened is not damaged, and the user needs other advice.
        path.open("rb").close()
    except OSError as error:
        raise ModelUnusable(
            f"{path.name} cannot be opened: {error.strerror}."
        ) from error
    try:
        refuse_inflated(path)
        content = _load(path, mapped)
    except ModelUnusable:
        raise
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
    weights = {str(name).removeprefix("module."): v for name, v in content.items()}
    refuse_unusable(weights, path)
    return weights


def architecture_of(weights: Weights, path: Path) -> str:
    """Return the name of the architecture that ``weights`` belong to.

    Raises
    ------
    ModelUnusable
        If it is not supported.
    """
    if is_segformer(weights):
        raise _variant(path, "a Transformer of Cellpose 3, as transformer_cp3 is")
    for name, loader in LOADERS.items():
        if loader.recognises(weights, path.name):
            try:
                reason = loader.reason_unfit(weights, path.name)
            # A weight has too few axes.
            except IndexError as error:
                raise misfit(path) from error
            if reason:
                raise _variant(path, reason)
            return name
    raise _unknown(path)


def _name_of(path: Path) -> str:
    for end in (AVERAGE_SUFFIX, ".pth", ".pt"):
        if path.name.endswith(end):
            return path.name.removesuffix(end)
    return path.name


def _read_average(path: Path, mapped: bool) -> Weights:
    """Return the weights of all files that ``path`` lists."""
    content = read_average_file(path)
    members = []
    for file, member in zip(member_files(path), content.average, strict=True):
        weights = read_weights(file, mapped)
        # The hash of the list stands for those of the weights.
        if sha256_of(file) != member.sha256:
            raise ModelUnusable(
                f"{file.name} is not the file that {path.name} lists.",
                "Download the model again.",
            )
        members.append(weights)
    return {**averaging.joined(members), "diam_mean": torch.tensor([content.diam_mean])}


def save_weights(net: UNet, path: Path) -> None:
    """Write the weights of ``net`` as Cellpose does: a plain state dict."""
    # Given a path, torch would write its name into the file, require a suffix, and
    # not report a full disk.
    path.write_bytes(weight_bytes(net))


def weight_bytes(net: nn.Module) -> bytes:
    """Return the weights of ``net`` as in a file."""
    content = io.BytesIO()
    torch.save(net.state_dict(), content)
    return content.getvalue()


def _load(path: Path, mapped: bool) -> Any:
    # Files of torch before 1.6 are not zip archives and cannot be memory-mapped.
    mapped = mapped and zipfile.is_zipfile(path)
    # A pickle could run code, and weight files come from anywhere.
    return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)


def _fits(loader: NetworkLoader, weights: Weights) -> bool:
    try:
        return loader.fits(weights)
    # A weight with too few axes, or of an absurd length.
    except (IndexError, KeyError, RuntimeError, ValueError, OverflowError):
        return False


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
