"""Automatic in the list of models: what was chosen is said and recorded."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt

from cellpose_studio.engine.networks.catalogue import shipped


@pytest.mark.slow
def test_the_record_names_what_automatic_took_and_the_choice_stays(user, cells):
    user.open(cells("a.tif"))
    panel = user.window.segment.model
    assert panel.choose("auto")
    first = user.run()
    record = first.masks.record
    assert record.model.name in [model.name for model in shipped()]
    assert record.automatic[0] == "model"
    assert "Automatic took" in record.notes[0]
    # It is told in the window as well, and the next image gets its own choice.
    assert "Automatic took" in user.message
    user.open(cells("b.tif"))
    assert panel.model.is_automatic
    user.window.session.show(first.source.key)
    assert panel.model.is_automatic
    assert record.model.title in panel.note.text()


@pytest.mark.slow
def test_the_choice_of_the_user_always_wins(user, cells):
    user.open(cells("a.tif"))
    panel = user.window.segment.model
    panel.choose("phase-small")
    record = user.run().masks.record
    assert record.model.name == "phase-small"
    assert "model" not in record.automatic
    assert not panel.note.isVisible()


def test_a_model_that_finds_nothing_is_one_click_from_automatic(user, tmp_path):
    noise = np.random.default_rng(0).normal(1000, 30, (128, 128))
    tifffile.imwrite(tmp_path / "noise.tif", noise.astype(np.uint16))
    user.window.resize(1000, 600)
    user.open(tmp_path / "noise.tif")
    panel = user.window.segment
    image = user.run()
    hint, button = panel.result.hint, panel.result.automatic
    assert "Try Automatic, which takes" in hint.text()
    assert "--" not in hint.text()
    # The panel has come to both, though it is too low for all that is in it.
    assert panel.verticalScrollBar().maximum() > 0
    user.wait_for(lambda: not button.visibleRegion().isEmpty())
    assert not hint.visibleRegion().isEmpty()
    user.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    user.wait_for(lambda: "model" in (image.masks.record.automatic or ()))
    user.wait_idle()
    assert panel.model.model.is_automatic
    # What has chosen already is not offered again.
    assert not button.isVisible()
