"""Large images look as any others, and their masks are edited as any others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from cellpose_studio.app.masks.label_set import LabelImage
from cellpose_studio.core.images.levels import PlaneLimits
from cellpose_studio.io.cache.pyramids import PyramidSizes
from tests.ui.mouse import RIGHT
from tests.ui.tools.test_tools import cell_at, centre, ring


@pytest.fixture
def masked(user, cells):
    """Return an image with twelve round cells of 20 px, 32 px apart, as masks."""
    path = cells("a.tif")
    y, x = np.indices((96, 128))
    numbers = (y // 32 * 4 + x // 32 + 1).astype(np.uint16)
    inside = np.hypot(y % 32 - 16, x % 32 - 16) < 10
    tifffile.imwrite(path.with_name("a_masks.tif"), numbers * inside)
    [image] = user.open(path)
    user.wait_for(lambda: image.masks.pixels.loaded)
    return image


def make_all_large(window) -> None:
    window.services.large.limits = PlaneLimits(pixels=64 * 64, coarsest=32)
    window.services.large.sizes = PyramidSizes(tile=32, block=32, base=32, part=1)


def screen(user) -> np.ndarray:
    """Return what the canvas shows when all that is in view was read."""
    canvas = user.window.canvas
    user.wait_for(lambda: is_settled(canvas.surface))
    # A frame asks for the pixels that it shows.
    canvas.widget.screenshot(flash=False)
    user.wait_for(lambda: not is_reading(user.window))
    return canvas.widget.screenshot(flash=False)[..., :3].astype(int)


def is_settled(surface) -> bool:
    size = surface.size()
    QApplication.processEvents()
    return surface.size() == size


def is_reading(window) -> bool:
    large = window.canvas._large_layers
    timers = [] if large is None else [large._timer, large._large._soon]
    jobs = any(queue.jobs for queue in window.services.queues)
    return jobs or any(timer.isActive() for timer in timers)


@pytest.mark.slow
def test_a_large_image_and_its_masks_look_as_any_other(user, masked, mouse):
    window, image = user.window, masked
    usual, display = screen(user), window.canvas.channels.display(0)
    make_all_large(window)
    window._view.show(image)
    screen(user)
    # Contrast is that of the coarser copy, which has less noise.
    window.canvas.channels.show(0, display)
    difference = np.abs(screen(user) - usual)
    assert (difference > 40).mean() < 0.01
    assert difference[usual.max(axis=2) > 200].mean() < 10
    assert window.canvas.model.layers["a.tif"].multiscale
    histogram = window.canvas.channels.values(0).histogram
    assert np.count_nonzero(histogram) > 10

    # Cells are drawn and deleted at full resolution, also where few pixels are shown.
    before = image.masks.array.copy()
    mouse.click(centre(1, 1), Qt.KeyboardModifier.ControlModifier)
    assert cell_at(image, centre(1, 1)) == 0
    assert np.abs(screen(user) - usual).max() > 40
    mouse.drag(ring(centre(1, 1), 10, 30), RIGHT)
    user.wait_for(lambda: cell_at(image, centre(1, 1)) > 0)
    window.session.undo()
    window.session.undo()
    user.wait_idle()
    np.testing.assert_array_equal(image.masks.array, before)
    difference = np.abs(screen(user) - usual)
    assert (difference > 40).mean() < 0.01
    # The pixel below the pointer has its value, and its cell.
    mouse.move(centre(1, 1))
    cell = cell_at(image, centre(1, 1))
    user.wait_for(lambda: f"cell {cell}" in window.status.cell.text())
    y, x = centre(1, 1)
    value = image.source.plane(0, 0, 0)[round(y), round(x)]
    assert f": {value}" in window.status.position.text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "axes"), [((5, 96, 128), "ZYX"), ((2, 3, 96, 128), "TZYX")]
)
def test_the_planes_of_a_large_stack_are_read_when_they_are_shown(
    user, cells, shape, axes
):
    window = user.window
    [image] = user.open(cells("a.tif", shape, axes))
    window.canvas.step("Z", -1)
    usual, display = screen(user), window.canvas.channels.display(0)
    make_all_large(window)
    window._view.show(image)
    window.canvas.step("Z", -1)
    screen(user)
    window.canvas.channels.show(0, display)
    difference = np.abs(screen(user) - usual)
    assert (difference > 40).mean() < 0.01


@pytest.mark.slow
def test_other_masks_take_the_place_of_those_of_a_part_in_view(user, masked):
    window, image = user.window, masked
    make_all_large(window)
    window._view.show(image)
    screen(user)
    window.canvas.camera.center_on(centre(2, 3), 20)
    before = screen(user)
    labels = np.where(image.masks.array > 0, image.masks.array + 12, 0)
    others = replace(image.masks, pixels=LabelImage(labels.astype(np.uint32)))
    window.session.replace_masks(image, others, "Run", "operation")
    picture = window.canvas.model.layers["masks"].picture
    assert (picture > 0).mean() > 0.2
    # Each cell has another colour.
    assert np.abs(screen(user) - before).max() > 40
    window.session.undo()
    user.wait_idle()
    np.testing.assert_array_equal(screen(user), before)
