"""Whether a scheduler and its workers can do a run, in a sentence before it starts."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import ClusterUnusable
from cellpose_studio.core.wording import counted
from cellpose_studio.engine.versions import versions
from cellpose_studio.paths import cache_dir
from cellpose_studio.workflows.blocks.cluster.dask_client import (
    DaskClient,
    Worker,
    connected,
)
from cellpose_studio.workflows.blocks.cluster.facts import (
    PROBE,
    Question,
    WorkerFacts,
    look,
)

WAIT = 10.0
"""Seconds in which a worker has to be there, if none is started for the run."""

_JOB_WAIT = 7 * 24 * 3600.0
"""The same of jobs, which wait for their turn; the user may cancel."""

LEAST_MEMORY = 1_000_000_000
"""Bytes of a worker: half of them are in use once torch and Cellpose are loaded."""

_SEEN_WITHIN = 60.0
"""Seconds after which what a worker has written must be here."""


@dataclass(frozen=True, kw_only=True)
class ClusterReport:
    """Workers that can do a run.

    Attributes
    ----------
    workers, facts
        In the same order.
    threads
        Of each worker.
    """

    workers: tuple[Worker, ...]
    facts: tuple[WorkerFacts, ...]

    @property
    def threads(self) -> int:
        """Processor threads of each worker, so that those of a computer share it."""
        on_host = Counter(facts.host for facts in self.facts)
        return min(max(1, facts.cores // on_host[facts.host]) for facts in self.facts)

    @property
    def text(self) -> str:
        """What is there, for the user."""
        count = len({facts.host for facts in self.facts})
        computers = counted(count, "computer")
        titles = Counter(facts.devices[0].title for facts in self.facts)
        kinds = ", ".join(f"{n} × {title}" for title, n in titles.most_common())
        return f"{counted(len(self.workers), 'worker')} on {computers}: {kinds}"

    @property
    def lines(self) -> tuple[str, ...]:
        """All that is to be said before a run."""
        return (f"Cluster: {self.text}", *self.notes)

    @property
    def notes(self) -> tuple[str, ...]:
        """What makes it slower than it could be, one sentence each."""
        shared = Counter(facts.gpu for facts in self.facts if facts.gpu)
        if not shared or max(shared.values()) < 2:
            return ()
        return (
            "Several workers share a graphics card: start each of them with one of its "
            "own, by CUDA_VISIBLE_DEVICES.",
        )


def check_scheduler(
    address: str,
    folder: Path | None = None,
    checkpoint: Checkpoint | None = None,
    config: Path | None = None,
) -> ClusterReport:
    """Return what a scheduler has to offer.

    Parameters
    ----------
    address
        "tcp://host:8786", or a file that the scheduler has written.
    folder
        Where runs have their state, which all workers have to see; by default that in
        the user's cache folder.

    Raises
    ------
    ClusterUnusable
        If it has nothing: a sentence, and what to do.
    """
    with connected(address, config) as client:
        folders = (folder or cache_dir() / "blocks",)
        return look_at(client, folders, checkpoint or Checkpoint())


def look_at(
    client: DaskClient,
    folders: Sequence[Path],
    checkpoint: Checkpoint,
    starts_jobs: bool = False,
) -> ClusterReport:
    """Return the workers of a scheduler; raises `ClusterUnusable` if any is unfit."""
    workers = _workers(client, checkpoint, starts_jobs)
    _refuse_small(workers)
    refuse_versions(client, workers)
    with _probes(folders) as token:
        question = Question(token=token, folders=tuple(map(Path.absolute, folders)))
        checkpoint.reached(0, 0, "asking the workers")
        facts = client.on_each(workers, look, question, checkpoint.check)
        for worker, known in zip(workers, facts, strict=True):
            _refuse_unseen(worker, known, token)
    return ClusterReport(workers=tuple(workers), facts=tuple(facts))


def _workers(
    client: DaskClient, checkpoint: Checkpoint, starts_jobs: bool
) -> list[Worker]:
    ends = time.monotonic() + (_JOB_WAIT if starts_jobs else WAIT)
    while not (workers := client.workers()):
        if time.monotonic() > ends:
            raise ClusterUnusable(
                "The scheduler has no workers.", "Start workers, and try again."
            )
        checkpoint.reached(0, 0, "waiting for workers")
        time.sleep(0.2)
    return workers


def _refuse_small(workers: Sequence[Worker]) -> None:
    """Raise if a worker has no room for a network: it would wait for ever."""
    for worker in workers:
        if worker.is_paused or 0 < worker.memory < LEAST_MEMORY:
            raise ClusterUnusable(
                f"The worker {worker.name} has too little memory: its limit is "
                f"{worker.memory / 1e9:.1f} GB, and {LEAST_MEMORY / 1e9:.1f} GB is the "
                "least.",
                "Start it with a larger --memory-limit: by default, one with a single "
                "thread gets the share of a single core.",
            )


def refuse_versions(
    client: DaskClient, workers: Sequence[Worker], engine: str = ""
) -> None:
    """Raise `ClusterUnusable` if a worker has other versions of what a run needs.

    That includes the optional package of an ``engine``.
    """
    ours = versions(engine)
    theirs = client.versions([name for name in ours if name != "python"])
    for worker in workers:
        found = theirs.get(worker.address, {})
        for name, version in ours.items():
            there = found.get(name)
            if _plain(there or "") == _plain(version):
                continue
            says = f"has {name} {there}" if there else f"has no {name}"
            raise ClusterUnusable(
                f"The worker {worker.name} {says}, and this computer {version}.",
                "Install the same versions on all of them.",
            )


def _plain(version: str) -> str:
    """Return a version without what tells how it was built: 2.8.0+cpu."""
    return version.partition("+")[0]


@contextmanager
def _probes(folders: Sequence[Path]) -> Iterator[str]:
    """Yield a token that all folders have in a file, until the end of the block."""
    token = secrets.token_hex(8)
    probes = [folder / f"{PROBE}-{token}" for folder in folders]
    try:
        for probe in probes:
            try:
                probe.parent.mkdir(parents=True, exist_ok=True)
                probe.write_text(token, "ascii")
            except OSError as error:
                raise ClusterUnusable(
                    f"The folder {probe.parent} cannot be written to: "
                    f"{error.strerror or error}.",
                    "Choose another folder that all workers see.",
                ) from error
        yield token
    finally:
        for probe in probes:
            for file in probe.parent.glob(f"{probe.name}*"):
                with suppress(OSError):
                    file.unlink()


def _refuse_unseen(worker: Worker, facts: WorkerFacts, token: str) -> None:
    hidden = [file.parent for file in facts.answers if not _arrives(file, token)]
    if unseen := [*facts.unseen, *hidden]:
        raise ClusterUnusable(
            f"The worker {worker.name} does not see the folder {unseen[0]}, or cannot "
            "write to it.",
            "Choose a folder on a drive that all computers have under the same path.",
        )


def _arrives(answer: Path, token: str) -> bool:
    """Return whether this computer gets to see what a worker has written."""
    ends = time.monotonic() + _SEEN_WITHIN
    if not answer.parent.is_dir():
        return False
    while time.monotonic() < ends:
        with suppress(OSError):
            # Listing it makes a network drive look again.
            if answer in [*answer.parent.iterdir()]:
                return answer.read_text("ascii") == token
        time.sleep(0.2)
    return False
