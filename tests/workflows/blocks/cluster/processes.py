"""A scheduler with workers in processes of their own, over TCP on loopback."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from distributed import Client, LocalCluster


@contextmanager
def local_cluster(**given) -> Iterator[LocalCluster]:
    """Yield a scheduler with two workers."""
    options = {
        "n_workers": 2,
        "threads_per_worker": 1,
        "processes": True,
        "protocol": "tcp",
        "host": "127.0.0.1",
        "dashboard_address": None,
        "memory_limit": 0,
        "silence_logs": "CRITICAL",
        **given,
    }
    with LocalCluster(**options) as cluster:
        if options["n_workers"]:
            cluster.get_client().wait_for_workers(options["n_workers"], timeout=300)
        yield cluster


def workers_of(address: str) -> dict[str, int]:
    """Return the processes of the workers by their addresses."""
    with Client(address, set_as_default=False) as client:
        return client.run(os.getpid)
