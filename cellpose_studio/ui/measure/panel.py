"""The Measure tab, which builds its content when it is first shown."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import qtpy
from qtpy.QtGui import QHideEvent, QShowEvent
from qtpy.QtWidgets import QVBoxLayout, QWidget

from cellpose_studio.app.background.table_measurer import TableMeasurer
from cellpose_studio.app.images.experiment import Experiment
from cellpose_studio.ui.canvas.canvas import Canvas
from cellpose_studio.ui.display.cell_colouring import CellColouring
from cellpose_studio.ui.services import Services

if TYPE_CHECKING:
    from cellpose_studio.ui.measure.content import MeasureContent


class MeasurePanel(QWidget):
    """The table of measurements and its plots.

    Attributes
    ----------
    content
        None until the tab is shown: the library of the plots takes a third of a second
        to load, which the start of the application need not wait for.
    """

    def __init__(
        self,
        services: Services,
        canvas: Canvas,
        measurer: TableMeasurer,
        colouring: CellColouring,
        experiment: Experiment,
    ) -> None:
        super().__init__()
        self._parts = services, canvas, measurer, colouring, experiment
        self.content: MeasureContent | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)

    def showEvent(self, event: QShowEvent) -> None:
        """Measure the cells while the tab is visible; Qt calls this."""
        super().showEvent(event)
        if self.content is None:
            # Another Qt in the same process would crash it.
            os.environ["PYQTGRAPH_QT_LIB"] = qtpy.API_NAME
            from cellpose_studio.ui.measure.content import MeasureContent

            self.content = MeasureContent(*self._parts)
            self.layout().addWidget(self.content)
        self.content.set_active(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop measuring the cells; Qt calls this."""
        super().hideEvent(event)
        if self.content is not None:
            self.content.set_active(False)
