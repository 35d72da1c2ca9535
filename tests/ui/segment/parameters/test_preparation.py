"""The steps that prepare the input: chosen, shown, run, and shown again."""

from __future__ import annotations

import time

import imagecodecs
import numpy as np
import pytest
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QSpinBox, QToolButton

from cellpose_studio.core.runs.preparation.background import SubtractBackground
from cellpose_studio.core.runs.preparation.merge import Merge
from cellpose_studio.core.runs.preparation.restore import Restore
from cellpose_studio.core.runs.preparation.stain import SeparateStain
from cellpose_studio.paths import sha256_of
from cellpose_studio.ui.segment.parameters import preview
from tests.restoring import restoring_network

pytestmark = pytest.mark.slow


@pytest.fixture
def form(user):
    return user.window.segment.parameters.preparation


@pytest.fixture
def panel(user):
    return user.window.segment


@pytest.fixture
def coloured(tmp_path):
    """A colour image with dark blue nuclei on a pink ground."""
    y, x = np.indices((96, 128)) % 32 - 16
    inside = 1 / (1 + np.exp(np.hypot(y, x) - 10))[..., None]
    ground, nuclei = np.array([235, 190, 215]), np.array([80, 60, 140])
    noise = np.random.default_rng(0).normal(0, 4, (96, 128, 3))
    pixels = ground * (1 - inside) + nuclei * inside + noise
    path = tmp_path / "colours.png"
    path.write_bytes(imagecodecs.png_encode(pixels.clip(0, 255).astype(np.uint8)))
    return path


def add(form, title):
    [action] = [a for a in form.add.menu().actions() if a.text() == title]
    action.trigger()


def channels(panel):
    [box, *_] = panel.model.channel_combos()
    return box, [box.itemText(n) for n in range(box.count())]


def test_a_stain_is_what_the_network_sees(user, form, panel, coloured):
    [image] = user.open(coloured)
    assert channels(panel)[0].currentText() == "grey"
    add(form, "Separate a stain")
    box, names = channels(panel)
    assert names == ["Red", "Green", "Blue", "Haematoxylin", "grey"]
    assert box.currentText() == "Haematoxylin"
    assert panel.parameters._preparation.title.text() == "Prepare input (1 step)"
    panel.parameters.main.set_values({"diameter": 20.0})
    user.run()
    record = image.masks.record
    assert record.parameters.preparation == (SeparateStain(),)
    assert record.parameters.channels[0] == 4
    assert record.cells == 12
    # Another image has no run: the steps of the run come back with its image.
    form.set_steps(())
    assert channels(panel)[0].currentText() == "grey"
    panel.show_masks(image.masks)
    assert form.steps() == (SeparateStain(),)
    assert channels(panel)[0].currentText() == "Haematoxylin"


def test_steps_are_edited_moved_and_removed(user, form, cells):
    user.open(cells("a.tif", (3, 64, 64), "CYX"))
    add(form, "Merge channels")
    add(form, "Subtract background")
    assert form.steps() == (Merge(channels=(1, 2, 3)), SubtractBackground())
    merge, background = form._editors
    merge.findChild(QDoubleSpinBox, "weight2").setValue(-0.5)
    merge._fields["channels"]._rows[0][0].click()
    background.findChild(QSpinBox, "radius").setValue(12)
    method = background.findChild(QComboBox, "method")
    method.setCurrentIndex(method.findData("gaussian"))
    box = background.findChild(QComboBox, "channel")
    assert box.itemText(4).startswith("merged: ")
    box.setCurrentIndex(4)
    merged = Merge(channels=(2, 3), weights=(-0.5, 1))
    background = SubtractBackground(method="gaussian", radius=12, channel=4)
    assert form.steps() == (merged, background)
    form._editors[1].findChild(QToolButton, "raiseStep").click()
    assert form.steps() == (background, merged)
    # The merged channel is not there yet when its background is to be subtracted.
    assert form.problem.startswith("a.tif has no channel 4")
    run = user.window.segment.parameters.run
    assert not run.isEnabled()
    assert "no channel 4" in run.toolTip()
    form._editors[0].findChild(QToolButton, "removeStep").click()
    assert form.steps() == (merged,)
    assert run.isEnabled()
    form._editors[0].findChild(QToolButton, "removeStep").click()
    assert form.steps() == ()


def test_the_prepared_input_is_shown(user, form, panel, coloured, cells):
    user.open(coloured, cells("stack.tif", (3, 64, 64), "ZYX"))
    canvas = user.window.canvas
    shown = lambda: [  # noqa: E731
        layer
        for layer in canvas.model.layers
        if layer.name == "Prepared input" and layer.visible
    ]
    form.show_input.click()
    user.wait_for(lambda: bool(shown()))
    first = np.asarray(shown()[0].data)
    assert first.shape[-3:] == (96, 128, 3)
    add(form, "Separate a stain")
    user.wait_for(lambda: (np.asarray(shown()[0].data) != first).any())
    stain = np.asarray(shown()[0].data)
    # Nuclei are bright now.
    assert stain[16, 16].min() > 200 > 100 > stain[0, 0].max()
    form.set_steps(())
    user.window.session.show([*user.window.session.images][1].source.key)
    user.wait_for(lambda: bool(shown()) and "will see it" in form.state.text())
    layer = shown()[0]
    assert layer.data.shape == (3, 64, 64, 3)
    canvas.step("Z", 1)
    assert not shown()
    user.wait_for(lambda: bool(shown()))
    form.show_input.click()
    assert not shown()
    assert not form.state.isVisible()


def test_a_step_that_does_not_fit_is_explained(user, form, cells):
    user.open(cells("a.tif"))
    form.show_input.click()
    add(form, "Separate a stain")
    assert form.problem.startswith("a.tif has no colours, so its stains cannot be")
    user.wait_for(lambda: not form.state.isVisible())
    user.click_run()
    assert not user.window.services.gpu_jobs.jobs


def test_a_project_remembers_the_steps(user, form, panel, coloured):
    user.open(coloured)
    add(form, "Subtract background")
    settings = panel.settings()
    form.set_steps(())
    panel.show_settings(settings.model_validate_json(settings.model_dump_json()))
    assert form.steps() == (SubtractBackground(),)


@pytest.fixture
def models(tmp_path, monkeypatch):
    folder = tmp_path / "models"
    monkeypatch.setenv("CELLPOSE_LOCAL_MODELS_PATH", str(folder))
    return folder


def test_a_restored_image_is_shown_run_and_remembered(
    user, form, panel, cells, models, monkeypatch
):
    [image] = user.open(cells("a.tif", (300, 300)))
    add(form, "Restore")
    run = panel.parameters.run
    assert "Models… downloads it" in form.problem
    assert not run.isEnabled()
    # As by a download.
    file = restoring_network(models, "denoise_cyto3")
    user.window.services.run(
        "Downloading", lambda _: None, queue=user.window.services.download_jobs
    )
    user.wait_for(lambda: not form.problem)
    assert run.isEnabled()
    told = []
    monkeypatch.setattr(form.state, "setText", told.append)
    form.show_input.click()
    user.wait_for(lambda: "Shown as the network will see it." in told)
    assert any(text.startswith("Restoring the image, tile ") for text in told)
    panel.parameters.main.set_values({"diameter": 20.0})
    user.run()
    [step] = image.masks.record.parameters.preparation
    assert step == Restore(sha256=sha256_of(file))
    # A network of the panel is a choice by name, whatever its file was once.
    panel.show_masks(image.masks)
    assert form.steps() == (Restore(),)


def test_a_preview_that_takes_long_can_be_stopped(
    user, form, cells, models, monkeypatch
):
    user.open(cells("a.tif", (300, 300)))
    restoring_network(models, "denoise_cyto3")
    add(form, "Restore")

    def wait(_, checkpoint):
        while True:
            checkpoint.check()
            time.sleep(0.01)

    monkeypatch.setattr(preview, "_picture", lambda *given: wait(*given[-2:]))
    form.show_input.click()
    bar = user.window.jobs
    user.wait_for(lambda: bar.busy)
    # Nothing is lost if another project is opened now.
    assert not user.window.projects._runs()
    bar.cancel.click()
    user.wait_for(lambda: not form.show_input.isChecked())
    assert not form.state.isVisible()
