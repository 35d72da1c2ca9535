"""Which images a new model runs on next."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np

from cellpose_studio.app.training.next_images import next_images, unread_revisions
from cellpose_studio.core.runs.confidence import Confidence


def image(name, errors=None, reviewed=False, revision=None):
    """Return an image whose cells have these flow errors; None for no masks.

    With a revision, its masks were not shown since the start.
    """
    masks = None
    if errors is not None:
        count = len(errors)
        confidence = Confidence(
            ids=np.arange(1, count + 1, dtype=np.uint32),
            pixels=np.full(count, 50),
            flow_errors=np.array(errors, float),
            probabilities=np.full(count, 0.9),
            candidates=count,
            misfits=0,
        )
        masks = SimpleNamespace(confidence=confidence, revision=None)
    if revision is not None:
        kept = SimpleNamespace(id=revision)
        masks = SimpleNamespace(confidence=None, revision=kept)
    return SimpleNamespace(source=Path(name), reviewed=reviewed, masks=masks)


def test_uncertain_images_come_first_and_reviewed_ones_never():
    images = [
        image("sure", [0.01, 0.02]),
        image("unsure", [0.6, 0.9]),
        image("reviewed", [0.9], reviewed=True),
        image("trains", [0.9]),
        image("untouched"),
        image("by hand", revision=7),
        image("unread", revision=8),
    ]
    roles = SimpleNamespace(uses=lambda one: {"train"} & {one.source.name[:5]})
    assert unread_revisions(images, roles, {7: None}) == [8]
    stored = {7: None, 8: 0.5}
    found = [one.image.source.name for one in next_images(images, roles, stored)]
    assert found == ["untouched", "by hand", "unsure", "unread", "sure"]
    assert unread_revisions(images, roles, stored) == []
