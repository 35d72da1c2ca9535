"""Recipes of the revisions of a project, as text to copy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from cellpose_studio.core.models.card import ModelCard
from cellpose_studio.core.provenance.classes.class_work import together
from cellpose_studio.core.provenance.record import ModelRecord
from cellpose_studio.core.recipes import (
    MadeMasks,
    as_command,
    as_json,
    as_methods_of_images,
    as_script,
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
        return methods_of([made])
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


def methods_of(images: Sequence[Provenance]) -> str:
    """Return the methods paragraph about the masks of images, at least one.

    Masks that the same versions and model have made are one paragraph: what holds for
    all of them, and what differs.
    """
    return as_methods_of_images(
        [[*_parts(made)] for made in images],
        cache(card_of),
        together(made.classes for made in images),
    )


def _parts(made: Provenance) -> Iterator[MadeMasks]:
    """Yield what made the masks, the earliest first."""
    hand = made.hand
    if made.earlier is not None:
        yield from _parts(made.earlier)
        # What was done to the earlier masks by hand is told with them.
        hand = replace(hand, before=())
    changed = made.record is None and made.base.kind == "threshold"
    yield MadeMasks(
        image=made.image,
        record=made.record,
        hand=hand,
        cells=made.revision.cells,
        origin=made.imported.origin if made.imported else "",
        thresholds=made.base.parameters if changed else None,
    )
