"""Images in which pixels are no number, in the window."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from cellpose_studio.ui.canvas.image_layers import CHANNEL


@pytest.fixture
def damaged(cells):
    """Return a function that writes the picture of cells with some pixels replaced."""

    def write(name, **places):
        path = cells(name)
        pixels = tifffile.imread(path).astype(np.float32)
        for value, place in places.items():
            pixels[place] = float(value)
        tifffile.imwrite(path, pixels)
        return path

    return write


def layer_of(window):
    [layer] = [one for one in window.canvas.model.layers if CHANNEL in one.metadata]
    return layer


@pytest.mark.slow
@pytest.mark.parametrize(
    "places",
    [
        {"nan": (40, 50)},
        {"inf": (40, 50)},
        {"nan": slice(0, 9), "inf": (40, 50)},
        {"nan": ...},
    ],
    ids=["one NaN", "one infinity", "a rim", "all"],
)
def test_the_window_goes_on(user, damaged, cells, places, qtbot):
    bad = damaged("bad.tif", **places)
    image = user.open(bad)[0]
    window = user.window
    low, high = layer_of(window).contrast_limits
    pixels = tifffile.imread(bad)
    known = pixels[np.isfinite(pixels)]
    expected = np.percentile(known, (0.1, 99.9)) if known.size else (0, 1)
    assert (low, high) == pytest.approx(expected)
    shown = np.asarray(layer_of(window).data)
    assert np.isfinite(shown).all()
    assert (shown[~np.isfinite(pixels)] <= low).all()
    layer_of(window).reset_contrast_limits()
    assert np.isfinite(layer_of(window).contrast_limits).all()
    window.canvas.widget.screenshot(flash=False)
    # Later images are shown as ever.
    fine = user.open(cells("fine.tif"))[-1]
    assert window.session.shown is fine
    assert layer_of(window).contrast_limits[1] > 2000
    window.session.show(image)
    assert user.message == ""


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_it_is_seen_dark(user, damaged, value):
    """Also on the white canvas of the light theme."""
    user.open(damaged("bad.tif", **{value: (slice(None), slice(0, 64))}))
    user.window.canvas.set_theme("light")
    seen = user.window.canvas.widget.screenshot(flash=False)[..., :3].astype(int)
    middle = seen.shape[1] // 2
    assert seen[:, middle - 30 : middle - 10].min(axis=(0, 1)).max() < 5
    assert seen[seen.shape[0] // 2, middle - 30 : middle - 10].max() < 5
    assert seen[:, middle + 10 :].max() > 100


@pytest.mark.parametrize(("kind", "far"), [("i8", 2**40), ("f8", 1e10)])
def test_numbers_far_from_0_are_told_apart_on_the_canvas(user, cells, kind, far):
    path = cells("far.tif")
    near = tifffile.imread(path)
    tifffile.imwrite(path, near.astype(kind) + np.array(far, kind))
    user.open(path)
    window = user.window
    [display] = window.canvas.channels.displays()
    expected = np.percentile(near, (0.1, 99.9)) + far
    assert display.limits == pytest.approx(expected, abs=1)
    shown = np.asarray(layer_of(window).data)
    assert shown.dtype == np.float32
    np.testing.assert_array_equal(shown - shown.min(), near - float(near.min()))
    middle = (display.limits[0] + display.limits[1]) / 2
    brighter = display.model_copy(update={"limits": (display.limits[0], middle)})
    window.canvas.channels.show(0, brighter)
    assert window.canvas.channels.display(0).limits == pytest.approx(
        brighter.limits, abs=1
    )
