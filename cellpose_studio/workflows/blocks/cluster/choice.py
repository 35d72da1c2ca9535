"""Which cluster does runs, without what is needed to reach it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cellpose_studio.workflows.blocks.cluster.slurm import Slurm


@dataclass(frozen=True, kw_only=True)
class ClusterChoice:
    """Which cluster does runs.

    Attributes
    ----------
    address
        Of a scheduler: "tcp://host:8786", or a file that it has written.
    slurm
        Jobs to start instead.
    folder
        That this computer and all workers see under the same path, for the state of
        runs; by default that in the user's cache folder.
    config
        File of Dask's configuration.
    threads
        Of each worker; None shares the cores of a computer among its workers.
    """

    address: str = ""
    slurm: Slurm | None = None
    folder: Path | None = None
    config: Path | None = None
    threads: int | None = None
