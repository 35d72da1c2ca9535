"""Catalogue of the shipped models and of the user's weight files."""

from __future__ import annotations

import json
from pathlib import Path

from cellpose_studio.core.errors import ModelUnusable
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.paths import real_path, resource


def shipped() -> list[ModelSpec]:
    """Return the models shipped with the application, the default first."""
    folder = resource("models")
    specs = []
    for card in sorted(folder.glob("*.json")):
        facts = json.loads(card.read_text(encoding="utf-8"))
        path = folder / card.stem
        specs.append(ModelSpec(name=card.stem, path=path, source="shipped", **facts))
    return specs


def from_file(path: Path) -> ModelSpec:
    """Return the model in a weight file, with the card beside it.

    Raises
    ------
    ModelUnusable
        If it contains no supported model.
    """
    # These import torch, which the list of models does not need.
    from cellpose_studio.engine.networks.model_card import with_card
    from cellpose_studio.engine.networks.weights import inspect

    return with_card(inspect(path))


def find(name: str) -> ModelSpec:
    """Return the model of a name, or in the weight file at a path.

    Raises
    ------
    ModelUnusable
        If there is none; another model is never used instead.
    """
    known = {spec.name: spec for spec in shipped()}
    if name in known:
        return known[name]
    path = Path(name)
    if path.is_file():
        return from_file(real_path(path))
    raise ModelUnusable(
        f"There is no model {name}.",
        f"Known are {', '.join(known)}; or give the path of a weight file.",
    )
