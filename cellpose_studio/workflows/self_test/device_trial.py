"""A run of the sample image on a device, beside the same run on the processor."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cellpose_studio.core.checkpoint import Checkpoint, QuietCheckpoint
from cellpose_studio.core.matching.evaluation.overlaps import overlaps_of
from cellpose_studio.core.runs.compute import ComputeChoice
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.runs.segmentation import Segmentation
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.images.sample import sample_path
from cellpose_studio.workflows.self_test.device import TOLERANCE

if TYPE_CHECKING:
    from cellpose_studio.core.models.model import ModelSpec

_DIAMETER = 30.0
"""About that of the nuclei of the sample, px: to measure it would take longer."""
_SAME = 0.9
"""IoU from which two cells are called the same."""


@dataclass(frozen=True, kw_only=True)
class DeviceTrial:
    """What came of it.

    Attributes
    ----------
    device, reference
        Titles, with what runs there if that is not torch.
    seconds, reference_seconds
        Of the second run of each; the first one prepares the device.
    flow_difference
        The largest one. Flows reach 5 within cells.
    differing
        Share of the pixels that are a cell in one of both masks only, 0 to 1.
    cells, reference_cells, same
        Numbers of cells, and of those that are the same.
    notes
        Such as that there was too little memory.
    """

    device: str
    reference: str
    seconds: float
    reference_seconds: float
    flow_difference: float
    differing: float
    cells: int
    reference_cells: int
    same: int
    notes: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether the device computes what the processor computes."""
        most = max(self.cells, self.reference_cells, 1)
        # Of NaN, the comparison is False.
        return self.flow_difference <= TOLERANCE and self.same >= _SAME * most

    @property
    def text(self) -> str:
        """All of it, in sentences."""
        result = "gives the same as" if self.agrees else "differs from"
        advice = (
            ""
            if self.agrees
            else "Update the driver of the device, set the precision to Automatic, or "
            "choose the CPU."
        )
        told = (
            f"{self.device} {result} {self.reference}.",
            f"Largest difference of flows: {self.flow_difference:.2g} of 5.",
            f"Cells: {self.cells} and {self.reference_cells}, {self.same} of them the "
            f"same; {self.differing:.2%} of pixels differ.",
            f"Time: {self.seconds:.2f} s and {self.reference_seconds:.2f} s.",
            *self.notes,
            advice,
        )
        return " ".join(filter(None, told))


def try_device(choice: ComputeChoice, checkpoint: Checkpoint) -> DeviceTrial:
    """Segment the sample as chosen, and with torch in float32 on the processor.

    Raises
    ------
    ModelUnusable
        If an optional engine is not installed.
    CannotSave, ImageUnreadable
        If the sample cannot be written to the user's data folder, or read.
    Cancelled
        After a stop.
    """
    from cellpose_studio.engine.device import CPU, device_or_fastest
    from cellpose_studio.engine.networks.catalogue import shipped

    device, missing = device_or_fastest(choice.device)
    model = shipped()[0]
    chosen = choice.arguments(model.architecture_info)
    checkpoint.reached(0, 2, f"running on {device.title}")
    found, seconds = _second_run(model, checkpoint, device=device, **chosen)
    checkpoint.reached(1, 2, "running on the CPU")
    right, reference_seconds = _second_run(
        model, checkpoint, device=CPU, precision="float32"
    )
    assert found.flows is not None
    assert right.flows is not None
    pairs = overlaps_of(right.labels, found.labels).matched(_SAME)
    one, other = found.labels > 0, right.labels > 0
    runs_by = f"{found.device} with OpenVINO" if chosen["engine"] else found.device
    return DeviceTrial(
        device=runs_by,
        reference="the CPU",
        seconds=seconds,
        reference_seconds=reference_seconds,
        flow_difference=float(np.abs(found.flows.dP - right.flows.dP).max()),
        differing=float(np.mean(one != other)),
        cells=len(found.confidence.ids),
        reference_cells=len(right.confidence.ids),
        same=len(pairs),
        notes=tuple(filter(None, (missing, *found.notes))),
    )


def _second_run(
    model: ModelSpec, checkpoint: Checkpoint, **given: Any
) -> tuple[Segmentation, float]:
    """Run twice, and return the second result with its seconds."""
    from cellpose_studio.engine.networks.network import NetworkCache
    from cellpose_studio.workflows.segment import segment

    [image] = open_images(sample_path())
    networks, quiet = NetworkCache(), QuietCheckpoint(checkpoint)
    parameters = SegmentationParameters(diameter=_DIAMETER)
    for _ in range(2):
        began = time.perf_counter()
        result = segment(image, model, parameters, quiet, networks=networks, **given)
    return result, time.perf_counter() - began
