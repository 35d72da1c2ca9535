"""Model cards: JSON files next to the weights."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import torch
from pydantic import ValidationError

from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.engine.device import cpu_capability, cpu_computes_bfloat16

_WORDS = ("title", "description", "licence", "card")


def card_path(weights: Path) -> Path:
    """Return the path of the card of a weight file, whether or not it exists."""
    return weights.with_name(f"{weights.name}.json")


def with_card(spec: ModelSpec) -> ModelSpec:
    """Return ``spec`` with the card next to its weights.

    A card that is damaged, or was written for other weights, is ignored.
    """
    try:
        facts = json.loads(card_path(spec.path).read_text(encoding="utf-8"))
        if facts.get("sha256") != spec.sha256:
            return spec
        words = {name: facts[name] for name in _WORDS if name in facts}
        return ModelSpec.model_validate({**spec.model_dump(), **words})
    except (OSError, ValueError, AttributeError, ValidationError):
        return spec


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
