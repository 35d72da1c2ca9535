"""Images that are too large to be run as a whole: asked before, run in blocks."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QMessageBox

from cellpose_studio.app.runs import runner
from cellpose_studio.app.runs.merging import Merging
from cellpose_studio.core.runs.region import Region
from cellpose_studio.paths import cache_dir
from cellpose_studio.workflows.blocks import forecast


@pytest.fixture
def little_memory(monkeypatch):
    """Make blocks of 64 px, and every image larger than the memory."""
    monkeypatch.setattr(runner, "free_memory", lambda: 1)
    monkeypatch.setattr(forecast, "PLANE_SIDE", 64)


def answer(button: str, said: list[str]) -> None:
    """Press a button of the question that appears next."""

    def press() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        said.append(f"{box.text()} {box.informativeText()}")
        next(b for b in box.buttons() if b.text().replace("&", "") == button).click()

    QTimer.singleShot(0, press)


@pytest.mark.slow
def test_what_a_run_takes_is_said_before_it_starts(user, cells, little_memory):
    [image] = user.open(cells("a.tif"))
    said: list[str] = []
    answer("Cancel", said)
    user.click_run()
    user.wait_idle()
    assert image.label_sets == {}
    [text] = said
    assert text.startswith("Run a.tif in blocks? 96 × 128 pixels do not fit")
    for part in ("about a minute", "MB of memory", "on the disk", "goes on"):
        assert part in text


@pytest.mark.slow
def test_masks_of_a_run_in_blocks_are_shown(user, cells, little_memory):
    user.open(cells("a.tif", (150, 170)))
    user.window.segment.parameters.main.set_values({"diameter": 20.0})
    said: list[str] = []
    answer("Run", said)
    image = user.run()
    assert said
    record = image.masks.record
    assert record.blocks.side == (1, 64, 64)
    layer = user.window.canvas.model.layers["cells"]
    np.testing.assert_array_equal(layer.data, image.masks.array)
    assert image.masks.cells == record.cells == len(np.unique(layer.data)) - 1 > 12
    # Without flows, there are no masks for other thresholds.
    assert image.masks.maker is None


def test_the_queue_asks_once_for_all_large_images(user, cells, little_memory):
    user.open(cells("a.tif"), cells("b.tif"), cells("small.tif", (60, 60)))
    scope = user.window.scope.box
    scope.setCurrentIndex(scope.findData("listed"))
    said: list[str] = []
    answer("Cancel", said)
    user.click_run()
    user.wait_idle()
    assert not user.window.background.run_queue.items
    [text] = said
    assert text.startswith("Queue 3 images, 2 of them in blocks? 2 do not fit")
    for part in ("minute", "MB of memory", "on the disk at a time", "goes on"):
        assert part in text


@pytest.mark.slow
def test_a_run_goes_on_until_its_masks_are_in_the_project(
    user, cells, little_memory, monkeypatch
):
    user.open(cells("a.tif", (150, 170)))
    user.window.segment.parameters.main.set_values({"diameter": 20.0})
    folder = cache_dir() / "blocks"

    def run(stop_at: str = "") -> None:
        answer("Run", [])
        user.click_run()
        [job] = user.window.services.gpu_jobs.jobs
        job.progress.connect(lambda *step: job.cancel() if stop_at == step[2] else None)
        user.wait_idle()

    # The user cancels it, and then the merge of its masks fails.
    run("masks")
    [image] = user.window.session.images
    assert image.masks is None
    assert [*folder.iterdir()]
    with monkeypatch.context() as failing:
        failing.setattr(Merging, "next", lambda *_: 1 / 0)
        run()
    assert image.masks is None
    assert [*folder.iterdir()]
    run()
    user.wait_for(lambda: not [*folder.iterdir()])
    assert any("earlier run" in note for note in image.masks.record.notes)
    assert image.masks.cells == image.masks.record.cells > 12


@pytest.mark.slow
def test_a_region_in_blocks_goes_into_the_masks(user, cells, little_memory):
    user.open(cells("a.tif", (150, 170)))
    user.window.segment.parameters.main.set_values({"diameter": 20.0})
    answer("Run", [])
    image = user.run()
    before, count = image.masks.array.copy(), image.masks.cells
    region = Region(points=((0, 0), (60, 60)))
    request = user.window.segment.run_request()
    parameters = request[1].model_copy(update={"region": region})
    user.window.background.runs.start(image, request[0], parameters)
    user.wait_idle()
    assert image.masks.record.blocks is not None
    assert image.masks.in_region.found == image.masks.in_region.replaced > 0
    # The same cells have the same ids, and all have a confidence.
    np.testing.assert_array_equal(image.masks.array, before)
    assert image.masks.cells == count == len(image.masks.confidence.ids)
    assert "found" in image.masks.origin
    # Without flows, there is nothing that sliders could act on.
    assert "sliders" not in user.window.segment.result.count.text()
