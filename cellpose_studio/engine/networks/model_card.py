"""Model cards: JSON files next to the weights."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import torch
from pydantic import ValidationError

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

    A card that was written for other weights is ignored, and so is one that is damaged,
    which the description of the model says.
    """
    path = card_path(spec.path)
    if not path.is_file():
        return spec
    try:
        facts = json.loads(_text(path))
        if facts.get("sha256") != spec.sha256:
            return spec
        words = {name: facts[name] for name in _WORDS if name in facts}
        return ModelSpec.model_validate({**spec.model_dump(), **words})
    # Nested deeply enough, JSON exceeds the depth to which Python recurses.
    except (OSError, ValueError, AttributeError, RecursionError, ValidationError):
        return spec.model_copy(
            update={"description": f"{path.name} beside it is not a readable card."}
        )


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
