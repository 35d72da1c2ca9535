"""The only module that knows Dask: a scheduler, its workers, and tasks for them.

Dask runs whatever function a client sends: whoever reaches a scheduler may do on its
workers what their user may.
"""

from __future__ import annotations

import logging
import secrets
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from cellpose_studio.core.errors import ClusterUnusable
from cellpose_studio.workflows.blocks.cluster.slurm import Slurm
from cellpose_studio.workflows.blocks.cluster.waiting import close_within, within

if TYPE_CHECKING:
    from distributed import Client, Future

T = TypeVar("T")
R = TypeVar("R")
Check = Callable[[], None]

_TIMEOUT = 10.0
"""Seconds in which a scheduler has to answer."""

_JOBS_END = 60.0
"""Seconds in which SLURM has to cancel the jobs; those left end by themselves."""

_PATIENCE = 0.1
"""Seconds between two checks while tasks are at work."""

_LOOK = 20.0
"""Seconds without a result after which it is asked whether workers are at work."""

_RETRIES = 2
"""How often a task is tried again after an error that is not ours: of a drive, say."""


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A worker as the scheduler knows it.

    Attributes
    ----------
    address
        Where other processes reach it.
    name
        For the user.
    memory
        Bytes that it may use; 0 without a limit.
    is_paused
        Whether it takes no work, as its memory is used up.
    """

    address: str
    name: str
    memory: int
    is_paused: bool


class DaskClient:
    """A connection to a scheduler."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def workers(self) -> list[Worker]:
        """Return the workers that are there now."""
        return _workers(self._client)

    def versions(self, packages: Sequence[str]) -> dict[str, dict[str, str]]:
        """Return the versions of packages that each worker has, by its address."""
        with _answers():
            versions: Any = self._client.get_versions(packages=[*packages])
        found = {}
        for address, facts in versions["workers"].items():
            python = ".".join(facts["host"]["python"].split(".")[:3])
            known = facts["packages"]
            found[address] = {
                "python": python,
                **{name: known[name] for name in packages if known.get(name)},
            }
        return found

    def on_each(
        self, workers: Sequence[Worker], work: Callable[[T], R], item: T, check: Check
    ) -> list[R]:
        """Return what ``work`` returns on each worker."""
        with closing(self.tasks("look")) as tasks:
            for n, worker in enumerate(workers):
                tasks.add(work, [item], [n], [worker.address])
            found = dict(tasks.done(check))
        return [found[n] for n in range(len(workers))]

    def tasks(self, name: str, priority: int = 0) -> Tasks[Any]:
        """Return what runs tasks; those with a higher priority come first."""
        return Tasks(self._client, name, priority)


class Tasks(Generic[R]):
    """Tasks on workers, and their results in the order in which they are done.

    A task of a worker that has died is done again by another one.
    """

    def __init__(self, client: Client, name: str, priority: int) -> None:
        from distributed import as_completed

        self._client = client
        self._priority = priority
        self._name = f"{name}-{secrets.token_hex(8)}"
        self._added = 0
        self._items: dict[str, object] = {}
        self._futures: dict[str, Future[Any]] = {}
        self._completed = as_completed(loop=client.loop)
        self._asked: set[str] = set()

    def add(
        self,
        work: Callable[[Any], R],
        items: Sequence[object],
        names: Sequence[object],
        workers: Sequence[str] | None = None,
    ) -> None:
        """Run ``work`` with each item; its result is known by a name."""
        if not items:
            return
        keys = [f"{self._name}-{self._added + n}" for n in range(len(items))]
        self._added += len(items)
        with _answers():
            futures = self._client.map(
                work,
                items,
                key=keys,
                pure=False,
                retries=_RETRIES,
                priority=self._priority,
                workers=workers,
            )
        self._asked.update(workers or ())
        self._items |= dict(zip(keys, names, strict=True))
        self._futures |= dict(zip(keys, futures, strict=True))
        self._completed.update(futures)

    def done(self, check: Check) -> Iterator[tuple[Any, R]]:
        """Yield the name and the result of each task; ``check`` may raise to stop.

        Raises
        ------
        ClusterUnusable
            If the scheduler is lost, or a task ends all workers that try it.
        """
        next_look = time.monotonic() + _LOOK
        while self._futures:
            check()
            ready = self._completed.next_batch(block=False)
            for future in ready:
                # Its result is taken off the worker here.
                yield self._items.pop(future.key), self._result(future)
                self._futures.pop(future.key)
            if ready:
                next_look = time.monotonic() + _LOOK
                continue
            if self._client.status != "running":
                raise _lost()
            if time.monotonic() > next_look:
                self._refuse_idle()
                next_look = time.monotonic() + _LOOK
            time.sleep(_PATIENCE)

    def close(self) -> None:
        """Cancel what is not done yet; workers finish what they are at."""
        futures, self._futures = [*self._futures.values()], {}
        with suppress(Exception):
            if futures and self._client.status == "running":
                self._client.cancel(futures, force=True)

    def _refuse_idle(self) -> None:
        """Raise `ClusterUnusable` if no worker will do what is left."""
        workers = _workers(self._client)
        if gone := self._asked.difference(worker.address for worker in workers):
            raise ClusterUnusable(
                f"The worker {min(gone)} ended while it was asked what it has.",
                "Start the run again; the log of the worker tells why.",
            )
        if workers and all(worker.is_paused for worker in workers):
            raise ClusterUnusable(
                f"Workers take no more work: the memory of {workers[0].name} is used "
                "up.",
                "Start workers with a larger --memory-limit.",
                "Start workers with a larger --memory-limit, or use smaller blocks "
                "(--block-size).",
            )

    def _result(self, future: Future[Any]) -> R:
        from distributed import KilledWorker

        if future.status in ("cancelled", "lost"):
            raise _lost()
        if future.status == "error":
            error = future.exception()
            if isinstance(error, KilledWorker):
                raise ClusterUnusable(
                    "A part of the work was given up, as the workers that tried it "
                    "ended.",
                    "Give them more memory.",
                    "Give them more memory, or use smaller blocks (--block-size).",
                ) from error
            assert isinstance(error, BaseException)
            raise error
        with _answers():
            found: R = future.result(timeout=_TIMEOUT)
        return found


@contextmanager
def connected(
    address: str, config: Path | None = None, slurm: Slurm | None = None
) -> Iterator[DaskClient]:
    """Yield a connection to a scheduler, or to one that is started for jobs of SLURM.

    Parameters
    ----------
    address
        "tcp://host:8786", or a file that the scheduler has written.
    config
        File of Dask's configuration, YAML: certificates for TLS, options of SLURM.
    slurm
        The jobs to start; ``address`` is not used then.

    Raises
    ------
    ClusterUnusable
        If Dask is not installed, the scheduler cannot be reached, or SLURM is missing.
    """
    refuse_without_dask()
    with ExitStack() as stack:
        _configure(config, stack)
        stack.enter_context(_quiet_logs())
        if slurm is not None:
            scheduler: Any = stack.enter_context(_jobs(slurm))
        else:
            scheduler = _address(address)
        client = _client(scheduler, address)
        stack.callback(close_within, _TIMEOUT, client)
        yield DaskClient(client)


def refuse_without_dask() -> None:
    """Raise `ClusterUnusable` if the packages for clusters are not installed."""
    if any(find_spec(name) is None for name in ("dask_jobqueue", "distributed")):
        raise ClusterUnusable(
            "Clusters need the packages distributed and dask-jobqueue.",
            'Install them with pip: "cellpose-studio[cluster]". The bundle for the '
            "desktop runs on one computer only.",
        )


def _client(scheduler: Any, address: str) -> Client:
    from distributed import Client

    def connect() -> Client:
        return Client(
            **scheduler,
            timeout=_TIMEOUT,
            set_as_default=False,
            name="cellpose-studio",
        )

    with warnings.catch_warnings():
        # Versions are compared in words of our own.
        warnings.simplefilter("ignore")
        try:
            return within(_TIMEOUT + 2, connect)
        # Whatever answers there may answer anything.
        except Exception as error:
            raise ClusterUnusable(
                f"The scheduler {address} could not be reached: {_reason(error)}.",
                "Check that it runs, its address, and the firewall between.",
            ) from error


def _workers(client: Client) -> list[Worker]:
    with _answers():
        known = client.scheduler_info(n_workers=-1)["workers"]
    return [
        Worker(
            address=address,
            name=str(facts["name"]),
            memory=int(facts["memory_limit"] or 0),
            is_paused=facts["status"] == "paused",
        )
        for address, facts in known.items()
    ]


def _address(address: str) -> dict[str, str]:
    """Return how `Client` is told a scheduler."""
    if "://" in address:
        return {"address": address}
    path = Path(address).expanduser()
    if path.suffix == ".json" or path.exists():
        # Dask would wait for one that is not there.
        if not path.is_file():
            raise ClusterUnusable(
                f"There is no scheduler file {address}.", "Start the scheduler first."
            )
        return {"scheduler_file": str(path)}
    return {"address": f"tcp://{address}"}


def _reason(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    text = str(error).strip().rstrip(".") or type(error).__name__
    if isinstance(error, TimeoutError):
        return f"it did not answer within {_TIMEOUT:.0f} seconds"
    return text.splitlines()[0]


def _configure(config: Path | None, stack: ExitStack) -> None:
    import dask

    if config is None:
        return
    try:
        # Dask itself skips what it cannot find.
        with config.open("rb"):
            [content] = dask.config.collect_yaml([str(config)])
    except (OSError, ValueError) as error:
        raise ClusterUnusable(
            f"{config} cannot be read as a configuration of Dask: {error}."
        ) from error
    merged = dask.config.merge(dask.config.config, content)
    stack.enter_context(dask.config.set(merged))


@contextmanager
def _quiet_logs() -> Iterator[None]:
    """Keep Dask from writing about lost workers among our own lines."""
    logger = logging.getLogger("distributed")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextmanager
def _jobs(slurm: Slurm) -> Iterator[dict[str, Any]]:
    """Yield a scheduler with workers in jobs of SLURM; those that end are replaced."""
    from dask_jobqueue.slurm import SLURMCluster

    try:
        cluster = SLURMCluster(**slurm.arguments())
    except Exception as error:
        raise ClusterUnusable(
            f"Jobs of SLURM could not be prepared: {_reason(error)}.",
            "Check the options of the jobs, and the configuration of Dask.",
        ) from error
    try:
        cluster.adapt(minimum_jobs=slurm.jobs, maximum_jobs=slurm.jobs)
        yield {"address": cluster}
    finally:
        close_within(_JOBS_END, cluster)


@contextmanager
def _answers() -> Iterator[None]:
    """Turn what Dask raises when a scheduler is gone into a sentence."""
    try:
        yield
    except (OSError, TimeoutError) as error:
        raise _lost() from error


def _lost() -> ClusterUnusable:
    return ClusterUnusable(
        "The connection to the scheduler was lost.",
        "Blocks that are done are kept: start the run again when it is back.",
    )
