"""A slider whose number can be typed and reset."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDoubleSpinBox, QLineEdit, QSpinBox

from cellpose_studio.ui.widgets.number_slider import NumberSlider

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def made(qtbot):
    """Return a function that makes a slider, and the values that it emits."""

    def made(box, highest):
        slider, values = NumberSlider(box, highest), []
        qtbot.addWidget(slider)
        slider.changed.connect(values.append)
        slider.show()
        return slider, values

    return made


def test_a_number_is_typed_moved_and_reset(made, qtbot):
    box = QDoubleSpinBox(minimum=-6, maximum=6, value=0.4, decimals=2, singleStep=0.1)
    slider, values = made(box, 6)
    slider.set_tip("Raise it when cells are missing.")
    assert (slider.value(), slider.reset.isEnabled()) == (0.4, False)
    assert slider.reset.toolTip() == f"Reset to {box.textFromValue(0.4)}."
    assert "Raise it" in slider.box.toolTip()
    number = slider.findChild(QLineEdit)
    number.selectAll()
    qtbot.keyClicks(number, "-1.25")
    assert values == []
    qtbot.keyClick(number, Qt.Key.Key_Return)
    assert (values, slider.slider.value()) == ([-1.25], pytest.approx(-1.25))
    slider.slider.setValue(2.004)
    assert (values[-1], slider.value()) == (2.0, 2.0)
    qtbot.mouseClick(slider.reset, LEFT)
    assert (values[-1], slider.value()) == (0.4, 0.4)
    assert not slider.reset.isEnabled()


def test_a_number_beyond_the_slider_stays(made, qtbot):
    slider, values = made(QSpinBox(minimum=-1, maximum=100_000, value=15), 500)
    slider.set_value(12_000)
    assert (slider.value(), slider.slider.value()) == (12_000, 500)
    assert values == [12_000]
    slider.blockSignals(True)
    slider.set_value(20)
    slider.blockSignals(False)
    assert (slider.slider.value(), values) == (20, [12_000])


def test_an_unfinished_number_makes_it_busy(made, qtbot):
    slider, _ = made(QSpinBox(minimum=0, maximum=100, value=15), 100)
    slider.box.setFocus()
    assert not slider.is_busy()
    slider.box.selectAll()
    qtbot.keyClicks(slider.box, "3")
    assert slider.is_busy()
    qtbot.keyClick(slider.box, Qt.Key.Key_Return)
    assert not slider.is_busy()
