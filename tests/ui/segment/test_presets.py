"""Parameters that are put back into the panel, and those kept under a name."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QInputDialog, QMessageBox

from cellpose_studio.core.runs.parameters import Normalization, SegmentationParameters
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.io.project.tables.presets import Preset, read_presets, write_preset
from cellpose_studio.ui.segment.presets import ask_name

PARAMETERS = SegmentationParameters(
    channels=(1, None),
    diameter=23.45,
    flow_threshold=0.7,
    cellprob_threshold=-1.0,
    min_size=40,
    niter=300,
    exclude_on_edges=True,
    normalization=Normalization(percentile=(2.0, 99.5), tile_norm_blocksize=100),
)


@pytest.fixture
def panel(user):
    return user.window.segment


@pytest.mark.slow
def test_parameters_come_back_as_they_were(user, panel, cells):
    user.open(cells("a.tif"))
    model = shipped()[-1]
    channels = (1, *[None] * (model.input_channels - 1))
    wanted = PARAMETERS.model_copy(update={"channels": channels})
    for name in (model.name, str(model.path), model.sha256):
        panel.model.combo.setCurrentIndex(0)
        assert panel.show_parameters(name, wanted) == ""
        assert panel.run_request() == (model, wanted)


@pytest.mark.slow
@pytest.mark.parametrize(
    "stack",
    [{"do_3D": True, "anisotropy": 2.345}, {"stitch_threshold": 0.35}, {}],
)
def test_how_a_stack_was_run_comes_back(user, panel, cells, stack):
    user.open(cells("stack.tif", (3, 64, 64), "ZYX"))
    wanted = SegmentationParameters(channels=(1, None), diameter=20.0, **stack)
    assert panel.show_parameters(shipped()[0].name, wanted) == ""
    assert panel.run_request()[1] == wanted


@pytest.mark.slow
def test_the_parameters_of_a_run_make_the_same_masks_again(user, panel, cells):
    [image] = user.open(cells("stack.tif", (3, 64, 64), "ZYX"))
    panel.parameters.main.set_values({"diameter": 20.0})
    user.run()
    record = image.masks.record
    panel.parameters.main.set_values({"diameter": 99.0})
    assert panel.show_parameters(record.model.sha256, record.parameters) == ""
    user.run()
    assert image.masks.record.parameters == record.parameters


@pytest.mark.slow
def test_what_cannot_be_put_back_is_said(user, panel, cells):
    user.open(cells("a.tif"))
    wanted = SegmentationParameters(
        channels=(2, 1), min_size=2000, flow_threshold=0.123, do_3D=True
    )
    said = panel.show_parameters("/models/gone", wanted)
    assert said == (
        "The model gone is not in the list of models. a.tif has no channel 2. "
        "a.tif has one plane, so 3D is off. "
        "Flow threshold was set to 0.12 instead of 0.123."
    )
    assert panel.result.values()["min_size"] == 2000
    assert panel.model.model == shipped()[0]
    assert panel.run_request()[1].channels == (1, 1)
    assert "SHA-256 aaaaaaaaaaaa…" in panel.show_parameters("a" * 64, wanted)


def test_no_channels_are_those_that_fit_the_image(user, panel, cells):
    user.open(cells("a.tif"))
    panel.model.set_channels((1, 1))
    assert panel.show_parameters(shipped()[0].name, SegmentationParameters()) == ""
    assert panel.run_request()[1].channels == (1, None)


def test_parameters_can_be_put_back_before_an_image_is_open(panel):
    assert panel.show_parameters(shipped()[0].name, PARAMETERS) == ""
    assert panel.parameters.main.values()["diameter"] == 23.45


@pytest.fixture
def presets(user):
    return user.window.presets


def menu_of(presets):
    """Return the actions of the menu, as they are when it is opened, by their text."""
    presets.fill()
    return {action.text(): action for action in presets.menu.actions()}


def save_as(presets, name):
    presets.ask = lambda *_: name
    menu_of(presets)["&Save preset…"].trigger()


def test_a_preset_is_saved_applied_and_deleted(user, panel, presets, cells):
    user.open(cells("a.tif"))
    panel.show_parameters(shipped()[-1].name, PARAMETERS)
    wanted = panel.run_request()
    save_as(presets, "mine & yours")
    panel.show_parameters(shipped()[0].name, SegmentationParameters())
    assert panel.run_request() != wanted
    menu_of(presets)["mine && yours"].trigger()
    assert panel.run_request() == wanted
    assert user.message == ""
    delete = menu_of(presets)["&Delete"].menu()
    delete.actions()[0].trigger()
    assert "mine && yours" not in menu_of(presets)
    assert user.window.session.project.read(read_presets) == []


@pytest.mark.slow
def test_presets_stay_with_the_project(user, panel, presets, cells):
    user.open(cells("a.tif"))
    panel.show_parameters(shipped()[0].name, PARAMETERS)
    save_as(presets, "mine")
    save_as(presets, "")
    first = user.window.session.project
    user.window.projects.new()
    assert "mine" not in menu_of(presets)
    assert not menu_of(presets)["&Save preset…"].isEnabled()
    assert not menu_of(presets)["&Delete"].isEnabled()
    user.wait_idle()
    user.window.open([first.path])
    user.wait_idle()
    assert list(menu_of(presets)) == ["mine", "", "&Save preset…", "&Delete"]
    # Chosen by the image, so that the preset fits other ones, too.
    [preset] = user.window.session.project.read(read_presets)
    assert preset.parameters == PARAMETERS.model_copy(update={"channels": ()})


@pytest.mark.slow
def test_what_a_preset_cannot_set_is_said(user, presets, cells):
    user.open(cells("a.tif"))
    gone = Preset("gone", "/models/gone", SegmentationParameters(channels=(3,)))
    project = user.window.session.project
    project.submit(lambda db: write_preset(db, gone))
    path = project.path
    user.window.projects.new()
    user.wait_idle()
    user.window.open([path])
    user.wait_idle()
    user.window.session.show(user.window.session.images[0].source.key)
    menu_of(presets)["gone"].trigger()
    assert user.message == (
        "The model gone is not in the list of models. a.tif has no channel 3."
    )


@pytest.mark.parametrize(
    ("typed", "answer", "name"),
    [
        (("new ", True), None, "new"),
        (("new", False), None, ""),
        (("old", True), "Yes", "old"),
        (("old", True), "Cancel", ""),
    ],
)
def test_a_name_is_replaced_only_if_the_user_says_so(
    user, monkeypatch, typed, answer, name
):
    monkeypatch.setattr(QInputDialog, "getText", lambda *_: typed)
    button = QMessageBox.StandardButton
    monkeypatch.setattr(
        QMessageBox, "question", lambda *_: getattr(button, answer or "Cancel")
    )
    assert ask_name(["old"], user.window) == name
