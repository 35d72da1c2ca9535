"""All that the blocks of a run depend on, as a value that goes to other processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import ImageUnreadable
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.blocks.masking import BlockMasks
from cellpose_studio.engine.blocks.network_flows import NetworkFlows
from cellpose_studio.engine.blocks.result import makers_of
from cellpose_studio.engine.blocks.store import BlockStore
from cellpose_studio.engine.blocks.survey import NormalizedImage, Survey
from cellpose_studio.engine.device import Device, Engine, Precision
from cellpose_studio.engine.flows.preparation.context import StepContext
from cellpose_studio.engine.networks.network import Network
from cellpose_studio.io.images.reader import open_images

Side = tuple[int, int, int]

_LEAST_OVERLAP = 32


@dataclass(frozen=True, kw_only=True)
class ImagePlace:
    """Where an image is, and how it is known to be the same."""

    path: Path
    scene: str
    axes: str
    fingerprint: str

    @classmethod
    def of(cls, image: ImageSource) -> ImagePlace:
        """Return the place of an image, for every process of every computer."""
        return cls(
            path=image.path.absolute(),
            scene=image.scene,
            axes=image.file_axes,
            fingerprint=image.fingerprint,
        )

    def open(self) -> ImageSource:
        """Return the image.

        Raises
        ------
        ImageUnreadable
            If it is not there, or another one.
        """
        found = open_images(self.path, self.axes)
        same = [image for image in found if image.scene == self.scene]
        if not same or same[0].fingerprint != self.fingerprint:
            raise ImageUnreadable(f"{self.path.name} is another file there.")
        return same[0]


@dataclass(frozen=True, eq=False, kw_only=True)
class BlockPlan:
    """What one run in blocks does.

    Attributes
    ----------
    parameters
        With everything filled in, but for the diameter while that is measured.
    survey
        What the look through all pixels found.
    side
        (Z, Y, X) of blocks at most, px.
    """

    place: ImagePlace
    model: ModelSpec
    device: Device
    precision: Precision
    engine: Engine
    parameters: SegmentationParameters
    survey: Survey
    side: Side

    @property
    def diameter(self) -> float:
        """Diameter of the cells, px."""
        assert self.parameters.diameter is not None
        return self.parameters.diameter

    def without_coarse_look(self) -> BlockPlan:
        """Return a plan that is small, and does for the diameter."""
        none = np.zeros((0,) * 5, np.float32)
        return replace(self, survey=replace(self.survey, low=none, high=none))

    def pixels(
        self, image: ImageSource, checkpoint: Checkpoint | None = None
    ) -> NormalizedImage:
        """Return the input of the network; ``checkpoint`` is for its preparation."""
        context = StepContext(checkpoint=checkpoint or Checkpoint(), device=self.device)
        return NormalizedImage(image, self.parameters, self.survey, context)

    def flows(
        self,
        image: ImageSource,
        network: Network,
        store: BlockStore,
        checkpoint: Checkpoint | None = None,
    ) -> NetworkFlows:
        """Return the flows, which may have to be made."""
        return NetworkFlows(
            image=self.pixels(image, checkpoint),
            network=network,
            parameters=self.parameters,
            diameter=self.diameter,
            store=store,
            side=self.side[1],
            pixels=self.side[0] * self.side[1] * self.side[2],
        )

    def makers(
        self,
        image: ImageSource,
        flows: NetworkFlows,
        store: BlockStore,
        check: Callable[[], None],
    ) -> list[BlockMasks]:
        """Return what makes the masks of each plane or volume."""
        return makers_of(
            flows,
            image.label_shape,
            store,
            self.parameters,
            self.side,
            self.overlap,
            check,
        )

    @property
    def overlap(self) -> int:
        """Pixels around a block of which flows are read at first."""
        return max(_LEAST_OVERLAP, round(self.diameter))
