"""What napari's own parts say."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from cellpose_studio.ui.canvas.viewer.napari_parts import write_icons_once
from cellpose_studio.ui.canvas.viewer.scale_bar import in_px


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


@pytest.mark.slow
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
    user.window.services.settings.theme = "light"
    around = canvas.model.canvas.background_color[:3]
    assert 0.7 < around.min() <= around.max() < 0.95
    user.window.services.settings.theme = "dark"
    assert canvas.model.canvas.background_color[:3].max() == 0


def test_icons_are_written_once_and_again_where_some_are_missing(tmp_path, qapp):
    write_icons_once()
    from napari.resources._icons import ICONS, write_colorized_svgs

    def write():
        colours = {"colors": [("dark", "icon")], "opacities": (0.5, 1)}
        write_colorized_svgs(tmp_path, svg_paths=ICONS.values(), **colours)

    write()
    icon = next(tmp_path.glob("*.svg"))
    right = icon.read_text()
    icon.write_text("written once")
    write()
    assert icon.read_text() == "written once"
    for file in [*tmp_path.glob("*.svg")][:5]:
        file.unlink()
    write()
    assert icon.read_text() == right
    (tmp_path / "written-by.txt").write_text("napari 0.1")
    icon.write_text("of another version")
    write()
    assert icon.read_text() == right


@pytest.mark.slow
def test_what_draws_volumes_is_made_when_a_volume_is_shown(user, tmp_path):
    pixels = np.zeros((6, 40, 50), np.uint16)
    pixels[2:5, 10:30, 10:30] = 900
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": "ZYX"})
    tifffile.imwrite(tmp_path / "a_masks.tif", (pixels > 0).astype(np.uint16))
    [image] = user.open(path)
    user.wait_for(lambda: image.masks.pixels.loaded)
    canvas = user.window.canvas
    nodes = [
        canvas.widget.layer_to_visual[layer]._layer_node
        for layer in canvas.model.layers
    ]
    flat = canvas.widget.screenshot(flash=False)

    def made():
        names = {"volume", "_volume_node"}
        return [bool(names & vars(one).keys()) for one in nodes]

    def coloured(picture):
        return (np.ptp(picture[..., :3].astype(int), axis=2) > 40).mean()

    assert made() == [False, False]
    assert coloured(flat) > 0.01
    canvas.rendering.set_on(True)
    user.wait_for(lambda: canvas.model.dims.ndisplay == 3)
    solid = canvas.widget.screenshot(flash=False)
    assert made() == [True, True]
    # Both are on the screen: grey of the image, a colour of the cell.
    assert (solid[..., :3].max(axis=2) > 60).mean() > 0.01
    assert coloured(solid) > 0.01
    canvas.rendering.set_on(False)
    again = canvas.widget.screenshot(flash=False)
    assert abs(coloured(again) - coloured(flat)) < 0.01
