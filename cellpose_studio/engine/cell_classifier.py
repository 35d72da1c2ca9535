"""A random forest that sorts cells into classes; all of scikit-learn that is used.

scikit-learn is imported inside functions, because that takes about a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.engine.versions import version_of

TREES = 200
METHOD = f"Random forest of {TREES} trees with balanced class weights"

_FOLDS = 5
_FEWEST_FOLDS = 2

Values = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Examples:
    """Cells whose class is known.

    Attributes
    ----------
    features
        (N, F), NaN where one is not known.
    classes
        (N,) index of the class of each.
    images
        (N,) index of the image of each.
    """

    features: Values
    classes: Codes
    images: Codes


@dataclass(frozen=True, eq=False, kw_only=True)
class CrossValidation:
    """What forests that had not seen the examples say of them.

    Attributes
    ----------
    found
        (N,) index of the class.
    folds
        Number of forests.
    by_image
        None has seen a cell of the image of the cells that it judged.
    """

    found: Codes
    folds: int
    by_image: bool


class Forest:
    """Sorts cells into classes by their features."""

    def __init__(self, model: Any) -> None:
        self._model = model

    @property
    def importances(self) -> Values:
        """(F,) the share of the decisions that rest on each feature; the sum is 1."""
        return np.asarray(self._model.feature_importances_, np.float64)

    def classify(self, features: Values) -> tuple[Codes, Values]:
        """Return (N,) the index of the most likely class, and its probability."""
        if not len(features):
            return np.zeros(0, np.int64), np.zeros(0)
        shares = np.asarray(self._model.predict_proba(features), np.float64)
        best = shares.argmax(axis=1)
        classes = np.asarray(self._model.classes_, np.int64)
        return classes[best], shares[np.arange(len(best)), best]


def train(examples: Examples, seed: int) -> Forest:
    """Return a forest that has learned from examples; the same seed, the same forest.

    It takes features that are not known as they come.
    """
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(
        n_estimators=TREES, class_weight="balanced", random_state=seed
    )
    return Forest(model.fit(examples.features, examples.classes))


def cross_validate(
    examples: Examples, seed: int, checkpoint: Checkpoint
) -> CrossValidation:
    """Return what is found of each example by a forest that has not seen it.

    Nor, if each class has examples in at least two images, any cell of its image.

    Raises
    ------
    Cancelled
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    images = _images_of_classes(examples)
    by_image = min(images) >= _FEWEST_FOLDS
    if by_image:
        folds = min(_FOLDS, *images)
        grouped = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
        parts = grouped.split(examples.features, examples.classes, examples.images)
    else:
        folds = min(_FOLDS, int(np.bincount(examples.classes).min()))
        single = StratifiedKFold(folds, shuffle=True, random_state=seed)
        parts = single.split(examples.features, examples.classes)
    found = np.zeros(len(examples.classes), np.int64)
    for n, (seen, judged) in enumerate(parts):
        checkpoint.reached(n, folds + 1, "fold")
        part = Examples(
            features=examples.features[seen],
            classes=examples.classes[seen],
            images=examples.images[seen],
        )
        found[judged] = train(part, seed).classify(examples.features[judged])[0]
    return CrossValidation(found=found, folds=folds, by_image=by_image)


def classifier_versions() -> dict[str, str]:
    """Return the versions of what a forest depends on."""
    return {name: version_of(name) for name in ("scikit-learn", "numpy")}


def _images_of_classes(examples: Examples) -> list[int]:
    """Return in how many images each class has examples."""
    return [
        len(np.unique(examples.images[examples.classes == one]))
        for one in np.unique(examples.classes)
    ]
