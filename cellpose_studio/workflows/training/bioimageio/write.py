"""A model for others: a copy with its card, or a package of bioimage.io.

A package has weights, network, test tensors and card. Its format is version 0.5 of
https://github.com/bioimage-io/spec-bioimage-io, a ZIP with ``rdf.yaml``. JSON is YAML,
so that no library has to write it.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.errors import ModelUnusable
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.engine.device import CPU
from cellpose_studio.engine.networks import unet
from cellpose_studio.engine.networks.model_card import card_text
from cellpose_studio.engine.networks.network import load
from cellpose_studio.engine.networks.size_model import size_model_path
from cellpose_studio.engine.networks.weights import read_weights, weight_bytes
from cellpose_studio.engine.versions import version_of
from cellpose_studio.io.atomic import replacing
from cellpose_studio.workflows.training.model_file import write_card

_FORMAT = "0.5.4"
_SIDE = 128
_CALLABLE = "CellposeUNet"
_NETWORK = f'''

class {_CALLABLE}(UNet):
    """The network with its first output alone: dY, dX, cell probability."""

    def forward(self, pixels: Tensor) -> Tensor:
        return super().forward(pixels)[0]
'''


def write_package(model: ModelSpec, author: str, licence: str, out: Path) -> None:
    """Write ``model`` as a package of bioimage.io.

    Parameters
    ----------
    licence
        Its SPDX identifier, such as CC-BY-4.0.

    Raises
    ------
    ModelUnusable
        If it is no U-Net, whose network the package contains.
    CannotSave
    """
    if model.architecture not in ("unet", "unet-style-off"):
        raise ModelUnusable(
            f"{model.label} cannot be packed: {model.architecture_info.label}.",
            "Packages of bioimage.io are made of single U-Nets.",
        )
    files = _files(model)
    text = json.dumps(_description(model, author, licence, files), indent=2)
    with replacing(out) as part, zipfile.ZipFile(part, "w") as archive:
        archive.writestr("rdf.yaml", text)
        for name, content in files.items():
            archive.writestr(name, content)


def write_copy(model: ModelSpec, out: Path) -> None:
    """Copy the weights of ``model`` to ``out``, with its card and its size model.

    Raises
    ------
    ModelUnusable
        If the weights cannot be read.
    CannotSave
    """
    try:
        weights = model.path.read_bytes()
    except OSError as error:
        reason = f"{model.path} cannot be read: {error.strerror}."
        raise ModelUnusable(reason) from error
    sizes = size_model_path(model.path)
    with replacing(out) as part:
        part.write_bytes(weights)
    if sizes.is_file():
        with replacing(size_model_path(out)) as part:
            part.write_bytes(sizes.read_bytes())
    write_card(model, out)


def _files(model: ModelSpec) -> dict[str, bytes]:
    """Return the content of all files but the description, by their names."""
    pixels = np.zeros((1, model.input_channels, _SIDE, _SIDE), np.float32)
    rng = np.random.default_rng(0)
    pixels[0, 0] = rng.normal(0.5, 0.2, (_SIDE, _SIDE))
    network = load(model, CPU, precision="float32")
    source = Path(unet.__file__).read_text(encoding="utf-8")
    return {
        "weights.pt": weight_bytes(network.module),
        "network.py": (source + _NETWORK).encode(),
        "test_input.npy": _saved(pixels),
        "test_output.npy": _saved(network.run(pixels)),
        "README.md": _readme(model).encode(),
        "card.json": card_text(model).encode(),
    }


def _description(
    model: ModelSpec, author: str, licence: str, files: dict[str, bytes]
) -> dict[str, Any]:
    """Return the content of ``rdf.yaml``."""
    weights = read_weights(model.path, mapped=True)

    def file(name: str) -> dict[str, str]:
        return {"source": name, "sha256": hashlib.sha256(files[name]).hexdigest()}

    def space(axis: str, size: dict[str, Any]) -> dict[str, Any]:
        return {"type": "space", "id": axis, "size": size}

    parts = 2 ** (len(unet.widths_of(weights)) - 2)
    seen = {"min": 4 * parts, "step": parts}
    names = ["image", *(f"empty_{n}" for n in range(1, model.input_channels))]
    inputs = {
        "id": "pixels",
        "description": "the image, normalised, with cells scaled to "
        f"{model.diam_mean:g} px",
        "axes": [
            {"type": "batch"},
            {"type": "channel", "channel_names": names},
            *(space(axis, seen) for axis in "yx"),
        ],
        "test_tensor": file("test_input.npy"),
        "data": {"type": "float32"},
    }
    outputs = {
        "id": "flows",
        "description": "five times the flows, and the logit of the cell probability",
        "axes": [
            {"type": "batch"},
            {"type": "channel", "channel_names": ["flow_y", "flow_x", "cell"]},
            *(space(a, {"tensor_id": "pixels", "axis_id": a}) for a in "yx"),
        ],
        "test_tensor": file("test_output.npy"),
        "data": {"type": "float32"},
    }
    return {
        "type": "model",
        "format_version": _FORMAT,
        "name": re.sub(r"[^\w\- ()]+", " ", model.label).strip()[:128],
        "description": model.description or f"{model.label}, a U-Net of Cellpose.",
        "authors": [{"name": author}],
        "cite": [
            {
                "text": model.architecture_info.paper.full,
                "doi": "10.1038/s41592-020-01018-x",
            }
        ],
        "license": licence,
        "documentation": "README.md",
        "attachments": [file("card.json")],
        "tags": ["cellpose", "instance-segmentation", "2d"],
        "inputs": [inputs],
        "outputs": [outputs],
        "weights": {
            "pytorch_state_dict": {
                **file("weights.pt"),
                "pytorch_version": version_of("torch").split("+")[0],
                "architecture": {
                    **file("network.py"),
                    "callable": _CALLABLE,
                    "kwargs": {
                        "widths": [*unet.widths_of(weights)],
                        "concatenation": unet.concatenates(weights),
                        "residual": unet.is_residual(weights),
                        "style": model.architecture != "unet-style-off",
                    },
                },
            }
        },
    }


def _readme(model: ModelSpec) -> str:
    parts = [f"# {model.label}", model.description]
    card = model.card
    if card is not None:
        parts.append(f"Trained from {card.parent}." if card.parent else "")
        if card.comparison is not None:
            parts.append(f"It is {card.comparison}.")
    parts.append(
        "The network gives flows; Cellpose's dynamics make masks of them. card.json "
        "tells how it was trained.\n\n## Validation\n\nMeasure it on your own images "
        "before you use it."
    )
    return "\n\n".join(filter(None, parts)) + "\n"


def _saved(array: npt.NDArray[np.float32]) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()
