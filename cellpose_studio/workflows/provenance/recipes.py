"""Recipes of the revisions of a project, as text to copy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

from cellpose_studio.core.models.card import ModelCard
from cellpose_studio.core.provenance.record import ModelRecord
from cellpose_studio.core.recipes import (
    as_command,
    as_json,
    as_methods,
    as_methods_without_run,
    as_script,
    join_methods,
)
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.workflows.provenance.origin import Provenance

RecipeKind = Literal["command", "script", "methods", "json"]

KINDS: tuple[RecipeKind, ...] = get_args(RecipeKind)


def recipe(made: Provenance, kind: RecipeKind) -> str:
    """Return how the masks were made, in the form of ``kind``.

    Raises
    ------
    NoRun
        If no run made them, and ``kind`` is not the methods paragraph.
    """
    if kind == "methods":
        return _methods(made)
    record, hand = made.known_record(), made.hand
    if kind == "command":
        return as_command(record, hand)
    if kind == "script":
        return as_script(record, hand)
    return as_json(record, hand)


def card_of(model: ModelRecord) -> ModelCard | None:
    """Return the card of the model of a run; None without one."""
    known = {spec.sha256: spec.card for spec in shipped()}
    if model.sha256 in known:
        return known[model.sha256]
    # This imports torch, which shipped models do not need.
    from cellpose_studio.engine.networks.model_card import read_card

    try:
        facts = read_card(Path(model.path), model.sha256)
        return ModelCard.model_validate(facts.get("card"))
    # A validation error is one as well.
    except ValueError:
        return None


def _methods(made: Provenance) -> str:
    if made.earlier is None:
        return _own_methods(made)
    # What was done to the earlier masks by hand is told with them, and classes at the
    # end.
    own = replace(made, hand=replace(made.hand, before=()))
    earlier = replace(made.earlier, classes=None)
    return join_methods([_methods(earlier), _own_methods(own)])


def _own_methods(made: Provenance) -> str:
    record, cells = made.record, made.revision.cells
    if record is not None:
        return as_methods(record, made.hand, card_of(record.model), cells, made.classes)
    origin = made.imported.origin if made.imported else ""
    changed = made.base.parameters if made.base.kind == "threshold" else None
    return as_methods_without_run(origin, made.hand, cells, changed, made.classes)
