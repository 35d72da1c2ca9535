"""The Train tab, which builds its content when it is first shown."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import qtpy
from qtpy.QtCore import QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from cellpose_studio.app.runs.queue import BatchQueue
from cellpose_studio.app.training.trainings import Trainings
from cellpose_studio.paths import trained_folder
from cellpose_studio.ui.canvas.canvas import Canvas
from cellpose_studio.ui.commands.command import Command
from cellpose_studio.ui.segment.models.weight_files import AddedModels
from cellpose_studio.ui.segment.panel import SegmentPanel
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.tools.commands import training_tool_commands
from cellpose_studio.ui.tools.manager import ToolManager
from cellpose_studio.ui.train.training_set.canvas_marks import CanvasMarks
from cellpose_studio.ui.train.training_set.section import TrainingSetSection

if TYPE_CHECKING:
    from cellpose_studio.ui.train.content import TrainContent


class TrainPanel(QWidget):
    """Trains models on the corrected images of the project.

    Attributes
    ----------
    set, marks
        What is trained on, as a list and on the canvas.
    trainings
        The training that runs, and those before it.
    content
        None until the tab is first shown: the library of the plots takes a third of a
        second to load, which the start of the application need not wait for.
    """

    def __init__(
        self,
        services: Services,
        canvas: Canvas,
        tools: ToolManager,
        queue: BatchQueue,
        segment: SegmentPanel,
        added: AddedModels,
    ) -> None:
        super().__init__()
        self._parts = (services, queue, segment, added)
        self._services = services
        self._tools = tools
        self.set = TrainingSetSection(services)
        self.marks = CanvasMarks(services, canvas, tools.context)
        self.set.place_requested.connect(self.marks.go_to)
        self.set.train_requested.connect(self._show_training)
        folder = trained_folder()
        self.trainings = Trainings(
            services.session, services.train_jobs, services.io_jobs, folder
        )
        self.trainings.failed.connect(services.show_error)
        self.trainings.noted.connect(services.messages.note)
        self.trainings.recovered.connect(lambda path: added.add(path, select=False))
        self.content: TrainContent | None = None
        # Another Qt in the same process would crash it.
        os.environ["PYQTGRAPH_QT_LIB"] = qtpy.API_NAME
        self._page = QWidget()
        QVBoxLayout(self._page).setContentsMargins(0, 0, 0, 0)
        self.pages = QTabWidget()
        self.pages.addTab(self.set, "Training set")
        self.pages.addTab(self._page, "Training")
        column = QVBoxLayout(self)
        column.addWidget(self.pages)
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self.build)

    def commands(self) -> list[Command | None]:
        """Return the commands for the menu, beside those of images."""
        return [
            *training_tool_commands(self._tools),
            None,
            *self.set.commands(),
            None,
            Command(
                "showTraining",
                "&Show training set",
                self._show_set,
                tip="Show what is trained on, and what is left out.",
            ),
            Command(
                "showTrain",
                "Train a &model…",
                self._show_training,
                tip="Choose a model, and train it on the images of the training set.",
            ),
        ]

    def build(self) -> TrainContent:
        """Return the content, which is made if it is not there yet."""
        if self.content is None:
            from cellpose_studio.ui.train.content import TrainContent

            self.content = TrainContent(*self._parts, self.trainings, self.set.reader)
            self._page.layout().addWidget(self.content)
        return self.content

    def showEvent(self, event: QShowEvent) -> None:
        """Make the content once the empty tab is there; Qt calls this."""
        super().showEvent(event)
        self._timer.start()

    def _show_set(self) -> None:
        self._services.show_tab(self)
        self.pages.setCurrentWidget(self.set)

    def _show_training(self) -> None:
        self._services.show_tab(self)
        self.pages.setCurrentWidget(self._page)
        self.build().form.model.setFocus()
