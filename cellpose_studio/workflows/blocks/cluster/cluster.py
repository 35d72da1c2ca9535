"""A cluster that does runs: the blocks of one image, or whole images side by side."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import (
    ClusterUnusable,
    NotEnoughMemory,
    ParametersUnfit,
    StudioError,
)
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.blocks.masking import BlockMasks, Pass
from cellpose_studio.engine.blocks.network_flows import NetworkFlows
from cellpose_studio.engine.blocks.survey import NormalizedImage
from cellpose_studio.engine.device import CPU, Device, Engine, Precision
from cellpose_studio.engine.flows.tiles import TileCounter
from cellpose_studio.engine.networks.network import Network, unloaded
from cellpose_studio.io.cache.block_store import BlockFolder
from cellpose_studio.paths import cache_dir
from cellpose_studio.workflows.blocks.cluster.check import (
    ClusterReport,
    look_at,
    refuse_versions,
)
from cellpose_studio.workflows.blocks.cluster.choice import ClusterChoice
from cellpose_studio.workflows.blocks.cluster.dask_client import (
    DaskClient,
    Tasks,
    connected,
)
from cellpose_studio.workflows.blocks.cluster.facts import Question, look
from cellpose_studio.workflows.blocks.cluster.worker import (
    PATIENCE,
    Step,
    StepName,
    do_step,
    measure,
)
from cellpose_studio.workflows.blocks.forecast import forecast
from cellpose_studio.workflows.blocks.plan import BlockPlan, ImagePlace, Side
from cellpose_studio.workflows.segment import with_engine

_MEMORY_SHARE = 0.8
"""Of the memory of a worker: Dask gives it no more work when more is in use."""


@contextmanager
def open_cluster(
    choice: ClusterChoice, checkpoint: Checkpoint, *more_folders: Path
) -> Iterator[Cluster]:
    """Yield a cluster that can do runs; its tasks are cancelled at the end.

    Workers have to see ``more_folders``, too.

    Raises
    ------
    ClusterUnusable
        If it cannot: the scheduler is not reached, or a worker does not fit.
    Cancelled
        After a stop, while jobs wait for their turn.
    """
    checkpoint.reached(0, 0, "reaching the cluster")
    folder = (choice.folder or cache_dir() / "blocks").absolute()
    with connected(choice.address, choice.config, choice.slurm) as client:
        folders = (folder, *more_folders)
        starts_jobs = choice.slurm is not None
        report = look_at(client, folders, checkpoint, starts_jobs)
        cores = choice.slurm.cores if choice.slurm else None
        yield Cluster(client, report, folder, choice.threads or cores)


class Cluster:
    """Workers of one scheduler; a `BlockExecutor`.

    Attributes
    ----------
    report
        The workers that were there at the start.
    folder
        For the state of runs.
    """

    def __init__(
        self,
        client: DaskClient,
        report: ClusterReport,
        folder: Path,
        threads: int | None = None,
    ) -> None:
        self.report = report
        self.folder = folder
        self._client = client
        self._threads = threads or report.threads
        self._begun: tuple[BlockFolder, str, str] | None = None

    @property
    def threads(self) -> int:
        """How many processor threads torch uses on each worker."""
        return self._threads

    @property
    def memory(self) -> int:
        """Bytes that a run may use on every worker; 0 without a limit."""
        limits = [worker.memory for worker in self.report.workers if worker.memory]
        return int(min(limits, default=0) * _MEMORY_SHARE)

    def device(self, name: str = "auto") -> Device:
        """Return the device that all workers use.

        Raises
        ------
        ClusterUnusable
            If they have not the same.
        """
        found: Device = CPU
        for n, facts in enumerate(self.report.facts):
            known = {device.name: device for device in facts.devices}
            wanted = facts.devices[0].name if name == "auto" else name
            device = known.get(wanted) or known.get(f"{wanted}:0")
            if device is None or (n and device.name != found.name):
                has = "no GPU" if facts.devices[0] == CPU else facts.devices[0].title
                raise ClusterUnusable(
                    f"Workers have different devices: {self._name(n)} has {has}.",
                    "Start workers with the same device.",
                    "Choose --device cpu, or workers with the same device.",
                )
            found = found if n else device
        return found

    def arguments(self, device: str = "auto") -> dict[str, Any]:
        """Return the arguments of `segment_in_blocks` for a run here.

        Raises
        ------
        ClusterUnusable
            As `device`.
        """
        return {
            "device": self.device(device),
            "executor": self,
            "folder": self.folder,
        }

    def refuse(
        self,
        image: ImageSource,
        model: ModelSpec,
        parameters: SegmentationParameters,
        side: Side,
        checkpoint: Checkpoint,
    ) -> None:
        """Raise a `StudioError` if a worker cannot do a run in blocks of ``side``."""
        needed = forecast(image, model, parameters, 0, side[1]).memory
        if self.memory and needed > self.memory:
            raise NotEnoughMemory(
                f"Blocks of {side[1]} px need {needed / 1e9:.1f} GB, and workers can "
                f"use {self.memory / 1e9:.1f} GB.",
                "Start workers with a larger --memory-limit.",
                "Use smaller blocks (--block-size), or start workers with a larger "
                "--memory-limit.",
            )
        self.refuse_unseen(ImagePlace.of(image), model, checkpoint)

    def refuse_unseen(
        self, place: ImagePlace, model: ModelSpec, checkpoint: Checkpoint
    ) -> None:
        """Raise `ClusterUnusable` if a worker has not the image, or not the model."""
        question = Question(token="", model=model, place=place)
        workers = self.report.workers
        check = checkpoint.check
        for worker, facts in zip(
            workers, self._client.on_each(workers, look, question, check), strict=True
        ):
            if facts.problems:
                raise ClusterUnusable(
                    f"The worker {worker.name} cannot do it: {facts.problems[0]}",
                    "All computers need the same files under the same path.",
                )

    def network(
        self,
        model: ModelSpec,
        device: Device,
        precision: Precision | None,
        engine: Engine | None,
        checkpoint: Checkpoint,  # noqa: ARG002, others load it
    ) -> Network:
        """Return what is known of the network, which workers load."""
        chosen = precision or self._precision(model, device)
        network = with_engine(unloaded(model, device, chosen), engine)
        self.refuse_engine(device, engine)
        return network

    def refuse_engine(self, device: Device, engine: Engine | None) -> None:
        """Raise `ClusterUnusable` if a worker has not what an engine needs."""
        if engine == "openvino" and device == CPU:
            refuse_versions(self._client, self.report.workers, engine)

    def diameter(
        self,
        plan: BlockPlan,
        pixels: NormalizedImage,  # noqa: ARG002, the worker reads them
        network: Network,  # noqa: ARG002
        checkpoint: Checkpoint,
    ) -> float:
        """Return the diameter that a worker has measured, px."""
        checkpoint.reached(0, 0, "measuring the diameter")
        with closing(self._client.tasks("diameter")) as tasks:
            tasks.add(measure, [plan.without_coarse_look()], [0])
            [(_, found)] = tasks.done(checkpoint.check)
        if isinstance(found, StudioError):
            raise found
        return float(found)

    def begin(self, plan: BlockPlan, store: BlockFolder) -> None:
        """As in `BlockExecutor`."""
        content = pickle.dumps(plan)
        sha256 = hashlib.sha256(content).hexdigest()
        name = f"plan-{sha256[:16]}.pickle"
        store.put_bytes(name, content)
        store.patience = PATIENCE
        self._begun = store, name, sha256

    def run_groups(
        self, flows: NetworkFlows, counter: TileCounter, checkpoint: Checkpoint
    ) -> None:
        """As in `BlockExecutor`."""
        counter.add(0)
        groups = flows.groups
        with closing(self._done("flows", 0, range(len(groups)), checkpoint)) as done:
            for n in done:
                counter.add(groups[n].tiles)

    def do_pass(
        self,
        masks: BlockMasks,
        name: Pass,
        blocks: Sequence[int],
        checkpoint: Checkpoint,
    ) -> Generator[int, None, None]:
        """As in `BlockExecutor`."""
        return self._done(name, masks.part, blocks, checkpoint)

    def tasks(self, name: str, priority: int = 0) -> Tasks[Any]:
        """Return what runs other tasks on workers, until it is cancelled."""
        return self._client.tasks(name, priority)

    def _done(
        self,
        name: StepName,
        part: int,
        numbers: Sequence[int],
        checkpoint: Checkpoint,
    ) -> Generator[int, None, None]:
        """Do a step with each number; yield those that are done."""
        assert self._begun is not None
        store, plan, sha256 = self._begun
        steps = [
            Step(
                folder=store.path,
                token=store.token,
                plan=plan,
                sha256=sha256,
                threads=self._threads,
                name=name,
                part=part,
                number=number,
            )
            for number in numbers
        ]
        with closing(self._client.tasks(name)) as tasks:
            tasks.add(do_step, steps, numbers)
            for number, error in tasks.done(checkpoint.check):
                if error is not None:
                    raise error
                yield number

    def _precision(self, model: ModelSpec, device: Device) -> Precision:
        """Return the precision that is fastest on all workers."""
        wanted = (device.name, model.architecture)
        known = {facts.precisions[wanted] for facts in self.report.facts}
        if len(known) > 1:
            raise ParametersUnfit(
                f"Some workers run {model.label} in bfloat16, others in float32.",
                "Choose one for all of them: Precision, in the preferences.",
                "Choose one for all of them: --precision float32.",
            )
        return known.pop()

    def _name(self, number: int) -> str:
        return self.report.workers[number].name
