"""A model from a package of bioimage.io: its weights and card as files of ours."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import ModelUnusable, StudioError
from cellpose_studio.core.models.card import MOST_LETTERS, ModelCard
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.engine.device import CPU
from cellpose_studio.engine.networks.catalogue import from_file
from cellpose_studio.engine.networks.network import load
from cellpose_studio.engine.networks.weights import inspect
from cellpose_studio.io.atomic import replacing
from cellpose_studio.paths import trained_folder
from cellpose_studio.workflows.save import make_folder
from cellpose_studio.workflows.training.bioimageio.description import (
    PackageDescription,
    parse_description,
)
from cellpose_studio.workflows.training.bioimageio.files import (
    PackageFiles,
    open_package,
)
from cellpose_studio.workflows.training.model_file import STYLE_OFF, write_card
from cellpose_studio.workflows.training.request_file import free_model_path

_MOST_TEXT = 1 << 20
_MOST_TENSOR = 1 << 28
_MOST_WEIGHTS = 1 << 32
"""Bytes of files beyond which a package was made to fill the memory."""

_CARD = "card.json"
_TOLERANCE = 1e-3
"""Difference from the test output, over its largest value."""


def import_package(
    path: Path, checkpoint: Checkpoint, folder: Path | None = None
) -> Path:
    """Copy the weights of a package into the folder of models, with a card.

    The same package again gives the same file.

    Parameters
    ----------
    path
        A ZIP or a folder.
    folder
        For the model; None for that of models trained here.

    Returns
    -------
    The weight file.

    Raises
    ------
    ModelUnusable
        If it is none, or not safe, or has another network than Cellpose's, or its
        weights are not those that it describes.
    CannotSave
    """
    folder = folder or trained_folder()
    with open_package(path) as files:
        checkpoint.reached(0, 0, "reading the package")
        described = parse_description(
            files.read(files.description, _MOST_TEXT), path.name
        )
        weights = files.read(described.weights, _MOST_WEIGHTS)
        found = hashlib.sha256(weights).hexdigest()
        if described.sha256 and described.sha256 != found:
            raise ModelUnusable(
                f"The weights in {path.name} are not those that it describes: their "
                "SHA-256 differs.",
                "Download the package again.",
            )
        checkpoint.check()
        with tempfile.TemporaryDirectory(prefix="cellpose-studio-") as scratch:
            file = Path(scratch) / _file_name(described, path)
            file.write_bytes(weights)
            model = inspect(file)
            checkpoint.reached(0, 0, "comparing with the test output")
            _refuse_other_output(model, described, files, path.name)
            checkpoint.check()
            return _kept(_with_words(model, described, files), folder)


def _file_name(described: PackageDescription, path: Path) -> str:
    plain = re.sub(r"[^\w.-]+", "-", described.name or path.stem).strip("-._")[:80]
    plain = plain or "model"
    # Only the name of a file tells that a network has no style.
    if not described.style and STYLE_OFF not in plain:
        return f"{plain}_{STYLE_OFF}"
    return plain


def _refuse_other_output(
    model: ModelSpec, described: PackageDescription, files: PackageFiles, package: str
) -> None:
    """Raise `ModelUnusable` if the network gives another output than its test output.

    Networks of other authors may have weights of the same names and shapes.
    """
    if not (described.test_input and described.test_output):
        return
    pixels = _array(files.read(described.test_input, _MOST_TENSOR), package)
    expected = _array(files.read(described.test_output, _MOST_TENSOR), package)
    shape = (*pixels.shape[:1], model.input_channels, *pixels.shape[2:])
    if pixels.ndim != 4 or pixels.shape != shape:
        raise ModelUnusable(
            f"The network in {package} sees {model.input_channels} channels, and its "
            f"test input has the shape {pixels.shape}.",
            "Only networks of Cellpose can be used.",
        )
    found = load(model, CPU, precision="float32").run(pixels)
    largest = float(np.abs(expected).max(initial=0))
    if found.shape != expected.shape or not np.allclose(
        found, expected, rtol=0, atol=_TOLERANCE * largest
    ):
        raise ModelUnusable(
            f"The network in {package} is not one of Cellpose's: it gives another "
            "output than the test output of its package.",
            "Only networks of Cellpose can be used.",
        )


def _array(content: bytes, package: str) -> npt.NDArray[np.float32]:
    try:
        found = np.load(io.BytesIO(content), allow_pickle=False)
        return np.asarray(found, np.float32)
    # Damaged files can make NumPy raise many exceptions.
    except Exception as error:
        raise ModelUnusable(
            f"A test tensor in {package} cannot be read.",
            "Download the package again.",
        ) from error


def _with_words(
    model: ModelSpec, described: PackageDescription, files: PackageFiles
) -> ModelSpec:
    """Return a model with what its package says of it."""
    own = _own_card(described, files)
    card = ModelCard.model_validate(own.get("card") or {})
    documentation = ""
    if described.documentation:
        text = files.read(described.documentation, _MOST_TEXT)
        documentation = text.decode("utf-8", errors="replace")[:MOST_LETTERS]
    known = {
        "authors": described.authors,
        "cite": described.cite,
        "documentation": documentation,
    }
    return model.model_copy(
        update={
            "title": described.name,
            "description": described.description,
            "licence": described.licence,
            "card": card.model_copy(update=known),
        }
    )


def _own_card(described: PackageDescription, files: PackageFiles) -> dict[str, Any]:
    """Return the card that a package of ours has; empty if there is none."""
    if _CARD not in described.attachments:
        return {}
    try:
        found = json.loads(files.read(_CARD, _MOST_TEXT))
        ModelCard.model_validate(found.get("card") or {})
    # The weights are what matters; a card of another program may have this name.
    except (StudioError, ValueError, ValidationError, AttributeError, RecursionError):
        return {}
    return dict(found)


def _kept(model: ModelSpec, folder: Path) -> Path:
    """Copy a model and its card into a folder; return the weight file there."""
    make_folder(folder)
    path = folder / model.path.name
    if path.is_file() and from_file(path).sha256 == model.sha256:
        return path
    path = free_model_path(folder, model.path.name)
    with replacing(path) as part:
        shutil.copyfile(model.path, part)
    write_card(model, path)
    return path
