"""The scale bar of the canvas, in the words of the rest: pixels are px."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QRect

from cellpose_studio.core.display.scale_bar import bar_text
from cellpose_studio.ui.canvas.viewer.glyphs import Glyphs

_FACTORS = {"": 1, "k": 1e3, "M": 1e6, "m": 1e-3}
_IN_PIXELS = re.compile(r"(\S+) ([kMm]?)pixel")


class ScaleBar:
    """Shows and hides the scale bar, and knows where it is.

    Parameters
    ----------
    model
        napari's viewer model.
    viewer
        The widget that shows it.
    """

    def __init__(self, model: Any, viewer: Any) -> None:
        self._overlay = model.canvas.overlays.scale_bar
        self._canvas = viewer.canvas

    def set_visible(self, on: bool) -> None:
        """Show or hide it."""
        self._overlay.visible = on

    def box(self) -> QRect:
        """Return where it is on the surface; an empty box without one."""
        for bar in self._bars() if self._overlay.visible else ():
            x, y = bar.node.transform.translate[:2]
            return QRect(int(x), int(y), int(bar.x_size) + 1, int(bar.y_size) + 1)
        return QRect()

    def warm_up(self) -> None:
        """Draw its letters, beside the user."""
        for bar in self._bars():
            Glyphs(bar.node.text, self._canvas.native).start()

    def _bars(self) -> Sequence[Any]:
        visuals = self._canvas._viewer_overlay_to_visual  # PRIVATE
        bars: Sequence[Any] = visuals.get(self._overlay, ())
        return bars


def install_scale_bar() -> None:
    """Make napari's scale bar say "200 px", not "200 pixel"; call before a viewer."""
    from napari._vispy.overlays.scale_bar import VispyScaleBarOverlay  # PRIVATE
    from napari._vispy.utils.visual import overlay_to_visual  # PRIVATE
    from napari.components.overlays import ScaleBarOverlay

    if overlay_to_visual[ScaleBarOverlay] is not VispyScaleBarOverlay:
        return

    class ScaleBarInPx(VispyScaleBarOverlay):
        def _on_rendering_change(self) -> Any:
            # The text is set before each change of the width, which depends on it.
            self.node.text.text = in_px(self.node.text.text)
            return super()._on_rendering_change()

    overlay_to_visual[ScaleBarOverlay] = ScaleBarInPx


def in_px(text: str) -> str:
    """Return the text of napari's scale bar with pixels as "px"; others unchanged."""
    found = _IN_PIXELS.fullmatch(text or "")
    if found is None:
        return text
    number, prefix = found.groups()
    return bar_text(float(number) * _FACTORS[prefix], "px")
