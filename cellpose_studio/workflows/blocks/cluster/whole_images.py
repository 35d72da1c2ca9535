"""Whole images side by side: each of them is one task, which saves its results."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.device import Device, Engine, Precision
from cellpose_studio.engine.threads import use_threads
from cellpose_studio.io.cache.block_store import BlockFolder, block_folder
from cellpose_studio.workflows.batches.summary import RunSummary
from cellpose_studio.workflows.blocks.cluster.cluster import Cluster
from cellpose_studio.workflows.blocks.cluster.models import model_here
from cellpose_studio.workflows.blocks.cluster.worker import KEPT, StopLook
from cellpose_studio.workflows.blocks.plan import ImagePlace
from cellpose_studio.workflows.save import save_fitting_of
from cellpose_studio.workflows.segment import segment

_LATER = -1
"""Priority: blocks of a large image, for which somebody waits, come first."""


@dataclass(frozen=True, kw_only=True)
class ImageRun:
    """What is done to each of the images.

    Attributes
    ----------
    kinds
        Files to write.
    """

    model: ModelSpec
    parameters: SegmentationParameters
    device: Device
    precision: Precision | None
    engine: Engine | None
    kinds: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _ImageTask:
    run: ImageRun
    place: ImagePlace
    base: Path
    threads: int
    folder: Path
    token: str


class SpreadImages:
    """Images that workers run, one at a time each."""

    def __init__(self, cluster: Cluster, run: ImageRun, store: BlockFolder) -> None:
        self._cluster = cluster
        self._run = run
        self._store = store
        self._tasks = cluster.tasks("image", _LATER)
        self.count = 0

    def add(self, image: ImageSource, base: Path) -> None:
        """Run an image, and save its results under ``base``."""
        task = _ImageTask(
            run=self._run,
            place=ImagePlace.of(image),
            base=base.absolute(),
            threads=self._cluster.threads,
            folder=self._store.path,
            token=self._store.token,
        )
        self._tasks.add(_run_image, [task], [image])
        self.count += 1

    def done(
        self, checkpoint: Checkpoint
    ) -> Iterator[tuple[ImageSource, RunSummary | StudioError]]:
        """Yield each image that is done, with its outcome.

        Raises
        ------
        ClusterUnusable
            If the scheduler is lost.
        Cancelled
            After a stop.
        """
        checkpoint.reached(0, self.count, "image")
        for n, (image, found) in enumerate(self._tasks.done(checkpoint.check), 1):
            checkpoint.reached(n, self.count, "image")
            yield image, found

    def cancel(self) -> None:
        """Cancel what is not done."""
        self._tasks.close()


@contextmanager
def spread_images(cluster: Cluster, run: ImageRun) -> Iterator[SpreadImages]:
    """Yield what runs whole images on workers; at the end, the rest is cancelled.

    Raises
    ------
    ClusterUnusable
        If a worker has not what the engine needs.
    """
    cluster.refuse_engine(run.device, run.engine)
    # Without this folder, workers stop.
    with block_folder(cluster.folder, f"images-{token_hex(8)}") as (store, _):
        images = SpreadImages(cluster, run, store)
        try:
            yield images
        finally:
            images.cancel()


def _run_image(task: _ImageTask) -> RunSummary | StudioError:
    run = task.run
    with KEPT.lock:
        use_threads(task.threads)
        try:
            result = segment(
                task.place.open(),
                model_here(run.model),
                run.parameters,
                StopLook(task.folder, task.token),
                run.device,
                KEPT.networks,
                run.precision,
                run.engine,
            )
            return RunSummary.of(result, save_fitting_of(result, run.kinds, task.base))
        except StudioError as error:
            return error
