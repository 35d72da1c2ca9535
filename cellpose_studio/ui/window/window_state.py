"""Size of the first window; its state in the project: image, plane, display, tab."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QSize, QTimer
from qtpy.QtWidgets import QTabWidget

from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.session.session import Session
from cellpose_studio.io.project.tables.window_state import DISPLAYS, WINDOW
from cellpose_studio.ui.canvas import Canvas
from cellpose_studio.ui.display.panel import DisplayPanel

_SOON = 500  # ms

_EARLIER_TABS = ("Segment", "Curate", "History")
"""Earlier versions stored the number of the tab."""

_LARGEST = (1366, 768)
_FRAME = (16, 48)
"""Width and height of what a window manager draws around a window, about."""


def first_size(available: QSize) -> QSize:
    """Return the size of a new window that fits a screen together with its frame.

    Parameters
    ----------
    available
        The part of the screen without task bars.
    """
    return QSize(*_LARGEST).boundedTo(available - QSize(*_FRAME))


class WindowState:
    """Saves the state of the window in the project and restores it."""

    def __init__(
        self,
        session: Session,
        canvas: Canvas,
        tabs: QTabWidget,
        display: DisplayPanel,
    ) -> None:
        self._session = session
        self._canvas = canvas
        self._tabs = tabs
        self._displays = display.memory
        self._mask_display = display.masks
        self._chosen_tab = False
        for signal in (tabs.tabBarClicked, tabs.currentChanged):
            signal.connect(self._on_tab)
        session.shown_changed.connect(self._on_shown)
        # Lowest priority: of all that is saved here, this matters least.
        session.leaving.connect(self.save, priority=-1)
        # A kill must not cost the settings of the display.
        self._saved: dict[str, object] = {}
        self._soon = QTimer(tabs, singleShot=True, interval=_SOON)
        self._soon.timeout.connect(self._save_if_changed)
        canvas.appearance_changed.connect(self._soon.start)

    def save(self) -> None:
        """Save the image, the plane and the tab shown now, and the display settings."""
        self._soon.stop()
        state = self._saved = self._state()
        self._session.project.set_state(WINDOW, state)

    def expect(self) -> None:
        """Prepare for a project that is being opened: a tab chosen meanwhile stays."""
        self._chosen_tab = False

    def restore(self) -> None:
        """Show the image of the saved state, or the first image of the project."""
        state = self._session.project.state(WINDOW)
        images = self._session.images
        # Before the image is shown, which takes its settings from here.
        self._displays.load(state.get(DISPLAYS))
        self._mask_display.load(state.get("masks"))
        shown = next((e for e in images if e.id == state.get("shown")), None)
        if shown is None and images:
            shown = images[0]
        if shown is not None:
            self._session.show(shown.source.key)
            # The planes follow the image, because a canvas without an image has no
            # axes.
            self._canvas.set_planes(_planes(state.get("planes")))
        tab = self._tab(state.get("tab"))
        if not self._chosen_tab and tab is not None:
            self._tabs.setCurrentIndex(tab)

    def _state(self) -> dict[str, object]:
        image = self._session.shown
        return {
            "shown": image.id if image else None,
            "planes": self._canvas.planes,
            "tab": self._tabs.tabText(self._tabs.currentIndex()),
            DISPLAYS: self._displays.state(),
            "masks": self._mask_display.state(),
        }

    def _tab(self, stored: object) -> int | None:
        """Return the index of a stored tab; None if there is no such tab."""
        if type(stored) is int and 0 <= stored < len(_EARLIER_TABS):
            stored = _EARLIER_TABS[stored]
        titles = [self._tabs.tabText(n) for n in range(self._tabs.count())]
        return titles.index(stored) if stored in titles else None

    def _save_if_changed(self) -> None:
        # Without an image, a project is just being opened, and nothing is restored.
        works = self._session.shown is not None and self._tabs.window().isVisible()
        if works and self._state() != self._saved:
            self.save()

    def _on_tab(self, _: int) -> None:
        self._chosen_tab = True

    def _on_shown(self, image: ProjectImage | None) -> None:
        if image is not None:
            self.save()


def _planes(value: Any) -> dict[str, int]:
    """Return the valid part of saved planes; a damaged project may hold any value."""
    if not isinstance(value, dict):
        return {}
    # The exact type is compared, because True is an instance of int as well.
    return {
        axis: n for axis, n in value.items() if axis in ("T", "Z") and type(n) is int
    }
