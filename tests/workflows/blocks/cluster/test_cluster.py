"""Runs on the workers of a scheduler: the same masks, also after one was killed."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import numpy as np
import pytest

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.core.errors import ClusterUnusable, NotEnoughMemory
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.engine.networks.network import NetworkCache
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.workflows.blocks.cluster.choice import ClusterChoice
from cellpose_studio.workflows.blocks.cluster.cluster import open_cluster
from cellpose_studio.workflows.blocks.segment import segment_in_blocks
from tests.workflows.blocks.cluster.processes import local_cluster, workers_of

MODEL = shipped()[0]
NETWORKS = NetworkCache()
PLANE = ((200, 260), "YX", (1, 70, 70), {})
VOLUME = ((14, 80, 100), "ZYX", (8, 60, 60), {"do_3D": True})


@pytest.fixture(scope="module")
def threads():
    """Return a scheduler whose workers are threads of this process."""
    with local_cluster(processes=False) as cluster:
        yield cluster.scheduler_address


@pytest.fixture(scope="module")
def processes():
    with local_cluster() as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def opened(tmp_path):
    """Return a function that opens the cluster of a scheduler."""

    def at(address):
        choice = ClusterChoice(address=address, folder=tmp_path / "state")
        return open_cluster(choice, Checkpoint())

    return at


def run(image, folder, side, executor=None, report=None, **parameters):
    checkpoint = Checkpoint(report) if report else Checkpoint()
    if report:
        report.stop = checkpoint.stop
    return segment_in_blocks(
        image,
        MODEL,
        SegmentationParameters(**{"diameter": 20.0, **parameters}),
        checkpoint,
        side,
        networks=NETWORKS,
        folder=folder,
        executor=executor,
    )


def masks_of(*given, **more):
    with run(*given, **more) as found:
        return found.labels.whole(), found


class At:
    """Does something when a run has done so many of its masks' blocks, once."""

    def __init__(self, done, act):
        self.at, self.act, self.acted = done, act, 0

    def __call__(self, done, _, what):
        if what == "masks" and done >= self.at and not self.acted:
            self.acted += 1
            self.act(self)


def assert_same(one, other):
    assert one[0].tobytes() == other[0].tobytes()
    assert one[0].max() > 4
    assert one[1].blocks == other[1].blocks
    for name in ("ids", "pixels", "flow_errors", "probabilities"):
        np.testing.assert_array_equal(
            getattr(one[1].confidence, name), getattr(other[1].confidence, name)
        )


def test_masks_are_those_of_a_local_run(cells, threads, opened, tmp_path):
    [image] = open_images(cells("a.tif", (150, 170)))
    here = masks_of(image, tmp_path / "here", (1, 70, 70), diameter=None)
    with opened(threads) as cluster:
        there = masks_of(
            image, cluster.folder, (1, 70, 70), executor=cluster, diameter=None
        )
        assert_same(there, here)
        assert there[1].parameters == here[1].parameters
        assert there[1].threads == cluster.threads
        assert not [*cluster.folder.iterdir()]


def test_a_cancelled_run_goes_on_here(cells, threads, opened, tmp_path):
    [image] = open_images(cells("a.tif", (150, 170)))
    here = masks_of(image, tmp_path / "here", (1, 70, 70))
    with opened(threads) as cluster:
        stop = At(3, lambda report: report.stop())
        with pytest.raises(Cancelled):
            masks_of(image, cluster.folder, (1, 70, 70), cluster, stop)
        [state] = cluster.folder.iterdir()
        assert len([*state.glob("ends-*/state.json")]) > 1
        there = masks_of(image, cluster.folder, (1, 70, 70))
    assert any("earlier run" in note for note in there[1].notes)
    assert_same(there, here)


@pytest.mark.slow
def test_a_run_stopped_here_goes_on_there(cells, threads, opened, tmp_path):
    [image] = open_images(cells("a.tif", (150, 170)))
    with opened(threads) as cluster:
        stop = At(3, lambda report: report.stop())
        with pytest.raises(Cancelled):
            masks_of(image, cluster.folder, (1, 70, 70), None, stop)
        there = masks_of(image, cluster.folder, (1, 70, 70), cluster)
    assert any("earlier run" in note for note in there[1].notes)
    assert_same(there, masks_of(image, tmp_path / "here", (1, 70, 70)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", [PLANE, VOLUME])
def test_a_worker_that_is_killed_is_replaced(cells, processes, opened, tmp_path, kind):
    shape, axes, side, parameters = kind
    [image] = open_images(cells("a.tif", shape, axes))
    here = masks_of(image, tmp_path / "here", side, **parameters)
    before = workers_of(processes)

    def kill(_):
        os.kill(next(iter(before.values())), signal.SIGKILL)

    killer = At(3, kill)
    with opened(processes) as cluster:
        there = masks_of(image, cluster.folder, side, cluster, killer, **parameters)
        assert not [*cluster.folder.iterdir()]
    assert killer.acted == 1
    assert_same(there, here)
    assert set(before.values()) != set(workers_of(processes).values())


def test_what_workers_do_not_have_is_said_before(cells, threads, opened, tmp_path):
    path = cells("a.tif")
    [image] = open_images(path)
    other = MODEL.path.with_name("other")
    with opened(threads) as cluster:

        def refused(model=MODEL):
            with pytest.raises(ClusterUnusable) as said:
                cluster.refuse(
                    image, model, SegmentationParameters(), (1, 64, 64), Checkpoint()
                )
            return str(said.value)

        gone = MODEL.model_copy(update={"sha256": "0" * 64, "path": other})
        assert f"The model file {other} is not there" in refused(gone)
        changed = MODEL.model_copy(update={"sha256": "0" * 64})
        assert "has other weights there" in refused(changed)
        cells("b.tif", (50, 60)).replace(path)
        assert "a.tif is another file there" in refused()
        path.unlink()
        assert "a.tif does not exist" in refused()


def test_blocks_that_workers_have_no_memory_for_are_refused(cells, opened):
    [image] = open_images(cells("a.tif"))
    image = replace(image, shape=(1, 1, 1, 3000, 3200))
    with (
        local_cluster(processes=False, n_workers=1, memory_limit="1.8GB") as small,
        opened(small.scheduler_address) as cluster,
        pytest.raises(NotEnoughMemory, match=r"workers can use 1\.4 GB"),
    ):
        cluster.refuse(
            image, MODEL, SegmentationParameters(), (1, 2900, 2900), Checkpoint()
        )


def test_workers_with_too_little_memory_are_refused(opened):
    with (
        local_cluster(processes=False, n_workers=1, memory_limit="300MB") as small,
        pytest.raises(ClusterUnusable, match=r"its limit is 0\.3 GB"),
        opened(small.scheduler_address),
    ):
        pass
