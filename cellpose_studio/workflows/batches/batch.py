"""Segments many images with one model, and saves each result."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import CannotSave
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.device import Engine, Precision, device_named
from cellpose_studio.engine.flows.preparation.restoring import with_hashes
from cellpose_studio.engine.networks.catalogue import default_model, find
from cellpose_studio.engine.networks.network import NetworkCache
from cellpose_studio.io.masks.exchange.streamed import STREAMED
from cellpose_studio.io.masks.export import reasons_unfit, unfit
from cellpose_studio.io.masks.export_target import IfExists, target
from cellpose_studio.paths import can_write_in
from cellpose_studio.workflows.batches.export_names import ExportNames
from cellpose_studio.workflows.batches.summary import RunSummary
from cellpose_studio.workflows.blocks.cluster.cluster import Cluster
from cellpose_studio.workflows.blocks.cluster.whole_images import (
    ImageRun,
    SpreadImages,
    spread_images,
)
from cellpose_studio.workflows.blocks.forecast import (
    Forecast,
    forecast,
    free_memory,
    reason_whole,
    refuse_large_region,
)
from cellpose_studio.workflows.blocks.save import save_blocks
from cellpose_studio.workflows.blocks.segment import segment_in_blocks
from cellpose_studio.workflows.save import make_folder, save_fitting_of
from cellpose_studio.workflows.segment import segment

_NO_LIMIT = 1 << 60
"""Bytes of free memory of workers without a limit."""


class Batch:
    """One model, one set of parameters, many images.

    Parameters
    ----------
    model
        Name or weight file; None for the first shipped model.
    device
        torch's name of a device, or "auto" for the fastest.
    kinds
        Files to write for each image.
    folder
        Folder of the results; None for the folder of each image. Created if missing.
    precision
        Precision of the network; None for the fastest.
    engine
        How the threads of a CPU run tiles; None for what suits the network.
    if_exists
        What to do with an image that has results already.
    block_side
        Side of the blocks in which images are run, px; None runs those in blocks that
        are too large for the memory otherwise, and 0 none.
    cluster
        Who does the runs; None for this process.
    take_over
        As in `block_folder`.

    Raises
    ------
    ModelUnusable, CannotSave
        If the batch cannot start.
    """

    def __init__(
        self,
        model: str | None,
        parameters: SegmentationParameters,
        device: str,
        kinds: Collection[str],
        folder: Path | None,
        precision: Precision | None = None,
        if_exists: IfExists = "replace",
        engine: Engine | None = None,
        block_side: int | None = None,
        cluster: Cluster | None = None,
        take_over: bool = False,
    ) -> None:
        self.model = find(model) if model else default_model()
        # A network that is missing fails the batch, not each of its images.
        steps = with_hashes(parameters.preparation)
        self._parameters = parameters.model_copy(update={"preparation": steps})
        self._device = cluster.device(device) if cluster else device_named(device)
        self._cluster = cluster
        self._take_over = take_over
        self._precision = precision
        self._engine = engine
        self._kinds = kinds
        self._block_side = block_side
        # The weights are loaded for the first image only.
        self._networks = NetworkCache()
        self._names = ExportNames(folder)
        self._if_exists = if_exists
        self._writable: set[Path] = set()
        if folder is not None:
            make_folder(folder)
            self._check_folder(folder)

    def base(self, image: ImageSource) -> Path:
        """Return where the results of an image go: folder and name, without suffix.

        Images that are asked for first get their names first.
        """
        return self._names.base(image)

    def reason_whole(self, image: ImageSource) -> str:
        """Return why an image is not run in the blocks asked for; "" if it is."""
        return reason_whole(image, self._parameters) if self._block_side else ""

    def run(self, image: ImageSource, checkpoint: Checkpoint) -> RunSummary | None:
        """Segment ``image``, and return what is to be said of it.

        None where its results exist, and such images are left out.

        Raises
        ------
        StudioError
            If it fails; the next image can still be run.
        """
        base = self._target(image)
        if base is None:
            return None
        done = self._run(image, base, checkpoint)
        self._names.write_list(base.parent)
        return done

    @contextmanager
    def spreading(self) -> Iterator[SpreadImages | None]:
        """Yield what runs whole images on the workers of a cluster; None without."""
        if self._cluster is None:
            yield None
            return
        run = ImageRun(
            model=self.model,
            parameters=self._parameters,
            device=self._device,
            precision=self._precision,
            engine=self._engine,
            kinds=tuple(self._kinds),
        )
        with spread_images(self._cluster, run) as images:
            yield images

    def spread(self, image: ImageSource, images: SpreadImages) -> bool:
        """Return whether a worker takes an image; `run` does what none takes.

        An image whose results exist, and that is to be left out, is for `run`, too.

        Raises
        ------
        StudioError
            As `run`.
        """
        needed = self._forecast(image)
        if needed.side is not None:
            return False
        base = self._target(image)
        if base is not None:
            images.add(image, base)
            self._names.write_list(base.parent)
        return base is not None

    def _target(self, image: ImageSource) -> Path | None:
        """Return where the results of an image go; None if they exist, and stay."""
        base = target(self.base(image), self._kinds, self._if_exists)
        if base is None:
            return None
        # A run may take minutes, so it is refused first if no format can store its
        # masks.
        reasons = reasons_unfit(base, self._kinds, image.label_axes)
        if len(reasons) == len(set(self._kinds)):
            raise unfit([*reasons.values()])
        self._check_folder(base.parent)
        return base

    def _forecast(self, image: ImageSource) -> Forecast:
        """Return how an image is run; raises `NotEnoughMemory`."""
        free = (self._cluster.memory or _NO_LIMIT) if self._cluster else free_memory()
        # What is written strip by strip gains nothing from a run as a whole, and many
        # workers share the blocks of an image.
        streams = STREAMED.issuperset(self._kinds) or self._cluster is not None
        needed = forecast(
            image,
            self.model,
            self._parameters,
            free,
            self._block_side,
            may_be_whole=not streams,
        )
        refuse_large_region(image, self._parameters, needed, free)
        return needed

    def _run(
        self, image: ImageSource, base: Path, checkpoint: Checkpoint
    ) -> RunSummary:
        given: dict[str, Any] = {
            "device": self._device,
            "networks": self._networks,
            "precision": self._precision,
            "engine": self._engine,
        }
        needed = self._forecast(image)
        common = (image, self.model, self._parameters, checkpoint)
        if needed.side is None:
            whole = segment(*common, **given)
            saved = save_fitting_of(whole, self._kinds, base)
            return RunSummary.of(whole, saved)
        if self._cluster is not None:
            given |= self._cluster.arguments(self._device.name)
        given["take_over"] = self._take_over
        with segment_in_blocks(*common, needed.side, **given) as result:
            saved = save_blocks(result, self._kinds, base, checkpoint.check)
        return RunSummary.of(result, saved)

    def _check_folder(self, folder: Path) -> None:
        """Raise `CannotSave` if no files can be written in ``folder``."""
        if folder not in self._writable:
            if not can_write_in(folder):
                raise CannotSave(
                    f"The folder {folder} cannot be written to.",
                    "Choose another folder for the results.",
                )
            self._writable.add(folder)
