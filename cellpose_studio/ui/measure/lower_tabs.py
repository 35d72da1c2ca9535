"""The lower half of the Measure tab: plots, and the classes of cells."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QStackedWidget, QTabWidget, QToolButton, QWidget

from cellpose_studio.ui.measure.all_images import AllImages
from cellpose_studio.ui.measure.classes.actions import ClassActions
from cellpose_studio.ui.measure.classes.panel import ClassPanel
from cellpose_studio.ui.measure.plots.panel import PlotPanel
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.widgets.vertical_scroll import VerticalScroll

_LOW_SCREEN = 900
"""Height in pixels below which both the table and plots would be too low."""
_ANY_HEIGHT = 16_777_215
"""Qt's largest height of a widget."""


class LowerTabs(QTabWidget):
    """Shows the plots or the classes, which need not be seen at the same time.

    It can be folded to its titles, so that the table has the room: on a low screen it
    is at first. A click on a title unfolds it.
    """

    folded_changed = Signal(bool)

    def __init__(
        self,
        services: Services,
        actions: ClassActions,
        measured: AllImages,
        plots: PlotPanel,
    ) -> None:
        super().__init__(objectName="measureLower")
        self.setDocumentMode(True)
        self.plots = plots
        self.classes = ClassPanel(services, actions, measured)
        # With large letters, its buttons need more rows than a low screen has.
        scroll = VerticalScroll()
        scroll.setWidget(self.classes)
        self._pages = {self.plots: self.plots, self.classes: scroll}
        self.addTab(self.plots, "Plots")
        self.addTab(scroll, "Classes")
        self._settings = services.settings
        self.fold = QToolButton(objectName="measureFold", autoRaise=True)
        self.fold.clicked.connect(lambda: self.set_folded(not self.folded))
        self.setCornerWidget(self.fold, Qt.Corner.TopRightCorner)
        self.tabBarClicked.connect(lambda _: self.set_folded(False))
        self.folded: bool = False
        chosen = self._settings.measure_folded
        low = services.parent.screen().availableGeometry().height() < _LOW_SCREEN
        self._set_folded(low if chosen is None else chosen)
        self._session = services.session
        self._session.class_list_changed.connect(self._colour)
        self._session.project_changed.connect(self._colour)
        self._colour()

    def open_part(self, part: QWidget) -> None:
        """Show the plots or the classes."""
        self.setCurrentWidget(self._pages[part])
        self.set_folded(False)

    def set_folded(self, on: bool) -> None:
        """Show the titles only, or all; the choice is remembered."""
        if on != self.folded:
            self._settings.measure_folded = on
            self._set_folded(on)
            self.folded_changed.emit(on)

    def _set_folded(self, on: bool) -> None:
        self.folded = on
        # The Tab key must not go where nothing is seen.
        self.findChild(QStackedWidget).setVisible(not on)
        titles = self.tabBar().sizeHint().height()
        self.setMinimumHeight(titles if on else 0)
        self.setMaximumHeight(titles if on else _ANY_HEIGHT)
        arrow = Qt.ArrowType.UpArrow if on else Qt.ArrowType.DownArrow
        self.fold.setArrowType(arrow)
        text = "Show plots and classes" if on else "Hide plots and classes"
        self.fold.setAccessibleName(text)
        why = " below the table." if on else ": the table shows more rows then."
        self.fold.setToolTip(f"{text}{why}")

    def _colour(self) -> None:
        """Give the groups of plots the colours of the classes."""
        classes = self._session.masks.classes.present
        self.plots.set_class_colours({one.name: one.colour for one in classes})
