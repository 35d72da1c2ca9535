"""Trains a classifier on cells that were classed by hand, and classes the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.measure.features import (
    common_features,
    features_of,
    missing_features,
)
from cellpose_studio.core.measure.measurements import Measurements
from cellpose_studio.core.provenance.classes.assigned import Assigned
from cellpose_studio.core.provenance.classes.cell_class import CellClass
from cellpose_studio.core.provenance.classes.classifier_record import (
    ClassExamples,
    ClassifierRecord,
)
from cellpose_studio.core.wording import cell_count, listed
from cellpose_studio.engine.cell_classifier import (
    METHOD,
    Examples,
    Forest,
    classifier_versions,
    cross_validate,
    train,
)

FEWEST = 3
"""Examples that a class needs: each fold of the cross-validation has one of it."""
SEED = 0


class TooFewExamples(StudioError):
    """There are not enough cells classed by hand to learn from."""


class FeaturesMissing(StudioError):
    """An image lacks measurements that a classifier uses."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ClassedImage:
    """An image with cells whose class is known.

    Attributes
    ----------
    assigned
        Class of cells, by id; those that are not there any more are left out.
    """

    name: str
    table: Measurements
    assigned: Mapping[int, Assigned]

    def examples(self) -> dict[int, int]:
        """Return the class of the cells that were classed by hand, by their id."""
        there = set(self.table.ids.tolist())
        return {
            cell: one.number
            for cell, one in self.assigned.items()
            if one.by_hand and cell in there
        }


@dataclass(frozen=True, eq=False, kw_only=True)
class Classifier:
    """A classifier with its record.

    Attributes
    ----------
    record
        What it learned from, and how often it was right.
    """

    record: ClassifierRecord
    forest: Forest

    def classify(
        self, table: Measurements, image: str, number: int
    ) -> dict[int, Assigned]:
        """Return the class of each cell of a table, with its probability.

        Parameters
        ----------
        image
            Name of the image, for messages.
        number
            Id of the record in the project.

        Raises
        ------
        FeaturesMissing
        """
        names = self.record.features
        if missing := missing_features(table, names):
            raise FeaturesMissing(
                f"The cells of {image} were not classed: {listed(missing)} is not "
                "measured there, which the classifier uses.",
                "Give the channels of all images the same names, and train again.",
            )
        found = features_of(table, names)
        codes, shares = self.forest.classify(found.values)
        ids = [one.id for one in self.record.classes]
        return {
            cell: Assigned(
                number=ids[code], probability=round(share, 4), classifier=number
            )
            for cell, code, share in zip(
                found.ids.tolist(), codes.tolist(), shares.tolist(), strict=True
            )
        }


def train_classifier(
    images: Sequence[ClassedImage], classes: Sequence[CellClass], checkpoint: Checkpoint
) -> Classifier:
    """Return a classifier that has learned from the cells classed by hand.

    Parameters
    ----------
    images
        Those without examples take no part.
    classes
        Those that there are, in the order of the list.

    Raises
    ------
    TooFewExamples
        If fewer than two classes have 3 examples.
    FeaturesMissing
        If the images with examples have no measurement together.
    Cancelled
    """
    names = {one.id: one.name for one in classes}
    examples = [
        {cell: one for cell, one in image.examples().items() if one in names}
        for image in images
    ]
    counts = Counter(one for known in examples for one in known.values())
    taking_part = [one for one in names if counts[one] >= FEWEST]
    check_enough(names, counts)
    used = [
        (image, known)
        for image, known in zip(images, examples, strict=True)
        if any(one in taking_part for one in known.values())
    ]
    features = _known_features([image for image, _ in used])
    known_cells = _examples(used, features, taking_part)
    judged = cross_validate(known_cells, SEED, checkpoint)
    forest = train(known_cells, SEED)
    record = ClassifierRecord(
        created=datetime.now(UTC),
        method=METHOD,
        seed=SEED,
        features=features,
        importances=tuple(round(one, 4) for one in forest.importances.tolist()),
        classes=tuple(
            ClassExamples(
                id=number,
                name=names[number],
                found_as=_found_as(known_cells, judged.found, n, len(taking_part)),
            )
            for n, number in enumerate(taking_part)
        ),
        images=tuple(image.name for image, _ in used),
        folds=judged.folds,
        by_image=judged.by_image,
        left_out=tuple(
            names[one] for one in names if counts[one] > 0 and one not in taking_part
        ),
        versions=classifier_versions(),
    )
    return Classifier(record=record, forest=forest)


def check_enough(names: Mapping[int, str], counts: Mapping[int, int]) -> None:
    """Raise `TooFewExamples` unless two classes have enough examples.

    Parameters
    ----------
    names, counts
        Name and number of examples by the id of the class.
    """
    if sum(counts.get(one, 0) >= FEWEST for one in names) >= 2:
        return
    known = [f"{name} {counts.get(one, 0):,}" for one, name in names.items()]
    so_far = f"So far: {', '.join(known)}." if known else "There are no classes yet."
    raise TooFewExamples(
        f"The classifier needs {cell_count(FEWEST)}, classed by hand, of each of 2 "
        f"classes. {so_far}",
        "Click more cells with the tool Classify.",
    )


def _known_features(images: Sequence[ClassedImage]) -> tuple[str, ...]:
    """Return the features that some cell has a value of."""
    tables = [image.table for image in images]
    found = tuple(
        name
        for name in common_features(tables)
        if any(np.isfinite(table.values[name]).any() for table in tables)
    )
    if not found:
        raise FeaturesMissing(
            "The images with classed cells have no measurements in common.",
            "Classify cells of images of one kind.",
        )
    return found


def _examples(
    used: Sequence[tuple[ClassedImage, Mapping[int, int]]],
    features: Sequence[str],
    classes: Sequence[int],
) -> Examples:
    values, codes, groups = [], [], []
    for n, (image, known) in enumerate(used):
        found = features_of(image.table, features)
        for cell, row in zip(found.ids.tolist(), found.values, strict=True):
            if known.get(cell) in classes:
                values.append(row)
                codes.append(classes.index(known[cell]))
                groups.append(n)
    return Examples(
        features=np.array(values),
        classes=np.array(codes, np.int64),
        images=np.array(groups, np.int64),
    )


def _found_as(
    examples: Examples, found: np.ndarray, code: int, classes: int
) -> tuple[int, ...]:
    of_class = found[examples.classes == code]
    return tuple(np.bincount(of_class, minlength=classes).tolist())
