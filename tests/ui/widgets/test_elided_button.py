"""A button shows as much of a long text as it has room for."""

from __future__ import annotations

from qtpy.QtGui import QIcon, QPixmap

from cellpose_studio.ui.widgets.elided_button import ElidedButton

NAME = "Run on a_long_name_of_an_image_0030.tif"


def test_a_text_is_shortened_only_where_there_is_no_room(qtbot):
    button = ElidedButton("Run", "run")
    qtbot.addWidget(button)
    button.resize(600, 30)
    button.show()
    hint = button.sizeHint()
    button.set_full_text(NAME)
    assert button.text() == NAME
    button.resize(160, 30)
    assert "…" in button.text()
    assert button.text().endswith("30.tif")
    assert button.fontMetrics().horizontalAdvance(button.text()) < 160
    # The name of a file does not widen the panel.
    assert button.sizeHint() == hint
    button.resize(600, 30)
    assert button.text() == NAME


def test_each_of_several_lines_is_shortened_beside_an_icon(qtbot):
    button = ElidedButton(f"{NAME}\n3 images", "offer")
    icon = QPixmap(50, 40)
    icon.fill()
    button.setIcon(QIcon(icon))
    button.setIconSize(icon.size())
    qtbot.addWidget(button)
    button.resize(220, 60)
    button.show()
    name, count = button.text().split("\n")
    assert "…" in name
    assert button.fontMetrics().horizontalAdvance(name) < 220 - 50
    assert count == "3 images"
