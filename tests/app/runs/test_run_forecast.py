"""What a run of a large image will take, as the window says it."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from cellpose_studio.app.images.large_images import LargeImages
from cellpose_studio.app.jobs import JobQueue
from cellpose_studio.app.runs import runner
from cellpose_studio.app.runs.runner import Runs
from cellpose_studio.core.images.levels import PlaneLimits
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.io.cache.pyramids import PyramidSizes
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.workflows.blocks import forecast

PARAMETERS = SegmentationParameters(diameter=8.0)


@pytest.fixture
def large(qtbot, tmp_path):
    """Return large images of some kilobytes."""
    builds, tiles = JobQueue(), JobQueue()
    found = LargeImages(builds, tiles, tmp_path / "pyramids")
    found.limits = PlaneLimits(pixels=1000)
    found.sizes = PyramidSizes(tile=64, block=128, base=100)
    yield found
    for queue in (builds, tiles):
        queue.shut_down()


@pytest.fixture
def image(session, tmp_path):
    """Return a slide with cells in a corner."""
    pixels = np.random.default_rng(0).normal(200, 12, (500, 600))
    y, x = np.indices((150, 150)) % 12 - 6
    pixels[:150, :150] += 9000 * (np.hypot(y, x) < 4)
    tifffile.imwrite(tmp_path / "a.tif", pixels.round().astype(np.uint16))
    [opened] = session.add(open_images(tmp_path / "a.tif"))
    return opened


@pytest.fixture(autouse=True)
def little_memory(monkeypatch):
    monkeypatch.setattr(runner, "free_memory", lambda: 1)
    monkeypatch.setattr(forecast, "PLANE_SIDE", 64)


def test_dark_parts_take_no_time_and_no_space(qtbot, session, image, large):
    runs = Runs(session, JobQueue(), small_copy=large.small_copy)
    shown = large.of(image.source)
    of_all = runs.forecast(image, shipped()[0], PARAMETERS)
    # The canvas asks for it.
    shown.limits((0, 0, 0))
    qtbot.waitUntil(lambda: large.small_copy(image.source) is not None)
    told = runs.forecast(image, shipped()[0], PARAMETERS)
    assert told.side == of_all.side == (1, 64, 64)
    assert of_all.disk / 10 < told.disk < of_all.disk / 2
    assert told.seconds < of_all.seconds / 2


def test_a_large_image_is_looked_at_once(session, image, monkeypatch):
    asked, network_work = [], forecast.network_work
    monkeypatch.setattr(
        forecast, "network_work", lambda *given: asked.append(1) or network_work(*given)
    )
    runs = Runs(session, JobQueue())
    assert runs.forecast(image, shipped()[0], PARAMETERS).side
    assert asked == [1]


def test_masks_in_files_are_part_of_the_space(session, image, monkeypatch):
    runs = Runs(session, JobQueue())
    before = runs.forecast(image, shipped()[0], PARAMETERS).disk
    monkeypatch.setattr(runner, "MOST_IN_MEMORY", 1000)
    told = runs.forecast(image, shipped()[0], PARAMETERS).disk
    assert told - before == 4 * 500 * 600
