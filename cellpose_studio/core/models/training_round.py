"""One training of a project, and the tree of models that trainings make."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from cellpose_studio.core.models.card import ModelCard


class TrainingRound(BaseModel):
    """A model that was trained on a project.

    Attributes
    ----------
    name
        What the user calls the model.
    path
        Of its weights, as they were written.
    sha256
        Of its weights.
    card
        How it was trained: its parent, images and revisions, curve and comparison.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    path: str
    sha256: str
    card: ModelCard


def depths(rounds: Sequence[TrainingRound]) -> list[tuple[int, TrainingRound]]:
    """Return rounds as a tree: each after its parent, with its depth from 0.

    Models from the same parent keep their order; one whose parent is no round of them
    is a root.
    """
    known = {one.sha256 for one in rounds}
    children: dict[str, list[TrainingRound]] = {}
    for one in rounds:
        parent = one.card.parent_sha256
        # A model cannot be its own parent, whatever a file says.
        is_root = parent not in known or parent == one.sha256
        children.setdefault("" if is_root else parent, []).append(one)
    found: list[tuple[int, TrainingRound]] = []
    waiting = [(0, one) for one in reversed(children.pop("", []))]
    while waiting:
        depth, one = waiting.pop()
        found.append((depth, one))
        below = children.pop(one.sha256, [])
        waiting += [(depth + 1, child) for child in reversed(below)]
    return found
