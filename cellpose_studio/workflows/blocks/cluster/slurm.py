"""Jobs of SLURM that are started for a run, one worker each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Slurm:
    """Jobs; what is None or empty is taken from Dask's configuration.

    Attributes
    ----------
    jobs
        How many there are at the same time.
    queue
        Partition.
    walltime
        As SLURM writes it: "04:00:00".
    memory
        Of a job: "32GB".
    cores
        Processor cores of a job.
    account
        To which the time is charged.
    gpu
        Whether each job gets a graphics card.
    extra
        More directives: "--constraint=a100".
    """

    jobs: int
    queue: str | None = None
    walltime: str | None = None
    memory: str | None = None
    cores: int | None = None
    account: str | None = None
    gpu: bool = False
    extra: tuple[str, ...] = ()

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of ``dask_jobqueue.SLURMCluster``."""
        given = {
            "queue": self.queue,
            "walltime": self.walltime,
            "memory": self.memory,
            "account": self.account,
            # Of the job; the worker runs one block at a time, with all of them.
            "job_cpu": self.cores,
        }
        found: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
        extra = [*(["--gres=gpu:1"] if self.gpu else []), *self.extra]
        if extra:
            found["job_extra_directives"] = extra
        return {"cores": 1, "processes": 1, **found}
