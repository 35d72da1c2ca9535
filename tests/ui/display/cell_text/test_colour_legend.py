"""The legend on the canvas has every colour that means something, and no other."""

from __future__ import annotations

import numpy as np
import pytest

from cellpose_studio.core.display.flow_picture import direction_wheel, flow_colours
from cellpose_studio.core.runs.region import Region


def test_the_wheel_has_the_colour_of_each_direction():
    wheel = direction_wheel(41)
    for y, x in ((5.0, 0.0), (0.0, 5.0), (-5.0, 0.0), (0.0, -5.0)):
        expected = flow_colours(np.array([y, x], np.float32))
        np.testing.assert_array_equal(
            wheel[round(20 + 3 * y), round(20 + 3 * x)], expected
        )
    assert not wheel[0, 0].any()


@pytest.mark.slow
def test_statuses_pictures_and_marks_are_explained_while_they_are_shown(user, cells):
    window = user.window
    legend, session = window.legend, window.session
    [image] = user.open(cells("a.tif"))
    window.segment.parameters.main.set_values({"diameter": 20.0})
    user.run()
    assert legend.isHidden()
    cell = int(image.masks.array.max())
    session.set_cell_status(image, [cell], "later")
    session.set_cell_status(image, [cell - 1], "accepted")
    user.wait_for(lambda: legend.text == "Accepted, Fix later")
    box = window.display.picture.box
    box.setCurrentText("Flows")
    user.wait_for(lambda: legend.text.startswith("Flows: the direction"))
    box.setCurrentText("Cell probability")
    expected = "Cell probability: outside to in a cell; Accepted, Fix later"
    user.wait_for(lambda: legend.text == expected)
    assert window.canvas.surface.rect().contains(legend.geometry())
    box.setCurrentText("Image")
    session.undo()
    session.undo()
    user.wait_for(legend.isHidden)
    points = ((10.0, 10.0), (60.0, 60.0))
    window.services.training.add_unannotated(image, Region(points=points))
    user.wait_for(lambda: legend.text == "Not annotated")
