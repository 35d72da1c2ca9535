"""napari's colours and style sheet."""

from __future__ import annotations

import re
from typing import Any

from qtpy.QtWidgets import QApplication

_LENGTH = re.compile(r"\b(\d+)px")
_THIN = 2  # px; lines stay as thin as they are


def set_theme(model: Any, theme: str) -> None:
    """Set the theme of napari's viewer ``model``."""
    from napari.utils.theme import get_theme

    model.theme = theme
    # White around a bright image would hide where it ends.
    colours, light = get_theme(theme), theme == "light"
    around = colours.foreground.as_hex() if light else None
    model.canvas.background_color_override = around


def style_sheet(theme: str, additions: str, scale: float = 1.0) -> str:
    """Return napari's style sheet, and ``additions`` in the theme's colours.

    Texts have the size of the application's font; ``scale`` is for all else.
    """
    from napari.qt import get_stylesheet
    from napari.utils.theme import get_theme, template

    size = {"font_size": f"{round(QApplication.font().pointSizeF())}pt"}
    colours = {**get_theme(theme).to_rgb_dict(), **size}
    sheet = get_stylesheet(theme, extra_variables=size)
    return _scaled(str(sheet + template(additions, **colours)), scale)


def _scaled(sheet: str, factor: float) -> str:
    """Return a style sheet with all lengths in pixels but those of lines scaled."""
    if factor == 1:
        return sheet

    def scale(found: re.Match[str]) -> str:
        length = int(found[1])
        return f"{length if length <= _THIN else round(factor * length)}px"

    return _LENGTH.sub(scale, sheet)
