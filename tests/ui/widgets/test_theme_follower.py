"""What follows the theme: once when it is made, then whenever it can be seen."""

from __future__ import annotations

from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QWidget

from cellpose_studio.ui.widgets.theme_follower import ThemeFollower


def test_colours_follow_the_theme_of_what_is_shown(qtbot):
    widget, seen = QWidget(), []
    qtbot.addWidget(widget)

    def colour(name: str) -> None:
        palette = QPalette(widget.palette())
        palette.setColor(QPalette.ColorRole.WindowText, QColor(name))
        widget.setPalette(palette)

    def apply() -> None:
        seen.append(widget.palette().color(QPalette.ColorRole.WindowText).name())

    colour("#111111")
    ThemeFollower(widget, apply)
    assert seen == ["#111111"]
    colour("#222222")
    assert len(seen) == 1
    widget.show()
    assert seen[-1] == "#222222"
    colour("#333333")
    assert seen[-1] == "#333333"
    widget.hide()
    shown = len(seen)
    colour("#444444")
    assert len(seen) == shown
    widget.show()
    assert seen[-1] == "#444444"
