"""Parts of napari as the rest is: planes count from 1; the start takes less time."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

_AXIS = "The axis that this slider moves along."
_TIPS = {"T": "Time point shown, from 1 on.", "Z": "Plane shown, from 1 on."}
_PAD = 6  # px beside the digits, as napari has it

_UNITS = (
    "kilo- = 1e3 = k-",
    "mega- = 1e6 = M-",
    "centi- = 1e-2 = c-",
    "milli- = 1e-3 = m-",
    "micro- = 1e-6 = µ- = u-",
    "nano- = 1e-9 = n-",
    "pico- = 1e-12 = p-",
    "meter = [length] = m = metre",
    "pixel = [printing_unit] = _ = dot",
)
"""All units that napari and the canvas name, as pint defines them."""

_OF_SHAPES = "napari.layers.shapes._accelerated_triangulate_numba"
_OF_POINTS = "napari._vispy.visuals.markers"


def use_few_units() -> None:
    """Give napari a registry of the few units it needs; call before it is imported.

    It takes pint's own otherwise, and reading a thousand units at each start takes
    longer than anything else that the viewer does.
    """
    import pint

    pint.set_application_registry(pint.UnitRegistry(_UNITS))


def write_icons_once() -> None:
    """Keep napari from writing all icons at each start; call before it is imported.

    It writes hundreds of files in the colours of its themes into the user's cache.
    """
    from napari.resources import _icons  # PRIVATE

    write = _icons.write_colorized_svgs
    if write.__module__ == __name__:
        return

    def write_missing(dest: Any, *given: Any, **options: Any) -> None:
        folder, known = Path(dest), f"napari {version('napari')}"
        stamp = folder / "written-by.txt"
        fewest = 2 * len(_icons.ICONS)
        # A tool that tidies up may have taken some of the files away.
        with suppress(OSError):
            if stamp.read_text() == known and len([*folder.iterdir()]) > fewest:
                return
        write(dest, *given, **options)
        stamp.write_text(known)

    _icons.write_colorized_svgs = write_missing


@contextmanager
def without_unused_parts() -> Iterator[None]:
    """Import napari within this, without what only layers of other kinds need.

    That is each function that OpenGL ever had, to draw many points at once; compiled
    code that fills polygons; and numba, by which napari looks up the colours of wide
    labels: together a fifth of a start. No layer here is of these kinds, and labels are
    drawn by `core.display.label_picture`; napari does without, but more slowly. Volumes
    need OpenGL's other functions, too, and load them when they are drawn; see
    `load_opengl`.
    """
    import vispy

    use, log = vispy.use, logging.getLogger(_OF_POINTS)
    level = log.level
    hidden = [name for name in (_OF_SHAPES, "numba") if name not in sys.modules]

    def use_unless_full(*given: Any, gl: str | None = None, **options: Any) -> None:
        if gl == "gl+":
            raise RuntimeError("Not every function of OpenGL is loaded.")
        use(*given, gl=gl, **options)

    vispy.use = use_unless_full
    log.setLevel(logging.ERROR)  # napari says that points will be drawn more slowly
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        vispy.use = use
        log.setLevel(level)
        for name in hidden:
            del sys.modules[name]


def load_opengl() -> None:
    """Load what the first volume would wait for; in any thread."""
    import_module("OpenGL.GL")


def install_plane_sliders() -> None:
    """Make napari number the planes beside its sliders from 1; call before a viewer.

    napari counts them from 0, unlike every other program that biologists use.
    """
    from napari._qt.widgets import qt_dims  # PRIVATE
    from napari._qt.widgets.qt_dims_slider import QtDimSliderWidget  # PRIVATE

    if qt_dims.QtDimSliderWidget is not QtDimSliderWidget:
        return

    class PlaneSlider(QtDimSliderWidget):
        def __init__(self, parent: Any, axis: int) -> None:
            super().__init__(parent, axis)
            # It is the name of the axis in the menus and the status bar, too.
            self.axis_label.setReadOnly(True)
            # napari gives labels of the old name a width for digits counted from 0.
            for label in (self.curslice_label, self.totslice_label):
                label.setObjectName("planeNumber")
            self._name_parts()
            self._pull_label()

        def _name_parts(self) -> None:
            """Name for screen readers what has no text, and say what it does."""
            play = self.play_button
            for part, name, tip in (
                (self.axis_label, "Axis", ""),
                (self.slider, "Place on the axis", ""),
                (self.curslice_label, "Number of what is shown", ""),
                (self.totslice_label, "How many there are", ""),
                (play, "Play", "Show one after the other; click right for the pace."),
                (play.fpsspin, "Pace", "How many are shown in a second."),
                (play.reverse_check, "Backwards", "Play from the last to the first."),
                (play.mode_combo, "At the end", "Stop, begin again, or go back."),
            ):
                part.setAccessibleName(name)
                if tip:
                    part.setToolTip(tip)

        def _pull_label(self) -> None:
            super()._pull_label()
            tip = _TIPS.get(self.dims.axis_labels[self.axis], _AXIS)
            self.axis_label.setToolTip(tip)
            self.curslice_label.setToolTip(f"{tip} Type a number to go there.")
            self.totslice_label.setToolTip("How many there are.")

        def _set_slice_from_label(self) -> None:
            if self.axis >= self.dims.ndim or not self.curslice_label.text():
                return
            number = int(self.curslice_label.text())
            number = min(max(number, 1), int(self.dims.nsteps[self.axis]))
            self.curslice_label.clearFocus()
            self.qt_dims.setFocus()
            self.dims.set_current_step(self.axis, number - 1)
            # A number outside the range may lead to the plane that is shown already.
            self._update_slice_labels()

        def _update_range(self) -> None:
            super()._update_range()
            count = str(int(self.dims.nsteps[self.axis]))
            self.totslice_label.setText(count)
            width = self.fontMetrics().boundingRect("8" * len(count)).width() + _PAD
            for label in (self.curslice_label, self.totslice_label):
                label.setFixedWidth(width)

        def _update_slice_labels(self) -> None:
            super()._update_slice_labels()
            self.curslice_label.setText(str(self.dims.current_step[self.axis] + 1))

    qt_dims.QtDimSliderWidget = PlaneSlider
