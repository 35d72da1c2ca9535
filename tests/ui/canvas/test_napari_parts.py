"""What napari's own parts say."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from cellpose_studio.ui.canvas.napari_parts import in_px


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("200 pixel", "200 px"),
        ("1 kpixel", "1000 px"),
        ("2 Mpixel", "2e+06 px"),
        ("500 mpixel", "0.5 px"),
        ("20 µm", "20 µm"),
        ("", ""),
    ],
)
def test_pixels_are_called_as_elsewhere(text, said):
    assert in_px(text) == said


def test_the_scale_bar_of_an_image_without_pixel_size_is_in_px(user, tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.eye(64, dtype=np.uint8))
    user.open(path)
    canvas = user.window.canvas
    canvas.widget.screenshot(flash=False)
    overlay = canvas.model.canvas.overlays.scale_bar
    [bar] = canvas.widget.canvas._viewer_overlay_to_visual[overlay]
    assert bar.node.text.text.endswith(" px")
    # The light theme sets the image off from what is around it.
    user.window.set_theme("light")
    around = canvas.model.canvas.background_color[:3]
    assert 0.7 < around.min() <= around.max() < 0.95
    user.window.set_theme("dark")
    assert canvas.model.canvas.background_color[:3].max() == 0
