"""Checks of what the user sees: display, fonts, icons, OpenGL, the image."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtGui import QGuiApplication, QIcon, QImage, QPainter

from cellpose_studio.ui.window.help.self_test.stage import Stage
from cellpose_studio.ui.window.launch.identity import icon
from cellpose_studio.workflows.self_test.check import CheckFailed, Found, Place

_SOFTWARE = (
    "llvmpipe",
    "softpipe",
    "swrast",
    "swiftshader",
    "software",
    "gdi",
    "basic",
)
"""Words in the names of renderers that draw without a graphics card."""

ICONS = ("drop_down_50", "plus_50", "minus_50", "check")
"""Some of those that the style sheet of napari refers to."""

_SIDE = 24
_PATIENCE = 60.0
_ICON = 32


def check_display(stage: Stage, _: Place) -> Found:
    """Start Qt."""
    app = stage.start()
    size = app.primaryScreen().size()
    platform = QGuiApplication.platformName()
    return Found(f"{platform}, {size.width()} × {size.height()} pixels")


def check_fonts(_: Stage, __: Place) -> Found:
    """Draw letters: without a font, all of them look alike, or are not there."""
    drawn = {letter: _drawn(letter) for letter in "AWgµ×→"}
    if not drawn["A"].any() or np.array_equal(drawn["A"], drawn["W"]):
        raise CheckFailed("There is no font for letters.")
    # What a font does not have is drawn as one and the same box.
    nothing = _drawn("\U0010fffd")
    missing = [letter for letter in drawn if np.array_equal(drawn[letter], nothing)]
    family = QGuiApplication.font().family()
    if missing:
        return Found(
            f"{family}, which lacks {' '.join(missing)}",
            "Install a font with more letters, such as DejaVu Sans.",
        )
    return Found(family)


def check_window(stage: Stage, _: Place) -> Found:
    """Open the window."""
    stage.open_window()
    size = stage.window.size()
    return Found(f"{size.width()} × {size.height()} pixels")


def check_warm_up(stage: Stage, _: Place) -> Found:
    """Load what the first run and the first edit need, as after each start."""
    stage.window.warm_up()
    stage.wait_idle("The code of runs and edits")
    return Found("The code of runs and edits is loaded")


def check_icons(stage: Stage, _: Place) -> Found:
    """Draw icons of the theme, and that of the program."""
    theme = stage.window.appearance.theme
    missing = []
    for name in ICONS:
        picture = QIcon(f"theme_{theme}:/{name}.svg").pixmap(_ICON, _ICON).toImage()
        if picture.isNull() or not _values(picture).any():
            missing.append(name)
    own = icon().pixmap(_ICON, _ICON).toImage()
    if own.isNull() or not _values(own).any():
        missing.append("the icon of the program")
    if missing:
        raise CheckFailed(f"Cannot be drawn: {', '.join(missing)}.")
    return Found(f"{len(ICONS) + 1} icons can be drawn")


def check_opengl(stage: Stage, _: Place) -> Found:
    """Ask for the renderer."""
    return judged(stage.window.canvas.renderer())


def judged(renderer: str) -> Found:
    """Return what a renderer means for the user."""
    if not renderer:
        raise CheckFailed("There is no OpenGL renderer.")
    if any(word in renderer.lower() for word in _SOFTWARE):
        return Found(
            f"Only software drawing ({renderer})",
            "It is slower with large stacks. With a graphics card, update its driver.",
        )
    return Found(renderer)


def check_picture(stage: Stage, _: Place) -> Found:
    """Open the sample image, and look for it on the canvas."""
    window = stage.window
    window.files.open_sample()
    stage.wait(lambda: window.session.shown is not None, "The sample image")
    stage.wait_idle("The sample image")
    values = np.zeros(0)

    def is_drawn() -> bool:
        nonlocal values
        values = _values(window.canvas.surface.grabFramebuffer())
        return len(np.unique(values)) > 20

    stage.wait(is_drawn, "The picture", _PATIENCE)
    y, x = stage.image.source.shape[-2:]
    return Found(f"The sample, {x} × {y} pixels, with {len(np.unique(values))} greys")


def _drawn(text: str) -> np.ndarray:
    """Return the pixels of a letter, white on black."""
    picture = QImage(_SIDE, _SIDE, QImage.Format.Format_ARGB32)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setPen(Qt.GlobalColor.white)
    painter.drawText(picture.rect(), Qt.AlignmentFlag.AlignCenter, text)
    painter.end()
    return _values(picture)


def _values(picture: QImage) -> np.ndarray:
    """Return the brightest colour of each pixel, dark where it is transparent."""
    picture = picture.convertToFormat(QImage.Format.Format_RGBA8888_Premultiplied)
    bits = picture.constBits()
    bits.setsize(picture.bytesPerLine() * picture.height())
    rows = np.frombuffer(bits, np.uint8).reshape(picture.height(), -1, 4)
    return rows[..., :3].max(-1).copy()
