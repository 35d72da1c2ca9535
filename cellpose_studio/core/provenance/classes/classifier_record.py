"""The record of a classifier: what it learned from, and how often it was right."""

from __future__ import annotations

import math
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from cellpose_studio.core.wording import cell_count, image_count, listed

_Z = 1.96
"""Of a normal distribution, for an interval of 95 %."""
_MOST = 5


class ClassExamples(BaseModel):
    """A class that a classifier knows.

    Each cell that was classed by hand was classed by a forest that had not seen it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: int = Field(description="of the class in the project")
    name: str
    found_as: tuple[int, ...] = Field(
        description="how many of its examples were found to be of which class, in the "
        "order of the classes"
    )

    @property
    def examples(self) -> int:
        """Number of cells that were put into it by hand."""
        return sum(self.found_as)


class ClassifierRecord(BaseModel):
    """Provenance of classes that a classifier gave to cells."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    created: datetime = Field(description="UTC")
    method: str
    seed: int
    features: tuple[str, ...] = Field(description="the measurements that it uses")
    importances: tuple[float, ...] = Field(
        description="by the features: the share of the decisions that rest on each"
    )
    classes: tuple[ClassExamples, ...]
    images: tuple[str, ...] = Field(description="those with examples")
    folds: int = Field(description="of the cross-validation")
    by_image: bool = Field(
        description="no fold has cells of an image that the forest learned from"
    )
    left_out: tuple[str, ...] = Field(
        (), description="classes with too few examples to take part"
    )
    versions: dict[str, str] = Field(default_factory=dict)

    def is_same(self, other: ClassifierRecord) -> bool:
        """Return whether the same classifier was trained, at whatever time."""
        return self.model_copy(update={"created": other.created}) == other

    @property
    def examples(self) -> int:
        """Number of cells that were classed by hand."""
        return sum(one.examples for one in self.classes)

    @property
    def right(self) -> int:
        """Number of examples that were found to be of their class."""
        return sum(one.found_as[n] for n, one in enumerate(self.classes))

    @property
    def accuracy(self) -> float:
        """Share of the examples that were found to be of their class."""
        return self.right / self.examples

    @property
    def balanced_accuracy(self) -> float:
        """Mean of the recalls: rare classes count as much as frequent ones."""
        return sum(map(self.recall, range(len(self.classes)))) / len(self.classes)

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval of 95 % of the accuracy, as of independent cells."""
        n, share = self.examples, self.accuracy
        middle = share + _Z**2 / (2 * n)
        half = _Z * math.sqrt(share * (1 - share) / n + (_Z / (2 * n)) ** 2)
        scale = 1 + _Z**2 / n
        return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)

    @property
    def by_chance(self) -> float:
        """Accuracy of who says that all are of the most frequent class."""
        return max(one.examples for one in self.classes) / self.examples

    def recall(self, n: int) -> float:
        """Return the share of the examples of the n-th class that were found."""
        return self.classes[n].found_as[n] / self.classes[n].examples

    def precision(self, n: int) -> float:
        """Return the share that is right of what is said to be of the n-th class.

        NaN if nothing was.
        """
        found = sum(one.found_as[n] for one in self.classes)
        return self.classes[n].found_as[n] / found if found else math.nan

    @property
    def accuracy_text(self) -> str:
        """Accuracy with what it rests on: "93 % (28 of 30 cells; 95 % interval …)"."""
        low, high = self.interval
        return (
            f"{self.accuracy:.0%} ({self.right:,} of {cell_count(self.examples)}; "
            f"95% interval {low:.0%} to {high:.0%})"
        )

    @property
    def validation_text(self) -> str:
        """How the accuracy was found."""
        if self.by_image:
            return (
                f"{self.folds}-fold cross-validation by image: each cell was judged by "
                "a forest that had seen no cell of its image."
            )
        why = (
            ""
            if len(self.images) < 2
            else " Cells of an image may be in both parts, as a class has examples in "
            "too few images: on new images it may be less accurate."
        )
        return (
            f"{self.folds}-fold cross-validation: each cell was judged by a forest "
            f"that had not seen it.{why}"
        )

    @property
    def top_features(self) -> tuple[tuple[str, float], ...]:
        """The features that matter most, with their shares."""
        both = zip(self.features, self.importances, strict=True)
        return tuple(sorted(both, key=lambda one: -one[1])[:_MOST])

    @property
    def text(self) -> str:
        """All of it, in sentences for methods and dictionaries."""
        made_by = "".join(f", {name} {one}" for name, one in self.versions.items())
        classes = listed([f"{one.name} ({one.examples:,})" for one in self.classes])
        return (
            f"{self.method} (seed {self.seed}{made_by}), trained "
            f"{self.created:%Y-%m-%d %H:%M} UTC on {cell_count(self.examples)} classed "
            f"by hand in {image_count(len(self.images))}: {classes}. "
            f"Accuracy {self.accuracy_text}, balanced "
            f"{self.balanced_accuracy:.0%}, {self.validation_text} "
            f"It uses {len(self.features)} measurements: {', '.join(self.features)}."
        )
