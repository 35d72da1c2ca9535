"""Recipes of the revisions of a project, as text to copy."""

from __future__ import annotations

from typing import Literal, get_args

from cellpose_studio.core.models.card import ModelCard
from cellpose_studio.core.provenance.record import ModelRecord
from cellpose_studio.core.recipes import as_command, as_json, as_methods, as_script
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.workflows.provenance.origin import Provenance

RecipeKind = Literal["command", "script", "methods", "json"]

KINDS: tuple[RecipeKind, ...] = get_args(RecipeKind)


def recipe(made: Provenance, kind: RecipeKind) -> str:
    """Return how the masks were made, in the form of ``kind``.

    Raises
    ------
    NoRun
        If no run made them.
    """
    record, edits = made.known_record(), made.edits
    if kind == "command":
        return as_command(record, edits)
    if kind == "script":
        return as_script(record, edits)
    if kind == "json":
        return as_json(record, edits)
    return as_methods(record, edits, _card(record.model), made.revision.cells)


def _card(model: ModelRecord) -> ModelCard | None:
    """Return the card of a shipped model."""
    known = {spec.sha256: spec.card for spec in shipped()}
    return known.get(model.sha256)
