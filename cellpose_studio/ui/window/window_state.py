"""What a project remembers of the window: the image shown, its plane, the tab."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QTabWidget

from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.session.session import Session
from cellpose_studio.io.project.tables.window_state import write_state
from cellpose_studio.ui.canvas import Canvas

_NAME = "window"


class WindowState:
    """Writes the state of the window into the project, and takes it from there."""

    def __init__(self, session: Session, canvas: Canvas, tabs: QTabWidget) -> None:
        self._session = session
        self._canvas = canvas
        self._tabs = tabs
        session.shown_changed.connect(self._on_shown)
        # Last, because it is the least that may be lost.
        session.leaving.connect(self.remember, priority=-1)

    def remember(self) -> None:
        """Write down what is shown at present."""
        image = self._session.shown
        state = {
            "shown": image.id if image else None,
            "planes": self._canvas.planes,
            "tab": self._tabs.currentIndex(),
        }
        self._session.project.remember(lambda db: write_state(db, _NAME, state))

    def restore(self) -> None:
        """Show what was shown when the project was closed, or its first image."""
        state = self._session.project.state
        images = self._session.images
        shown = next((e for e in images if e.id == state.get("shown")), None)
        if shown is None and images:
            shown = images[0]
        if shown is not None:
            self._session.show(shown.source.key)
            self._canvas.set_planes(_planes(state.get("planes")))
        tab = state.get("tab")
        if isinstance(tab, int) and 0 <= tab < self._tabs.count():
            self._tabs.setCurrentIndex(tab)

    def _on_shown(self, image: ProjectImage | None) -> None:
        if image is not None:
            self.remember()


def _planes(value: Any) -> dict[str, int]:
    """Return planes as they were written; a project may hold anything."""
    if not isinstance(value, dict):
        return {}
    return {
        axis: n for axis, n in value.items() if axis in ("T", "Z") and type(n) is int
    }
