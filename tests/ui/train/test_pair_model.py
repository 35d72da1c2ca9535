"""What the training set is said to consist of."""

from __future__ import annotations

import pytest

from cellpose_studio.core.models.training_set import TrainingPair
from cellpose_studio.core.review.training_marks import TrainingCrop
from cellpose_studio.core.runs.region import Region
from cellpose_studio.ui.train.training_set.pair_model import summary_of
from cellpose_studio.workflows.training.project_set import SetPart

CROP = TrainingCrop(name="crop 1", region=Region(points=((0, 0), (9, 9))))


def part(image, role, **known):
    name = f"{image} {known}"
    pair = TrainingPair(
        name=name, role=role, identity=name, cells=5, source="", read=lambda: None
    )
    return SetPart(
        image=image,
        label_set=image,
        revision=None,
        name=name,
        role=role,
        cells=5,
        pair=None if known.get("reason") else pair,
        **known,
    )


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([], "Nothing is marked."),
        (
            [part(1, "train"), part(2, "train"), part(3, "validation")],
            "2 images for training (10 cells), 1 image for validation (5 cells).",
        ),
        (
            [part(1, "train", sliced=True) for _ in range(23)],
            "23 slices of 1 image for training (115 cells).",
        ),
        (
            [
                part(1, "train"),
                part(2, "train", crop=CROP),
                part(3, "train", reason="…"),
            ],
            "1 image and 1 crop for training (10 cells), 1 not used.",
        ),
        ([part(1, "train", reason="It has no masks.")], "1 not used."),
    ],
    ids=["nothing", "images", "slices", "crops", "unused"],
)
def test_slices_and_crops_are_counted_as_what_they_are(parts, said):
    assert summary_of(parts) == said
