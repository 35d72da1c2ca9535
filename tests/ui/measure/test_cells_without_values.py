"""Cells that a measurement says nothing of, as the canvas and its legend show them."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from cellpose_studio.app.session.classes import add_class
from cellpose_studio.core.display.cell_colours import UNKNOWN_RANK
from cellpose_studio.ui.display.cell_colouring import CLASS, Measure
from tests.ui.measure.test_measure_tab import choose


@pytest.fixture
def images(user, tmp_path):
    """Return a plane and a stack, all of one grey, with cells of 10 and 20 px."""
    for name, axes in (("plane", "YX"), ("stack", "ZYX")):
        shape = (96, 128) if axes == "YX" else (5, 96, 128)
        masks = np.zeros(shape, np.uint16)
        masks[..., 10:20, 10:20], masks[..., 40:60, 40:60] = 1, 2
        pixels = np.full(shape, 100, np.uint16)
        path = tmp_path / f"{name}.tif"
        tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": axes})
        tifffile.imwrite(path.with_name(f"{name}_masks.tif"), masks)
    images = user.open(tmp_path / "plane.tif", tmp_path / "stack.tif")
    window = user.window
    window.tabs.setCurrentWidget(window.measure)
    show(user, images[0])
    return images


def show(user, image) -> None:
    """Show an image, and wait until its cells are measured and drawn."""
    window = user.window
    window.session.show(image.source.key)
    content = window.measure.content
    size = "area_px" if image.source.name == "plane.tif" else "volume_voxels"
    user.wait_for(lambda: size in content.rows.by_name)
    window.canvas.model.layers[0].contrast_limits = (0, 200)
    user.wait_idle()


def brightness(user, *places: tuple[float, float]) -> list[int]:
    """Return how bright places of the image are on the screen, 0 to 255."""
    canvas = user.window.canvas
    canvas.surface.update()
    seen = canvas.widget.screenshot(flash=False)[..., :3].astype(int)
    ratio = seen.shape[1] / canvas.surface.width()
    found = []
    for x, y in canvas.camera.on_screen(places):
        colour = seen[int(y * ratio), int(x * ratio)]
        assert np.ptp(colour) < 8
        found.append(int(colour.mean()))
    return found


def check_seen(user) -> None:
    """Check that both cells stand out of an image that is as grey as they are."""
    layer = user.window.canvas.model.layers["masks"]
    user.wait_for(lambda: int(layer.picture[50, 50] & 0x7F) == UNKNOWN_RANK)
    for low, high in ((10, 19), (40, 59)):
        middle = (low + high) / 2
        edges = [(middle, low), (middle, high), (low, middle), (high, middle)]
        outside, inside, *outline = brightness(
            user, (low - 4, middle), (middle, middle), *edges
        )
        assert min(outline) > max(outside, inside) + 60


@pytest.mark.slow
def test_cells_without_a_value_are_seen_on_grey_images(user, images):
    window, content = user.window, user.window.measure.content
    choose(content.colour, "eccentricity")
    user.wait_for(lambda: window.legend.text.startswith("Eccentricity: "))
    show(user, images[1])
    told = "Eccentricity: not measured in this image"
    user.wait_for(lambda: window.legend.text == told)
    check_seen(user)
    assert content.colour.currentText() == ""
    assert content.colour.placeholderText() == "Eccentricity"
    # Masks of a file have no flows.
    choose(content.colour, "flow_error")
    user.wait_for(lambda: window.legend.text == "Flow error: unknown for all cells")
    check_seen(user)
    add_class(window.session, "large")
    window.colouring.choose(CLASS, "Class")
    user.wait_for(lambda: window.legend.text.startswith("Class: "))
    check_seen(user)
    # A channel that other images have.
    window.colouring.choose(None)
    window.colouring.choose(Measure("mean", 7), "Mean of DAPI")
    told = "Mean of DAPI: not measured in this image"
    user.wait_for(lambda: window.legend.text == told)
    check_seen(user)


@pytest.mark.slow
def test_colours_by_area_are_those_of_volume_in_a_stack(user, images):
    window, content = user.window, user.window.measure.content
    choose(content.colour, "area_px")
    user.wait_for(lambda: window.legend.text == "Area, px: 103 to 397")
    show(user, images[1])
    user.wait_for(lambda: window.legend.text == "Volume, voxels: 515 to 1985")
    assert content.colour.currentData() == "volume_voxels"
    layer = window.canvas.model.layers["masks"]
    user.wait_for(lambda: int(layer.picture[50, 50] & 0x7F) == UNKNOWN_RANK - 1)
    assert layer.picture[15, 15] & 0x7F == 1
    choose(content.colour, "volume_voxels")
    show(user, images[0])
    user.wait_for(lambda: window.legend.text == "Area, px: 103 to 397")
    assert content.colour.currentData() == "area_px"
