"""Runs on the workers of a scheduler: the same masks, also after one was killed."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.engine.networks.network import NetworkCache
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.workflows.blocks.segment import segment_in_blocks
from cellpose_studio.workflows.cluster.cluster import ClusterChoice, open_cluster
from tests.workflows.cluster.processes import local_cluster, workers_of

MODEL = shipped()[0]
NETWORKS = NetworkCache()


@pytest.fixture(scope="module")
def scheduler():
    with local_cluster() as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def cluster(scheduler, tmp_path):
    choice = ClusterChoice(address=scheduler, folder=tmp_path / "state")
    with open_cluster(choice, Checkpoint()) as found:
        yield found


def run(image, folder, side, executor=None, checkpoint=None, **parameters):
    return segment_in_blocks(
        image,
        MODEL,
        SegmentationParameters(**{"diameter": 20.0, **parameters}),
        checkpoint or Checkpoint(),
        side,
        networks=NETWORKS,
        folder=folder,
        executor=executor,
    )


def masks_of(image, folder, side, **given):
    with run(image, folder, side, **given) as found:
        return found.labels.whole(), found


class Killer:
    """Ends a worker's process the hard way when a run is at a place."""

    def __init__(self, scheduler, what, done):
        self.scheduler, self.at, self.killed = scheduler, (what, done), []

    def __call__(self, done, _, what):
        if (what, done) >= self.at and what == self.at[0] and not self.killed:
            process = next(iter(workers_of(self.scheduler).values()))
            os.kill(process, signal.SIGKILL)
            self.killed.append(process)


def test_masks_are_those_of_a_local_run_also_after_a_worker_was_killed(
    cells, cluster, scheduler, tmp_path
):
    [image] = open_images(cells("a.tif", (200, 260)))
    expected, here = masks_of(image, tmp_path / "here", (1, 70, 70))
    killer = Killer(scheduler, "masks", 4)
    labels, there = masks_of(
        image,
        cluster.folder,
        (1, 70, 70),
        executor=cluster,
        checkpoint=Checkpoint(killer),
    )
    assert len(killer.killed) == 1
    assert labels.tobytes() == expected.tobytes()
    assert labels.max() > 20
    np.testing.assert_array_equal(
        there.confidence.flow_errors, here.confidence.flow_errors
    )
    assert there.blocks == here.blocks
    assert not [*cluster.folder.iterdir()]
