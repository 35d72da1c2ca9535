"""A new window fits the screen, with the frame that is drawn around it."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QSize

from cellpose_studio.ui.window.window_state import first_size


@pytest.mark.parametrize(
    ("screen", "window"),
    [
        ((1366, 768), (1350, 720)),
        ((1366, 728), (1350, 680)),
        ((1920, 1040), (1366, 768)),
        ((1280, 800), (1264, 752)),
    ],
)
def test_the_first_window_leaves_room_for_its_frame(screen, window):
    size = first_size(QSize(*screen))
    assert (size.width(), size.height()) == window
