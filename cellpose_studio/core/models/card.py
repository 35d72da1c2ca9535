"""What there is to know about a model: where it comes from, how well it works."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from cellpose_studio.core.wording import counted

NO_CARD = "Without a card, its purpose, training data and accuracy are unknown."
"""What is said of a model without one."""


MOST_LETTERS = 20_000
"""Length of a text beyond which it is none that a person wrote for a card."""

PER_CELL = "per cell"
"""Targets of which each cell has the flows that it has alone."""

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


class CardImage(_Value):
    """One image that a model was trained or validated on."""

    name: str
    role: Literal["train", "validation"]
    source: str = Field(description="file, revision of the masks, crop")
    identity: str = Field(description="hash of pixels, masks and what is ignored")
    cells: _Count


class CurvePoint(_Value):
    """How a training stood after an epoch; 0 is the model before it."""

    epoch: _Count
    train_loss: float | None = None
    validation_loss: float | None = None
    validation_ap: float | None = Field(None, description="at IoU 0.5, the mean")
    validation_score: float | None = Field(
        None,
        description="mean AP at IoU 0.5 to 0.9; of the epochs that may be kept, that "
        "of the highest is",
    )


class ParentComparison(_Value):
    """A model against the one that it was trained from, on the validation images.

    AP at IoU 0.5; the epoch was chosen on the same images.
    """

    images: _Count
    before: float
    after: float
    low: float | None = Field(
        description="of the difference, 2.5 % of bootstrap samples; None of one image"
    )
    high: float | None = Field(
        description="of the difference, 97.5 % of bootstrap samples; None of one image"
    )

    @property
    def worse(self) -> bool:
        """Whether the mean AP fell."""
        return self.after < self.before

    def __str__(self) -> str:
        """Return it as a sentence without a full stop."""
        change = self.after - self.before
        word = "worse than" if self.worse else "better than" if change else "as good as"
        images = counted(self.images, "validation image")
        spread = "one image gives no interval"
        if self.low is not None and self.high is not None:
            spread = f"95 % interval {self.low:+.3f} to {self.high:+.3f}"
        return (
            f"{word} before on {images}: AP {self.before:.3f} before, "
            f"{self.after:.3f} after, a difference of {change:+.3f} ({spread})"
        )

    @property
    def doubtful(self) -> bool:
        """Whether there is a difference that may be chance."""
        if self.after == self.before:
            return False
        return self.low is None or self.high is None or self.low <= 0 <= self.high


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
    targets: str = Field(
        "", description="how the flows it learned were computed; empty: as in Cellpose"
    )
    parent: str = Field("", description="name of the model that it was trained from")
    parent_sha256: str = Field("", description="of the parent's weights")
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="of the training, those of the window"
    )
    images: tuple[CardImage, ...] = ()
    epoch: _Count = Field(0, description="whose weights these are")
    curve: tuple[CurvePoint, ...] = ()
    comparison: ParentComparison | None = None
    authors: tuple[str, ...] = Field((), description="as a package names them")
    cite: tuple[str, ...] = Field((), description="what its authors want cited")
    documentation: str = Field("", description="by its authors; Markdown")

    @property
    def duration(self) -> str:
        """How long the training took: "less than 1 min", "12 min"; "" if unknown."""
        if not self.minutes:
            return ""
        return "less than 1 min" if self.minutes < 1 else f"{self.minutes:.0f} min"
