"""What a new run keeps is said, and can be forgotten."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from cellpose_studio.core.provenance.hand_edits import HandEdits
from cellpose_studio.ui.curate.kept_row import kept_text

LEFT = Qt.MouseButton.LeftButton


def made(drawn=(), edited=(), linked=(), places=0) -> HandEdits:
    return HandEdits(
        drawn=frozenset(drawn),
        edited=frozenset(edited),
        linked=frozenset(linked),
        deleted={1: tuple(range(places))} if places else {},
    )


@pytest.mark.parametrize(
    ("known", "accepted", "text"),
    [
        (made(), (), ""),
        (made(), [1], "A new run keeps 1 accepted cell."),
        (
            made([1, 2], [3], [4]),
            [3, 5],
            "A new run keeps 2 accepted, 2 drawn and 1 linked cells.",
        ),
        (
            made(places=1),
            (),
            "A new run leaves 1 place empty where you deleted cells.",
        ),
        (
            made([7], places=2),
            (),
            "A new run keeps 1 drawn cell and leaves 2 places empty where you deleted "
            "cells.",
        ),
    ],
)
def test_each_cell_is_counted_once_with_the_reason_that_keeps_it(known, accepted, text):
    assert kept_text(known, frozenset(accepted)) == text


@pytest.mark.slow
def test_cells_that_were_left_out_come_back_and_corrections_are_forgotten(user, cells):
    user.open(cells("a.tif"))
    image, window = user.run(), user.window
    row = window.curate.kept
    window.tabs.setCurrentWidget(window.curate)
    user.wait_for(lambda: "replaces all cells" in row.text.text())
    before = image.masks.array.copy()
    window.tools.edits.delete([2, 5])
    user.wait_for(lambda: "leaves 2 places empty" in row.text.text())
    assert row.button.isVisible()
    user.run()
    assert image.masks.cells == 10
    assert user.message == "2 cells were left out where you deleted cells."
    assert window.segment.result.left_out.text() == user.message
    assert image.edited
    window.tabs.setCurrentWidget(window.segment)
    user.qtbot.mouseClick(window.segment.result.bring_back, LEFT)
    user.wait_idle()
    assert not window.services.messages.isVisible()
    np.testing.assert_array_equal(image.masks.array > 0, before > 0)
    assert window.segment.result.left_out.text() == ""
    assert not image.edited
    window.session.undo()
    user.wait_idle()
    assert image.masks.cells == 10
    row.forget_in_view()
    user.wait_idle()
    assert user.message.startswith("Forgot your corrections of 2 deleted places.")
    assert image.masks.cells == 10
    user.run()
    assert image.masks.cells == 12
