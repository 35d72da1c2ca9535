"""Catalogue of the shipped models and of the user's weight files."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from cellpose_studio.core.errors import ModelUnusable
from cellpose_studio.core.models.model import AUTOMATIC_MODEL, ModelSpec
from cellpose_studio.core.models.published import (
    DATA_FILE,
    PublishedModel,
    parse_published,
)
from cellpose_studio.engine.networks.average_file import is_average_file
from cellpose_studio.paths import (
    find_model_file,
    model_folders,
    real_path,
    resource,
    special_kind,
    trained_folder,
)

_OTHER_ARCHIVES = frozenset({".zip", ".npz", ".zarr", ".cpstudio"})


def shipped() -> list[ModelSpec]:
    """Return the models shipped with the application, the default first.

    One whose card cannot be read is missing; `unreadable_shipped` tells why.
    """
    return [
        spec for spec in map(_read_shipped, _cards()) if isinstance(spec, ModelSpec)
    ]


def unreadable_shipped() -> list[ModelUnusable]:
    """Return the errors of shipped models that cannot be used."""
    read = map(_read_shipped, _cards())
    return [error for error in read if isinstance(error, ModelUnusable)]


def default_model() -> ModelSpec:
    """Return the first shipped model.

    Raises
    ------
    ModelUnusable
        If it cannot be used; another model is never used instead.
    """
    return _usable(_cards()[0])


def offered() -> list[ModelSpec]:
    """Return the shipped models, and after them what chooses among them."""
    models = shipped()
    return [*models, _automatic(models[0])] if len(models) > 1 else models


def _automatic(first: ModelSpec) -> ModelSpec:
    """Return what stands for the shipped model that suits each image."""
    facts = {
        "name": AUTOMATIC_MODEL,
        "path": Path(AUTOMATIC_MODEL),
        "sha256": AUTOMATIC_MODEL,
        "title": "Automatic",
        "description": "Looks at each image with all models that ship, and takes the "
        "one that fits it best.",
        "card": None,
    }
    return first.model_copy(update=facts)


def refuse_unreadable(name: str) -> None:
    """Raise `ModelUnusable` if the shipped model of a name cannot be used."""
    for card in _cards():
        if card.stem == name:
            _usable(card)


def _cards() -> list[Path]:
    return sorted(resource("models").glob("*.json"))


def _usable(card: Path) -> ModelSpec:
    spec = _read_shipped(card)
    if isinstance(spec, ModelUnusable):
        raise spec
    return spec


def _read_shipped(card: Path) -> ModelSpec | ModelUnusable:
    """Return a shipped model, or why it cannot be used.

    Its weights are only read for a run: until then its card alone tells which channels
    and which diameter it needs.
    """
    path = card.with_name(card.stem)
    try:
        facts = json.loads(card.read_text(encoding="utf-8"))
        return ModelSpec(name=path.name, path=path, source="shipped", **facts)
    # What is no JSON, or no card, is a ValueError. TypeError: it is no object, or names
    # a field twice.
    except (OSError, ValueError, TypeError, RecursionError):
        return ModelUnusable(
            f"The card of the model {path.name}, which is a part of Cellpose Studio, "
            "cannot be read.",
            "Install Cellpose Studio again.",
        )


def is_weight_file(path: Path) -> bool:
    """Return whether a file looks like one of weights, which may have any name.

    It does if it is an archive of PyTorch, or a list of weight files to be averaged.
    """
    if is_average_file(path):
        return True
    # Archives have tables of what is in them, also those of images, which end so.
    if special_kind(path) or path.suffix.lower() in _OTHER_ARCHIVES:
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/data.pkl") for name in archive.namelist())
    # Archives of a later version of ZIP raise NotImplementedError.
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


def from_file(path: Path) -> ModelSpec:
    """Return the model in a weight file, with the card beside it.

    Raises
    ------
    ModelUnusable
        If it contains no supported model that finds cells.
    """
    spec = _read(path)
    if spec.architecture_info.restores:
        raise _restores(path.name)
    return spec


def restoring_from_file(path: Path) -> ModelSpec:
    """Return the network in a weight file, which restores images.

    Raises
    ------
    ModelUnusable
        If it contains no such network.
    """
    spec = _read(path)
    if not spec.architecture_info.restores:
        raise ModelUnusable(
            f"{path.name} finds cells and restores no images.",
            "Choose a network such as denoise_cyto3.",
        )
    return spec


def _restores(name: str) -> ModelUnusable:
    return ModelUnusable(
        f"{name} restores images and finds no cells.",
        "To restore what a model of cells sees, choose Prepare input ▸ Add step ▸ "
        "Restore.",
        f"Use it by: cellpose-studio restore IMAGE --model {name}.",
    )


def _read(path: Path) -> ModelSpec:
    # These import torch, which the list of models does not need.
    from cellpose_studio.engine.networks.model_card import with_card
    from cellpose_studio.engine.networks.weights import inspect

    return _with_published_facts(with_card(inspect(path)))


def trained() -> dict[str, Path]:
    """Return the weight files that were trained in the window, by name."""
    # Beside the weights of each lies its card.
    files = sorted(card.with_suffix("") for card in trained_folder().glob("*.json"))
    return {file.name: file for file in files if file.is_file()}


def find(name: str) -> ModelSpec:
    """Return the model of a name, or in the weight file at a path.

    Raises
    ------
    ModelUnusable
        If there is none; another model is never used instead.
    """
    known = {card.stem: card for card in _cards()}
    if name in known:
        return _usable(known[name])
    if name == AUTOMATIC_MODEL:
        return _automatic(default_model())
    path = Path(name)
    if path.is_file():
        return from_file(real_path(path))
    if (published := _published(name)) is not None:
        return published
    own = trained()
    if name in own:
        return from_file(own[name])
    names = ", ".join([*known, AUTOMATIC_MODEL, *own])
    raise ModelUnusable(
        f"There is no model {name}.",
        f"Known are {names}; or give the path of a weight file.",
    )


def find_restoring(name: str) -> ModelSpec:
    """Return the network that restores images, of a name or in a weight file.

    Raises
    ------
    ModelUnusable
        If there is none; another one is never used instead.
    """
    path = Path(name)
    if path.is_file():
        return restoring_from_file(real_path(path))
    return restoring_from_file(find_restoring_file(name))


def find_restoring_file(name: str) -> Path:
    """Return the weights of a network of Cellpose's that restores images, by its name.

    Raises
    ------
    ModelUnusable
        If there is none, or it is not installed.
    """
    known = [model for model in _published_models() if model.kind == "restoration"]
    for model in known:
        if model.name == name:
            return _installed(model)
    names = ", ".join(model.name for model in known if "_cyto3" in model.name)
    raise ModelUnusable(
        f"There is no network {name} that restores images.",
        f"Known are {names}, and the same for cyto2 and nuclei; or give the path of a "
        "weight file.",
    )


def _published_models() -> tuple[PublishedModel, ...]:
    return parse_published(resource(DATA_FILE).read_text(encoding="utf-8"))


def _with_published_facts(spec: ModelSpec) -> ModelSpec:
    """Return ``spec`` with what is known of it if it is a model of Cellpose's."""
    # A file elsewhere may have such a name by chance.
    if spec.title or real_path(spec.path).parent not in map(real_path, model_folders()):
        return spec
    for model in _published_models():
        if model.weights_name == spec.path.name:
            facts = {
                "name": model.name,
                "title": model.title,
                "description": model.purpose,
                "licence": model.licence,
            }
            return spec.model_copy(update=facts)
    return spec


def _published(name: str) -> ModelSpec | None:
    """Return an installed model of Cellpose's; None if it has published no such.

    Raises
    ------
    ModelUnusable
        If it is not installed, or does not run here.
    """
    model = next((one for one in _published_models() if one.name == name), None)
    if model is None:
        return None
    if model.refused:
        raise ModelUnusable(f"{name} {model.refused}", "Choose another model.")
    if model.architecture_info.restores:
        raise _restores(name)
    return from_file(_installed(model))


def _installed(model: PublishedModel) -> Path:
    """Return the file of a published model."""
    path = find_model_file(model.weights_name)
    if path is None:
        raise ModelUnusable(
            f"The model {model.name} of Cellpose is not installed.",
            "Models… downloads it.",
            f"cellpose-studio models get {model.name} downloads it.",
        )
    return real_path(path)
