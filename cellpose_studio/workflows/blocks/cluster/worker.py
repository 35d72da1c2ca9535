"""What runs on a worker: one step of a run in blocks, or one whole image, at a time."""

from __future__ import annotations

import hashlib
import pickle
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.engine.blocks.masking import BlockMasks, Pass
from cellpose_studio.engine.blocks.network_flows import NetworkFlows
from cellpose_studio.engine.flows.tiles import TileCounter
from cellpose_studio.engine.networks.network import Network, NetworkCache
from cellpose_studio.engine.threads import use_threads
from cellpose_studio.io.cache.block_owner import token_of
from cellpose_studio.io.cache.block_store import BlockFolder
from cellpose_studio.workflows.blocks.cluster.models import model_here
from cellpose_studio.workflows.blocks.executor import diameter_of
from cellpose_studio.workflows.blocks.plan import BlockPlan
from cellpose_studio.workflows.segment import with_engine

PATIENCE = 60.0
"""Seconds to wait for what another computer has just written: as long as network drives
may remember that it was not there."""

_LOOK = 2.0
"""Seconds between two looks whether the run goes on."""


StepName = Pass | Literal["flows"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a run.

    Attributes
    ----------
    folder
        State of the run.
    token
        Of its owner: without that, the run has been stopped.
    plan
        Name of the file with the plan, in the folder.
    sha256
        Of its content: it is not read if somebody else has written it.
    part
        Number of the plane or volume.
    number
        Of the block, or of the group of tiles.
    """

    folder: Path
    token: str
    plan: str
    sha256: str
    threads: int
    name: StepName
    part: int
    number: int


class StopLook(Checkpoint):
    """A checkpoint that looks now and then whether the run of a step was stopped.

    Parameters
    ----------
    folder, token
        As in `Step`.
    """

    def __init__(self, folder: Path, token: str) -> None:
        super().__init__()
        self._folder = folder
        self._token = token
        self._next_look = 0.0

    def check(self) -> None:
        """Raise `Cancelled` if it was."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + _LOOK
        found = token_of(self._folder)
        if not found:
            raise Cancelled
        if found != self._token:
            raise StudioError(
                "Another computer has taken over the run.", "It goes on there."
            )


@dataclass(eq=False, kw_only=True)
class _Opened:
    """A plan with what its steps need; those of a run come one after the other."""

    flows: NetworkFlows
    makers: list[BlockMasks]
    stop: StopLook


@dataclass(eq=False)
class _Kept:
    """What a worker keeps from one task to the next; one task at a time has it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    networks: NetworkCache = field(default_factory=NetworkCache)
    opened: dict[tuple[str, str], _Opened] = field(default_factory=dict)


KEPT = _Kept()


def do_step(step: Step) -> StudioError | None:
    """Do a step; return what a user is to be told, if it cannot be done.

    What it raises, another try may not: so a drive that is away for a moment does, and
    a run that has been stopped, whose results nobody waits for.
    """
    with KEPT.lock:
        use_threads(step.threads)
        try:
            _do(step)
        except StudioError as error:
            return error
    return None


def measure(plan: BlockPlan) -> float | StudioError:
    """Return the diameter of the cells of a plan, px."""
    with KEPT.lock:
        try:
            image = plan.place.open()
            network = network_of(plan)
            pixels = plan.pixels(image)
            return diameter_of(pixels, network, plan.parameters, Checkpoint())
        except StudioError as error:
            return error


def network_of(plan: BlockPlan) -> Network:
    """Return the network of a plan, with its weights."""
    model = model_here(plan.model)
    network = KEPT.networks.get(model, plan.device, precision=plan.precision)
    return with_engine(network, plan.engine)


def _do(step: Step) -> None:
    opened = _opened(step)
    opened.stop.check()
    if step.name == "flows":
        group = opened.flows.groups[step.number]
        counter = TileCounter(opened.stop, 0)
        with opened.flows.network.watched(opened.stop.check):
            opened.flows.run(group, counter)
        return
    masks = opened.makers[step.part]
    masks.catch_up(step.name)
    masks.run(step.name, step.number)


def _opened(step: Step) -> _Opened:
    key = (step.token, step.sha256)
    if key not in KEPT.opened:
        # The memory of the last one must be free before.
        KEPT.opened.clear()
        store = BlockFolder(step.folder, step.token, PATIENCE)
        content = store.read_bytes(step.plan)
        if hashlib.sha256(content).hexdigest() != step.sha256:
            raise StudioError(
                f"The plan of the run in {step.folder} has been changed by somebody.",
                "Choose a folder that only you can write to.",
            )
        plan = pickle.loads(content)  # noqa: S301
        assert isinstance(plan, BlockPlan)
        KEPT.opened[key] = _open(plan, plan.place.open(), store)
    return KEPT.opened[key]


def _open(plan: BlockPlan, image: ImageSource, store: BlockFolder) -> _Opened:
    stop = StopLook(store.path, store.token)
    flows = plan.flows(image, network_of(plan), store, stop)
    return _Opened(
        flows=flows,
        makers=plan.makers(image, flows, store, stop.check),
        stop=stop,
    )
