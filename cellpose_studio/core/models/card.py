"""What there is to know about a model: where it comes from, how well it works."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

NO_CARD = "Without a card, its purpose, training data and accuracy are unknown."
"""What is said of a model without one."""


MOST_LETTERS = 20_000
"""Length of a text beyond which it is none that a person wrote for a card."""

_Count = Annotated[int, Field(ge=0, le=10**12)]


class _Value(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, str_max_length=MOST_LETTERS
    )


class UnusedFiles(_Value):
    """Files of a training folder that a model was not trained on."""

    reason: str = Field(description="the end of a sentence: without masks")
    files: tuple[str, ...] = Field(description="names without the folder")


class TrainingData(_Value):
    """One folder of images that a model was trained on."""

    name: str
    images: _Count = Field(description="that it was trained on")
    cells: _Count = Field(description="on these images")
    left_out: tuple[UnusedFiles, ...] = ()
    about: str = Field("", description="what they show, and where they come from")
    licence: str = ""
    synthetic: bool = Field(False, description="whether a program drew the images")
    papers: tuple[str, ...] = Field((), description="to cite for them, in full")


class Accuracy(_Value):
    """How well a model does on images of one kind that it was not trained on.

    AP is hits / (hits + misses + false alarms), as in Cellpose's
    ``metrics.average_precision``, the mean over the images.
    """

    kind: str
    images: _Count
    ap50: float = Field(description="AP at IoU 0.5")
    ap75: float
    ap90: float
    worst: float = Field(description="AP at IoU 0.5 of the worst image")
    best: float
    diameter_error: float = Field(
        description="median of |measured / true - 1|, of the automatic diameter"
    )
    seeds: tuple[float, ...] = Field(
        (), description="AP at IoU 0.5 of trainings that differ in nothing but the seed"
    )


class ModelCard(_Value):
    """How a model was made, what it is for, and what it is not for."""

    purpose: str = ""
    not_for: str = ""
    data: tuple[TrainingData, ...] = ()
    command: str = ""
    seed: int = 0
    minutes: float = Field(0.0, ge=0, le=1e9, description="that the training took")
    machine: str = ""
    versions: dict[str, str] = Field(default_factory=dict)
    date: str = Field("", description="when the training ended, YYYY-MM-DD")
    accuracy: tuple[Accuracy, ...] = ()
