"""Options of runs on a cluster."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import ClusterUnusable

if TYPE_CHECKING:
    from cellpose_studio.workflows.blocks.cluster.cluster import Cluster
    from cellpose_studio.workflows.blocks.cluster.slurm import Slurm

_OF_JOBS = (
    "jobs",
    "queue",
    "walltime",
    "job_memory",
    "job_cores",
    "account",
    "job_gpu",
    "job_extra",
)
"""Names of the options that only jobs have."""

_MOST = 10_000
"""Jobs, or cores of one."""


def add_cluster(parser: argparse.ArgumentParser) -> None:
    """Add the options of a cluster to ``parser``."""
    group = parser.add_argument_group(
        "cluster",
        "Blocks of large images, and small images as a whole, are run by the workers "
        "of a scheduler of Dask; see docs/cluster.md.",
    )
    where = group.add_mutually_exclusive_group()
    where.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="scheduler that runs: tcp://host:8786, or the file that it has written",
    )
    where.add_argument(
        "--slurm",
        action="store_true",
        help="start a scheduler here, and jobs of SLURM with a worker each",
    )
    group.add_argument(
        "--shared-folder",
        type=Path,
        metavar="DIR",
        help="folder that this computer and all workers have under the same path, for "
        "the state of runs (default: in your cache folder)",
    )
    group.add_argument(
        "--cluster-config",
        type=Path,
        metavar="FILE",
        help="configuration of Dask, YAML: certificates for TLS, options of jobs",
    )
    group.add_argument(
        "--jobs",
        type=_count,
        metavar="N",
        help="with --slurm: how many jobs at a time (default: 1)",
    )
    group.add_argument("--queue", metavar="NAME", help="with --slurm: partition")
    group.add_argument(
        "--walltime", metavar="HH:MM:SS", help="with --slurm: limit of a job's time"
    )
    group.add_argument(
        "--job-memory", metavar="SIZE", help="with --slurm: memory of a job: 32GB"
    )
    group.add_argument(
        "--job-cores",
        type=_count,
        metavar="N",
        help="with --slurm: processor cores of a job",
    )
    group.add_argument(
        "--account", metavar="NAME", help="with --slurm: to which time is charged"
    )
    group.add_argument(
        "--job-gpu",
        action="store_true",
        help="with --slurm: one graphics card for each job (--gres=gpu:1)",
    )
    group.add_argument(
        "--job-extra",
        action="append",
        metavar="DIRECTIVE",
        help="with --slurm: another directive of sbatch: --job-extra=--constraint=a100",
    )
    group.add_argument(
        "--take-over",
        action="store_true",
        help="go on with the blocks of a run on another computer that does not seem to "
        "have ended",
    )


@contextmanager
def cluster_of(
    options: argparse.Namespace, checkpoint: Checkpoint
) -> Iterator[Cluster | None]:
    """Yield the cluster of the options; None without one.

    Raises
    ------
    ClusterUnusable
        If it cannot be used.
    """
    slurm = _slurm(options)
    if slurm is None and options.scheduler is None:
        if options.shared_folder or options.cluster_config:
            raise ClusterUnusable(
                "--shared-folder and --cluster-config are for runs on a cluster.",
                "Give the cluster with --scheduler or --slurm.",
            )
        yield None
        return
    from cellpose_studio.workflows.blocks.cluster.choice import ClusterChoice
    from cellpose_studio.workflows.blocks.cluster.cluster import open_cluster

    choice = ClusterChoice(
        address=options.scheduler or "",
        slurm=slurm,
        folder=options.shared_folder,
        config=options.cluster_config,
        threads=options.threads,
    )
    out = [options.out] if options.out else []
    with open_cluster(choice, checkpoint, *out) as cluster:
        yield cluster


def _slurm(options: argparse.Namespace) -> Slurm | None:
    if not options.slurm:
        given = [name for name in _OF_JOBS if getattr(options, name)]
        if given:
            option = given[0].replace("_", "-")
            raise ClusterUnusable(
                f"--{option} is for jobs of SLURM.", "Give --slurm as well."
            )
        return None
    from cellpose_studio.workflows.blocks.cluster.slurm import Slurm

    return Slurm(
        jobs=options.jobs or 1,
        queue=options.queue,
        walltime=options.walltime,
        memory=options.job_memory,
        cores=options.job_cores,
        account=options.account,
        gpu=options.job_gpu,
        extra=tuple(options.job_extra or ()),
    )


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= _MOST:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 to {_MOST:,}")
    return int(text)
