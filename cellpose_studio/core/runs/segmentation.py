"""What a run gave, and what determined it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Protocol

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import NotEnoughMemory
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.confidence import Confidence
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.core.runs.hints import NO_HINT, Hint
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


EmptyLabels = Callable[[tuple[int, ...]], npt.NDArray[np.uint32]]
"""Makes an array for a label image of a shape, in memory or in a file."""


class LabelReader(Protocol):
    """A label image that is read box by box.

    Attributes
    ----------
    shape
        TYX, ZYX, TZYX or YX.
    cells
        Number of cells, whose ids are 1..N.
    """

    shape: tuple[int, ...]
    cells: int

    @property
    def planes(self) -> int:
        """Number of planes of all frames."""
        ...

    def plane(self, number: int, rows: slice, columns: slice) -> npt.NDArray[np.uint32]:
        """Return a box (y, x) of a plane; frames x planes are counted in this order."""
        ...

    def whole(
        self, check: Callable[[], None], empty: EmptyLabels
    ) -> npt.NDArray[np.uint32]:
        """Return all of it; raises `MemoryError`, and what ``check`` raises."""
        ...


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """How an image was cut into blocks.

    Attributes
    ----------
    side
        (Z, Y, X) of a block at most, px.
    overlap
        Pixels around a block that were looked at as well, at first.
    count
        Number of blocks.
    skipped
        How many of them showed nothing at a coarse look, so that no network saw them.
    tiles, skipped_tiles
        The same of the tiles of the network.
    """

    side: tuple[int, int, int]
    overlap: int
    count: int
    skipped: int
    tiles: int
    skipped_tiles: int


@dataclass(frozen=True, eq=False, kw_only=True)
class RunResult:
    """What determined the result of one run on one image, and how sure it is.

    Attributes
    ----------
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
        What to try for a better result; false where the result looks right.
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
        How these threads ran tiles: "whole-tiles", "shared-tiles", "fused-attention",
        "openvino"; empty on a GPU.
    steps
        For which pixels followed the flows at most.
    steps_needed
        After how many of them the last pixel was at rest.
    blocks
        How the image was cut; None if it was run as a whole.
    """

    image: ImageSource
    model: ModelSpec
    parameters: SegmentationParameters
    device: str
    precision: str
    seconds: float
    confidence: Confidence
    hint: Hint = NO_HINT
    measured_diameter: float | None = None
    notes: tuple[str, ...] = field(default=())
    device_name: str = ""
    threads: int | None = None
    tile_size: int | None = None
    engine: str = ""
    automatic: tuple[str, ...] = ()
    steps: int | None = None
    steps_needed: int | None = None
    blocks: Blocks | None = None

    def settings(self) -> dict[str, object]:
        """Return what files of Cellpose's formats say about the run."""
        return {
            **self.parameters.model_dump(exclude={"normalization"}),
            "normalize_params": self.parameters.normalization.model_dump(),
            "model_path": str(self.model.path),
            "diameter": self.parameters.diameter,
        }


@dataclass(frozen=True, eq=False, kw_only=True)
class Segmentation(RunResult):
    """The result of a run whose masks are in memory.

    Attributes
    ----------
    labels
        uint32 masks of the image's ``label_shape``.
    flows
        What the network gave; None after a run in blocks.
    maker
        Makes the masks for other thresholds from the flows; None without them.
    """

    labels: npt.NDArray[np.uint32]
    flows: Flows | None
    maker: MaskMaker | None


@dataclass(frozen=True, eq=False, kw_only=True)
class BlockSegmentation(RunResult):
    """The result of a run in blocks, whose masks are on disk.

    Attributes
    ----------
    labels
        Readable as long as the folder of the run is there.
    """

    labels: LabelReader

    def loaded(self, check: Callable[[], None], empty: EmptyLabels) -> Segmentation:
        """Return the result with its masks in an array that ``empty`` makes.

        Raises
        ------
        NotEnoughMemory
            If they do not fit.
        """
        try:
            labels = self.labels.whole(check, empty)
        except MemoryError as error:
            raise NotEnoughMemory(
                f"The masks of {self.image.name} do not fit into memory.",
                "Close other images and programs.",
            ) from error
        known = {f.name: getattr(self, f.name) for f in fields(RunResult)}
        return Segmentation(**known, labels=labels, flows=None, maker=None)
