"""The icons: each size is there, and is what the SVG file shows."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
ICONS = ROOT / "resources" / "icons"
NAMES = ("cellpose-studio", "project")
SIZES = (16, 24, 32, 48, 64, 128, 256, 512)


@pytest.fixture(scope="module")
def script():
    """packaging/icons.py, which draws them."""
    file = ROOT / "packaging" / "icons.py"
    spec = importlib.util.spec_from_file_location("draw_icons", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", SIZES)
def test_each_size_is_what_the_drawing_shows(script, name, size):
    committed = Image.open(ICONS / f"{name}-{size}.png")
    drawn = script.render(name, size)
    assert committed.size == (size, size)
    # Versions of Qt differ by the smoothing of edges.
    difference = np.subtract(committed.convert("RGBA"), drawn, dtype=np.int16)
    assert np.abs(difference).mean() < 2


@pytest.mark.parametrize("name", NAMES)
def test_windows_has_all_sizes(name):
    sizes = Image.open(ICONS / f"{name}.ico").info["sizes"]
    assert {size for size, _ in sizes} == {16, 24, 32, 48, 64, 128, 256}


@pytest.mark.parametrize("name", NAMES)
def test_macos_has_all_sizes(name):
    sizes = Image.open(ICONS / f"{name}.icns").info["sizes"]
    assert {size * scale for size, _, scale in sizes} >= {32, 64, 128, 256, 512, 1024}


@pytest.mark.parametrize("ground", [255, 38], ids=["light", "dark"])
def test_the_smallest_icon_shows_three_cells_on_any_ground(ground):
    icon = Image.open(ICONS / "cellpose-studio-16.png").convert("RGBA")
    below = Image.new("RGBA", icon.size, (ground, ground, ground, 255))
    pixels = np.array(Image.alpha_composite(below, icon).convert("RGB"), int)
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    kinds = {
        "blue": (blue > red + 60) & (blue > green + 20),
        "orange": (red > blue + 80) & (red > green + 20),
        "green": (green > red + 60) & (green > blue + 20),
    }
    assert all(kind.sum() >= 12 for kind in kinds.values()), kinds
