"""Which images a new model runs on next."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np

from cellpose_studio.app.training.next_images import next_images
from cellpose_studio.core.runs.confidence import Confidence


def image(name, errors=None, reviewed=False):
    """Return an image whose cells have these flow errors; None for no masks."""
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
        masks = SimpleNamespace(confidence=confidence)
    return SimpleNamespace(source=Path(name), reviewed=reviewed, masks=masks)


def test_uncertain_images_come_first_and_reviewed_ones_never():
    images = [
        image("sure", [0.01, 0.02]),
        image("unsure", [0.6, 0.9]),
        image("reviewed", [0.9], reviewed=True),
        image("trains", [0.9]),
        image("untouched"),
    ]
    roles = SimpleNamespace(uses=lambda one: {"train"} & {one.source.name[:5]})
    found = [one.image.source.name for one in next_images(images, roles)]
    assert found == ["untouched", "unsure", "sure"]
