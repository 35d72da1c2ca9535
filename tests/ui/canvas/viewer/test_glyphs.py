"""The letters of the scale bar, drawn while nothing else is to do."""

from __future__ import annotations

import pytest


@pytest.mark.slow
def test_the_first_image_finds_the_letters_drawn(user, cells):
    canvas = user.window.canvas
    overlay = canvas.model.canvas.overlays.scale_bar
    (bar,) = canvas.widget.canvas._viewer_overlay_to_visual[overlay]
    glyphs = bar.node.text._font._glyphs
    canvas.scale_bar.warm_up()
    # They are drawn from the last to the first.
    user.wait_for(lambda: "0" in glyphs)
    drawn = set(glyphs)
    user.open(cells("a.tif"))
    user.wait_for(lambda: canvas.scale_bar.box().width() > 0)
    user.wait_idle()
    assert set(bar.node.text.text) <= drawn
    assert set(glyphs) == drawn
