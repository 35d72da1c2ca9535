"""Automatic in the list of models: what was chosen is said and recorded."""

from __future__ import annotations

import pytest

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
