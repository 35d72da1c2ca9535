"""What a model is: a weight file and what is known of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from cellpose_studio.core.models.architecture import ARCHITECTURES, ArchitectureInfo
from cellpose_studio.core.models.card import MOST_LETTERS, PER_CELL, ModelCard

MODEL_DIAMETERS = (1.0, 1000.0)
"""Range of the diameters that a network can have been made for, px."""

_DEFAULT_DIAMETER = 30.0
"""Diameter, px, of files that do not tell it (Cellpose 1)."""
NUCLEI_DIAMETER = 17.0
"""That of Cellpose's models of nuclei, which it tells by the name of the file."""
NUCLEI = "nuclei"
"""What is in their names."""

AUTOMATIC_MODEL = "auto"
"""Name of the choice of a shipped model for each image, which a quick look makes."""


def _known(architecture: str) -> str:
    if architecture not in ARCHITECTURES:
        raise ValueError(f"is none of {', '.join(ARCHITECTURES)}")
    return architecture


def diameter_by_name(name: str) -> float:
    """Return the diameter, px, that a network scales cells to by its name.

    Cellpose 3 goes by that for networks that restore images, whatever is written in
    them.
    """
    return NUCLEI_DIAMETER if NUCLEI in name else _DEFAULT_DIAMETER


class ModelSpec(BaseModel):
    """One model, as the catalogue and a weight file describe it."""

    # A card may come from anywhere: absurd texts and numbers make it unreadable.
    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, str_max_length=MOST_LETTERS
    )

    name: str
    path: Path
    architecture: Annotated[str, AfterValidator(_known)] = Field(
        description="name in `ARCHITECTURES`"
    )
    sha256: str = Field(description="of the weight file")
    input_channels: int = Field(description="how many channels the network sees")
    diam_mean: float = Field(description="cells are scaled to this diameter, px")
    diam_labels: float = Field(description="median diameter it was trained at, px")
    source: Literal["shipped", "file"] = "file"
    title: str = ""
    description: str = ""
    licence: str = ""
    card: ModelCard | None = None
    card_problem: str = Field(
        "", exclude=True, description="why its card is not used, one sentence; not kept"
    )

    @property
    def architecture_info(self) -> ArchitectureInfo:
        """What is known of its architecture."""
        return ARCHITECTURES[self.architecture]

    @property
    def is_automatic(self) -> bool:
        """Whether it stands for the shipped model that suits the image."""
        return self.source == "shipped" and self.name == AUTOMATIC_MODEL

    @property
    def per_cell_targets(self) -> bool:
        """Whether it learned flows that were computed cell by cell."""
        return self.card is not None and self.card.targets == PER_CELL

    @property
    def label(self) -> str:
        """What the user sees."""
        return self.title or self.name
