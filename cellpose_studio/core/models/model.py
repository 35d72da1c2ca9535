"""What a model is: a weight file and what is known of it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from cellpose_studio.core.models.card import ModelCard

Architecture = Literal["unet", "sam", "dino"]
"""The residual U-Net of Cellpose 1-3, or a Transformer of Cellpose 4."""


class ModelSpec(BaseModel):
    """One model, as the catalogue and a weight file describe it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    path: Path
    architecture: Architecture
    sha256: str = Field(description="of the weight file")
    input_channels: int = Field(description="how many channels the network sees")
    diam_mean: float = Field(description="cells are scaled to this diameter, px")
    diam_labels: float = Field(description="median diameter it was trained at, px")
    source: Literal["shipped", "file"] = "file"
    title: str = ""
    description: str = ""
    licence: str = ""
    card: ModelCard | None = None

    @property
    def label(self) -> str:
        """What the user sees."""
        return self.title or self.name
