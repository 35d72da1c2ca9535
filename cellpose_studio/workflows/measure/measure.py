"""Measures images one after the other, into one table."""

from __future__ import annotations

from collections.abc import Mapping

from cellpose_studio import __version__
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.measure.compartments.measure import (
    Nuclei,
    with_compartments,
)
from cellpose_studio.core.measure.image_channels import channels_of
from cellpose_studio.core.measure.measure import measure_cells
from cellpose_studio.core.measure.measurements import Measurements
from cellpose_studio.engine.versions import version_of
from cellpose_studio.workflows.measure.columns import WhatToMeasure
from cellpose_studio.workflows.measure.items import ImageToMeasure, Masks

_PACKAGES = ("numpy", "numba", "scipy")


def measure_image(
    item: ImageToMeasure,
    what: WhatToMeasure,
    checkpoint: Checkpoint,
    threads: int = 2,
) -> tuple[Measurements, tuple[str, ...], Mapping[int, int]]:
    """Return the measurements of an image, notes for the user, and mothers of cells.

    Raises
    ------
    StudioError
        If the image or its masks cannot be read.
    Cancelled
    """
    masks = item.read()
    found = measure_masks(item, masks, what, checkpoint, threads)
    calibrated = item.image.grey_calibration.text if _wants_grey(what) else ""
    notes = (*masks.notes, *filter(None, [calibrated]))
    return found, notes, masks.mothers


def measure_masks(
    item: ImageToMeasure,
    masks: Masks,
    what: WhatToMeasure,
    checkpoint: Checkpoint,
    threads: int = 2,
) -> Measurements:
    """Return the measurements of masks of an image that were read already.

    Raises
    ------
    ImageUnreadable, CompartmentsUnfit, Cancelled
    """
    numbers = what.channels_of(item)
    channels = channels_of(item.image, numbers) if _wants_grey(what) else ()
    table = measure_cells(
        masks.labels,
        channels,
        scale=what.scale(item),
        in_time=item.image.frames > 1,
        groups=what.groups,
        facts=masks.facts,
        checkpoint=checkpoint,
        threads=threads,
    )
    if item.compartments is None or masks.nuclei is None:
        return table
    return with_compartments(
        table,
        masks.labels,
        Nuclei(labels=masks.nuclei, choice=item.compartments),
        channels,
        what.groups,
        checkpoint=checkpoint,
        threads=threads,
    )


def _wants_grey(what: WhatToMeasure) -> bool:
    return "intensity" in what.groups


def computed_by() -> str:
    """Return what computes measurements, with versions."""
    parts = [f"{name} {version_of(name)}" for name in _PACKAGES]
    return f"Cellpose Studio {__version__} ({', '.join(parts)})"
