"""The models that ship, and those that the user has as files."""

from __future__ import annotations

import json
from pathlib import Path

from cellpose_studio.core.errors import ModelUnusable
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.paths import resource


def shipped() -> list[ModelSpec]:
    """Return the models that come with the application, the default first."""
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
        If it holds none that we can run.
    """
    # Imports torch, which the list of models can do without.
    from cellpose_studio.engine.networks.model_card import with_card
    from cellpose_studio.engine.networks.weights import inspect

    return with_card(inspect(path))


def find(name: str) -> ModelSpec:
    """Return the model of that name, or in the weight file of that path.

    Raises
    ------
    ModelUnusable
        If there is none; no other model is ever used in its place.
    """
    known = {spec.name: spec for spec in shipped()}
    if name in known:
        return known[name]
    path = Path(name)
    if path.is_file():
        return from_file(path.resolve())
    raise ModelUnusable(
        f"There is no model {name}.",
        f"Known are {', '.join(known)}; or give the path of a weight file.",
    )
