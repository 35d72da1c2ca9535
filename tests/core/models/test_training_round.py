"""The tree of models that were trained on a project."""

from __future__ import annotations

from cellpose_studio.core.models.card import ModelCard
from cellpose_studio.core.models.training_round import TrainingRound, depths


def one(name: str, parent: str = "") -> TrainingRound:
    card = ModelCard(parent_sha256=parent)
    return TrainingRound(name=name, path=name, sha256=name, card=card)


def listed(*rounds: TrainingRound) -> list[tuple[int, str]]:
    return [(depth, found.name) for depth, found in depths(rounds)]


def test_models_stand_below_their_parents():
    rounds = one("a", "shipped"), one("b", "a"), one("c"), one("d", "a"), one("e", "b")
    assert listed(*rounds) == [(0, "a"), (1, "b"), (2, "e"), (1, "d"), (0, "c")]


def test_a_model_that_claims_to_be_its_own_parent_is_a_root():
    assert listed(one("a", "a"), one("b", "a")) == [(0, "a"), (1, "b")]
