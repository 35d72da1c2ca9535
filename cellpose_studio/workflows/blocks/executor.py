"""Who does the work of a run in blocks: this process, or others."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Protocol, cast

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.blocks.masking import BlockMasks, Pass, one_by_one
from cellpose_studio.engine.blocks.network_flows import NetworkFlows
from cellpose_studio.engine.blocks.survey import NormalizedImage
from cellpose_studio.engine.device import Device, Engine, Precision
from cellpose_studio.engine.estimates.diameter import measure_diameter
from cellpose_studio.engine.flows.tiles import TileCounter
from cellpose_studio.engine.networks.network import Network, NetworkCache
from cellpose_studio.engine.threads import torch_threads
from cellpose_studio.io.cache.block_store import BlockFolder
from cellpose_studio.workflows.blocks.plan import BlockPlan, Side
from cellpose_studio.workflows.segment import with_engine

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class BlockExecutor(Protocol):
    """Does the work of runs in blocks, in any order, anywhere."""

    @property
    def threads(self) -> int:
        """How many processor threads torch uses."""
        ...

    def refuse(
        self,
        image: ImageSource,
        model: ModelSpec,
        parameters: SegmentationParameters,
        side: Side,
        checkpoint: Checkpoint,
    ) -> None:
        """Raise a `StudioError` if a run cannot be done."""
        ...

    def network(
        self,
        model: ModelSpec,
        device: Device,
        precision: Precision | None,
        engine: Engine | None,
        checkpoint: Checkpoint,
    ) -> Network:
        """Return the network, or what is known of it where others run it."""
        ...

    def diameter(
        self,
        plan: BlockPlan,
        pixels: NormalizedImage,
        network: Network,
        checkpoint: Checkpoint,
    ) -> float:
        """Return the diameter of the cells of a plan, px."""
        ...

    def begin(self, plan: BlockPlan, store: BlockFolder) -> None:
        """Take up a plan, of which the methods below do the steps."""
        ...

    def run_groups(
        self, flows: NetworkFlows, counter: TileCounter, checkpoint: Checkpoint
    ) -> None:
        """Run the network on all groups of tiles."""
        ...

    def do_pass(
        self,
        masks: BlockMasks,
        name: Pass,
        blocks: Sequence[int],
        checkpoint: Checkpoint,
    ) -> Generator[int, None, None]:
        """Do a pass on blocks, and yield each that is done."""
        ...


class LocalExecutor:
    """Does everything in this process, one block after the other."""

    def __init__(self, networks: NetworkCache | None = None) -> None:
        self._networks = networks or NetworkCache()

    @property
    def threads(self) -> int:
        """As in `BlockExecutor`."""
        return torch_threads()

    def refuse(self, *given: object) -> None:
        """Do nothing: whatever can be run can be run here."""

    def network(
        self,
        model: ModelSpec,
        device: Device,
        precision: Precision | None,
        engine: Engine | None,
        checkpoint: Checkpoint,
    ) -> Network:
        """Load the network."""
        found = self._networks.get(model, device, checkpoint.check, precision)
        return with_engine(found, engine)

    def diameter(
        self,
        plan: BlockPlan,
        pixels: NormalizedImage,
        network: Network,
        checkpoint: Checkpoint,
    ) -> float:
        """As in `BlockExecutor`."""
        return diameter_of(pixels, network, plan.parameters, checkpoint)

    def begin(self, plan: BlockPlan, store: BlockFolder) -> None:
        """Do nothing: the steps get all that they need."""

    def run_groups(
        self, flows: NetworkFlows, counter: TileCounter, checkpoint: Checkpoint
    ) -> None:
        """As in `BlockExecutor`."""
        with flows.network.watched(checkpoint.check):
            for group in flows.groups:
                counter.add(0)
                flows.run(group, counter)

    def do_pass(
        self,
        masks: BlockMasks,
        name: Pass,
        blocks: Sequence[int],
        checkpoint: Checkpoint,  # noqa: ARG002, others wait with it
    ) -> Generator[int, None, None]:
        """As in `BlockExecutor`."""
        return one_by_one(masks, name, blocks)


def diameter_of(
    pixels: NormalizedImage,
    network: Network,
    parameters: SegmentationParameters,
    checkpoint: Checkpoint,
) -> float:
    """Return the diameter of the cells on the middle plane of the first time point.

    With a region, on its plane and at its time point.
    """
    region = parameters.region
    t = region.frame - 1 if region and region.frame else 0
    z = region.plane - 1 if region and region.plane else pixels.shape[0] // 2
    # Only parts of the plane are looked at, and read.
    plane = cast("npt.NDArray[np.float32]", _LazyPlane(pixels, t, z))
    with network.watched(checkpoint.check):
        found = measure_diameter(
            network, plane, parameters.without_region(), checkpoint
        )
    return round(found, 1)


class _LazyPlane:
    """A plane (Y, X, C), of which only parts are read."""

    def __init__(self, pixels: NormalizedImage, t: int, plane: int) -> None:
        self._pixels = pixels
        self._t, self._plane = t, plane
        self.shape = (*pixels.shape[1:], pixels.inputs)

    def __getitem__(self, key: tuple[slice, slice]) -> npt.NDArray[np.float32]:
        rows, columns = (
            slice(*span.indices(length)[:2])
            for span, length in zip(key, self.shape[:2], strict=True)
        )
        plane = slice(self._plane, self._plane + 1)
        return self._pixels.read(self._t, (plane, rows, columns))[0]
