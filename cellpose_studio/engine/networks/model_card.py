"""Model cards: JSON files next to the weights."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

import torch

from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.engine.device import cpu_capability, cpu_computes_bfloat16

_MOST_BYTES = 1 << 24
"""Size of a file beyond which it is no card."""

_WORDS = ("title", "description", "licence", "card")


def card_path(weights: Path) -> Path:
    """Return the path of the card of a weight file, whether or not it exists."""
    return weights.with_name(f"{weights.name}.json")


def with_card(spec: ModelSpec) -> ModelSpec:
    """Return ``spec`` with the card next to its weights.

    A card that was written for other weights is ignored. One that is damaged is, too,
    which the description and ``card_problem`` say: how images are treated follows from
    the weights alone, so the model can be used without its card.
    """
    try:
        facts = read_card(spec.path, spec.sha256)
        words = {name: facts[name] for name in _WORDS if name in facts}
        return ModelSpec.model_validate({**spec.model_dump(), **words})
    except ValueError:
        name = card_path(spec.path).name
        description = f"{name} beside it is not a readable card."
        problem = (
            f"{name} beside the model {spec.name} is not a readable card, so its "
            "purpose and accuracy are unknown. Masks do not depend on it."
        )
        return spec.model_copy(
            update={"description": description, "card_problem": problem}
        )


def read_card(weights: Path, sha256: str) -> dict[str, Any]:
    """Return the content of the card next to ``weights``.

    It is empty if there is no card, or one of weights of another ``sha256``.

    Raises
    ------
    ValueError
        If the card is damaged.
    """
    path = card_path(weights)
    if not path.is_file():
        return {}
    try:
        facts = json.loads(_text(path))
    # Nested deeply enough, JSON exceeds the depth to which Python recurses.
    except (OSError, RecursionError) as error:
        raise ValueError from error
    if not isinstance(facts, dict):
        raise ValueError
    return facts if facts.get("sha256") == sha256 else {}


def _text(path: Path) -> str:
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError
    return path.read_text(encoding="utf-8")


def card_text(spec: ModelSpec) -> str:
    """Return the content of the card of ``spec``."""
    facts = spec.model_dump(mode="json", exclude={"name", "path", "source"})
    return f"{json.dumps(facts, indent=2, ensure_ascii=False)}\n"


def machine() -> str:
    """Return a description of the hardware, on which the result of training depends."""
    threads = torch.get_num_threads()
    parts = [
        f"{platform.system()} {platform.machine()}",
        f"CPU with {cpu_capability()}",
        "bfloat16" if cpu_computes_bfloat16() else "float32",
        f"{threads} thread" + "s" * (threads > 1),
    ]
    return ", ".join(parts)
