"""Opens the window of the parameter search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cellpose_studio.ui.segment.panel import SegmentPanel
from cellpose_studio.ui.services import Services

if TYPE_CHECKING:
    from cellpose_studio.ui.segment.search.dialog import SearchDialog


class ParameterSearch:
    """The window of the search, made when it is first opened.

    Attributes
    ----------
    dialog
        None until then.
    """

    def __init__(self, services: Services, segment: SegmentPanel) -> None:
        self._services = services
        self._segment = segment
        self.dialog: SearchDialog | None = None

    def open(self) -> None:
        """Show the window; the user can go on to work beside it."""
        if self.dialog is None:
            from cellpose_studio.ui.segment.search.dialog import SearchDialog

            self.dialog = SearchDialog(self._services, self._segment)
        self.dialog.show()
        self.dialog.raise_()
