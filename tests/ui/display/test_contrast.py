"""Limits of the contrast always leave a range."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtWidgets import QWidget

from cellpose_studio.core.display.channel_display import ChannelDisplay, ChannelValues
from cellpose_studio.ui.display.contrast_editor import ContrastEditor


@pytest.mark.parametrize("number", [1e12, -1e12, 3e-4])
@pytest.mark.parametrize("name", ["low", "high"])
def test_any_number_can_be_typed_for_a_narrow_range_of_values(qtbot, name, number):
    # In a box that is not shown, as it would show itself with the values.
    box, editor = QWidget(), ContrastEditor()
    qtbot.addWidget(box)
    editor.setParent(box)
    bounds = (0.0, 1e-4)
    values = ChannelValues(bounds=bounds, histogram=np.zeros(96, int), whole=False)
    editor.show_channel(ChannelDisplay(limits=bounds), values)
    found: list[ChannelDisplay] = []
    editor.changed.connect(found.append)
    getattr(editor, name).setValue(number)
    low, high = found[0].limits
    assert low < high
