"""The forest that sorts cells into classes."""

from __future__ import annotations

import numpy as np

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.engine.cell_classifier import Examples, cross_validate, train


def examples(size=24, images=3, seed=1):
    """Return cells of two classes that differ in the first of three features."""
    random = np.random.default_rng(seed)
    classes = np.arange(size) % 2
    features = random.normal(size=(size, 3))
    features[:, 0] += 6 * classes
    features[::5, 2] = np.nan
    groups = np.arange(size) * images // size
    return Examples(features=features, classes=classes, images=groups)


def test_it_learns_what_the_classes_differ_in_and_takes_unknown_values():
    known = examples()
    forest = train(known, 0)
    assert forest.importances.argmax() == 0
    new = np.array([[6.0, 0, np.nan], [0.0, np.nan, 0]])
    classes, probabilities = forest.classify(new)
    assert classes.tolist() == [1, 0]
    assert (probabilities > 0.7).all()


def test_the_same_seed_gives_the_same_forest():
    known, other = examples(), examples(seed=2)
    one, again, different = train(known, 0), train(known, 0), train(known, 5)
    expected = one.classify(other.features)
    for found, wanted in zip(again.classify(other.features), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert (different.importances != one.importances).any()


def test_no_forest_judges_cells_of_an_image_that_it_has_seen():
    """A feature that only tells images apart must not help."""
    known = examples(size=40, images=4)
    images = known.images
    # The class depends on the image alone, but for one cell of each.
    classes = images % 2
    classes[::10] = 1 - classes[::10]
    features = images[:, None].astype(float)
    leaky = Examples(features=features, classes=classes, images=images)
    found = cross_validate(leaky, 0, Checkpoint())
    assert found.by_image
    assert found.folds == 4
    single = cross_validate(
        Examples(features=features, classes=classes, images=0 * images), 0, Checkpoint()
    )
    assert not single.by_image
    assert (single.found == classes).mean() == 0.9
    assert (found.found == classes).mean() < 0.7


def test_cells_of_one_image_are_validated_cell_by_cell():
    known = examples(images=1)
    found = cross_validate(known, 0, Checkpoint())
    assert not found.by_image
    assert found.folds == 5
    assert (found.found == known.classes).mean() > 0.9
