"""What a run gave, and what determined it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.confidence import Confidence
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.core.runs.parameters import SegmentationParameters


class MaskMaker(Protocol):
    """The second half of a run, ready to be done again."""

    def masks(
        self, parameters: SegmentationParameters, checkpoint: Checkpoint
    ) -> npt.NDArray[np.uint32]:
        """Return the masks for ``parameters``; raises `Cancelled` after a stop."""
        ...

    def confidence(
        self,
        labels: npt.NDArray[np.uint32],
        parameters: SegmentationParameters,
        checkpoint: Checkpoint,
    ) -> Confidence:
        """Return how sure the network is of the ``labels`` made last."""
        ...


@dataclass(frozen=True, eq=False, kw_only=True)
class Segmentation:
    """The result of one run on one image.

    Attributes
    ----------
    labels
        uint32 masks of the image's ``label_shape``.
    flows
        What the network gave.
    maker
        Makes the masks for other thresholds from the flows.
    parameters
        With everything filled in that was automatic: channels, diameter, anisotropy.
    automatic
        Names of those that were filled in.
    device
        Title of the device that the network ran on.
    seconds
        How long it took.
    confidence
        How sure the network is of each cell.
    hint
        What to try for a better result; empty where the result looks right.
    measured_diameter
        Diameter that was measured on the image, px: where none was set, and where the
        result with the one set looks wrong. None if it was not measured.
    notes
        What the user should know, one sentence each: a fall back to the CPU.
    device_name
        torch's name of that device: "cpu", "cuda:0".
    threads
        How many processor threads torch used.
    tile_size
        Side of the network's tiles, px.
    engine
        How these threads ran tiles: "whole-tiles", "shared-tiles"; empty on a GPU.
    """

    image: ImageSource
    model: ModelSpec
    parameters: SegmentationParameters
    labels: npt.NDArray[np.uint32]
    flows: Flows
    maker: MaskMaker
    device: str
    precision: str
    seconds: float
    confidence: Confidence
    hint: str = ""
    measured_diameter: float | None = None
    notes: tuple[str, ...] = field(default=())
    device_name: str = ""
    threads: int | None = None
    tile_size: int | None = None
    engine: str = ""
    automatic: tuple[str, ...] = ()

    def settings(self) -> dict[str, object]:
        """Return what files of Cellpose's formats say about the run."""
        return {
            **self.parameters.model_dump(exclude={"normalization"}),
            "normalize_params": self.parameters.normalization.model_dump(),
            "model_path": str(self.model.path),
            "diameter": self.flows.diameter,
        }
