"""The scheduler of the settings: named, tried, and used by runs in blocks."""

from __future__ import annotations

import pytest
from qtpy.QtTest import QTest

from cellpose_studio.app.runs import runner
from cellpose_studio.app.settings import Settings
from cellpose_studio.engine.versions import has_openvino
from cellpose_studio.ui.window.preferences.scheduler_form import SchedulerForm
from cellpose_studio.workflows.blocks import forecast
from tests.workflows.blocks.cluster.processes import local_cluster


@pytest.fixture(scope="module")
def scheduler():
    with local_cluster(processes=False) as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def form(qtbot, tmp_path):
    found = SchedulerForm(Settings.load(tmp_path / "settings.json"))
    qtbot.addWidget(found)
    found.show()
    yield found
    found.shut_down()


def enter(line, text):
    line.setFocus()
    line.selectAll()
    QTest.keyClicks(line, text)
    line.editingFinished.emit()


def test_a_scheduler_is_kept_and_tried(form, qtbot, tmp_path, scheduler):
    assert not form.check.isEnabled()
    enter(form.address, str(tmp_path / "gone.json"))
    enter(form.folder, str(tmp_path / "state"))
    form.check.click()
    qtbot.waitUntil(lambda: "no scheduler file" in form.result.text())
    enter(form.address, scheduler)
    form.check.click()
    said = "2 workers on 1 computer: 2 × CPU"
    qtbot.waitUntil(lambda: form.result.text() == said)
    kept = Settings.load(tmp_path / "settings.json").cluster()
    assert (kept.address, kept.folder) == (scheduler, tmp_path / "state")


@pytest.mark.slow
def test_runs_in_blocks_go_to_the_scheduler(
    user, cells, tmp_path, scheduler, monkeypatch
):
    monkeypatch.setattr(runner, "free_memory", lambda: 1)
    monkeypatch.setattr(forecast, "PLANE_SIDE", 64)
    settings = user.window.services.settings
    settings.scheduler = scheduler
    settings.shared_folder = str(tmp_path / "state")
    user.open(cells("a.tif", (150, 170)))
    user.window.segment.parameters.main.set_values({"diameter": 20.0})
    asked = []
    user.window._segmenting.confirm = lambda _, needed, __: asked.append(needed) or True
    image = user.run()
    assert asked[0].scheduler == scheduler
    assert image.masks.record.blocks.side == (1, 64, 64)
    assert image.masks.cells > 12
    assert (tmp_path / "state").is_dir()

    # The engine that was chosen is not forgotten there.
    settings.engine = "openvino"
    user.run()
    if has_openvino():
        assert image.masks.record.engine == "openvino"
    else:
        assert "needs OpenVINO" in user.message
