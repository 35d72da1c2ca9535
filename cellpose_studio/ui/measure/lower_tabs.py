"""The lower half of the Measure tab: plots, and the classes of cells."""

from __future__ import annotations

from qtpy.QtWidgets import QTabWidget

from cellpose_studio.ui.measure.all_images import AllImages
from cellpose_studio.ui.measure.classes.actions import ClassActions
from cellpose_studio.ui.measure.classes.panel import ClassPanel
from cellpose_studio.ui.measure.plots.panel import PlotPanel
from cellpose_studio.ui.services import Services


class LowerTabs(QTabWidget):
    """Shows the plots or the classes, which need not be seen at the same time."""

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
        self.addTab(self.plots, "Plots")
        self.addTab(self.classes, "Classes")
        self._session = services.session
        self._session.class_list_changed.connect(self._colour)
        self._session.project_changed.connect(self._colour)
        self._colour()

    def _colour(self) -> None:
        """Give the groups of plots the colours of the classes."""
        classes = self._session.masks.classes.present
        self.plots.set_class_colours({one.name: one.colour for one in classes})
