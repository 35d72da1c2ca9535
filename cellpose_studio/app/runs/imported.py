"""Masks of files as label sets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.runs.parameters import THRESHOLDS, SegmentationParameters
from cellpose_studio.io.masks.imported import ImportedMasks
from cellpose_studio.workflows.recompute import LazyMaskMaker


def imported_labels(name: str, masks: ImportedMasks, image: ImageSource) -> LabelSet:
    """Return masks of a file as a label set; its flows feed the thresholds.

    For a worker, as it counts cells, and compresses what is not annotated.
    """
    _ = masks.packed_unlabelled
    maker = flows = None
    if masks.flows is not None:
        # The file does not say which axis is time, so that planes were not told apart.
        flows = replace(masks.flows, frames=image.frames)
        maker = LazyMaskMaker(flows, image.label_shape)
    pixels = LabelImage(masks.labels)
    return LabelSet(
        name=name,
        pixels=pixels,
        origin=f"from {Path(masks.path).name}",
        cells=len(pixels.cell_table()),
        flows=flows,
        maker=maker,
        parameters=parameters_of(masks),
    )


def parameters_of(masks: ImportedMasks) -> SegmentationParameters:
    """Return the parameters that a file says, where they are sensible."""
    parameters = SegmentationParameters()
    for name in THRESHOLDS:
        if (value := masks.details.get(name)) is not None:
            changed = {**parameters.model_dump(), name: value}
            try:
                parameters = SegmentationParameters.model_validate(changed)
            except ValueError:
                continue
    return parameters
