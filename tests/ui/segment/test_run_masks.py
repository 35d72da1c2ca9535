"""A second run goes into masks of its own."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QInputDialog


@pytest.fixture
def answers(monkeypatch):
    """Answers the question for a name."""
    given = []
    monkeypatch.setattr(
        QInputDialog, "getText", lambda *_, **__: given.pop(0) if given else ("", False)
    )
    return given


def choose(box, text: str) -> None:
    box.setCurrentIndex(box.findText(text))
    box.activated.emit(box.currentIndex())


@pytest.mark.slow
def test_a_run_goes_into_new_masks_and_leaves_the_others(user, cells, answers):
    masks = user.window.segment.parameters.masks
    user.open(cells("a.tif"))
    # Without masks, there are none to keep.
    assert masks.isHidden()
    image = user.run()
    assert [*image.label_sets] == ["cells"]
    assert not masks.isHidden()
    choose(masks.box, "New masks…")
    assert (masks.name, masks.box.currentText()) == ("cells", "cells")
    answers.append(("nuclei", True))
    choose(masks.box, "New masks…")
    assert masks.box.currentText() == "nuclei"
    before = image.label_sets["cells"]
    user.run()
    assert [*image.label_sets] == ["cells", "nuclei"]
    assert image.label_sets["cells"] is before
    assert image.active == "nuclei"
    user.window.session.undo()
    assert [*image.label_sets] == ["cells"]
    assert image.active == "cells"
