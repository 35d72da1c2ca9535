"""The Train tab, which builds its content when it is first shown."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import qtpy
from qtpy.QtCore import QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QVBoxLayout, QWidget

from cellpose_studio.app.images.training_roles import TrainingRoles
from cellpose_studio.app.runs.queue import BatchQueue
from cellpose_studio.app.training.trainings import Trainings
from cellpose_studio.paths import data_dir
from cellpose_studio.ui.segment.models.model_picker import ModelPanel
from cellpose_studio.ui.segment.models.weight_files import AddedModels
from cellpose_studio.ui.services import Services

if TYPE_CHECKING:
    from cellpose_studio.ui.train.content import TrainContent


class TrainPanel(QWidget):
    """Trains models on the corrected images of the project.

    Attributes
    ----------
    trainings
        The training that runs, and those before it.
    content
        None until the tab is first shown: the library of the plots takes a third of a
        second to load, which the start of the application need not wait for.
    """

    def __init__(
        self,
        services: Services,
        roles: TrainingRoles,
        queue: BatchQueue,
        models: ModelPanel,
        added: AddedModels,
    ) -> None:
        super().__init__()
        self._parts = (services, roles, queue, models, added)
        folder = data_dir() / "models"
        self.trainings = Trainings(
            services.session, services.train_jobs, services.io_jobs, folder
        )
        self.trainings.failed.connect(services.show_error)
        self.trainings.noted.connect(services.messages.note)
        self.content: TrainContent | None = None
        # Another Qt in the same process would crash it.
        os.environ["PYQTGRAPH_QT_LIB"] = qtpy.API_NAME
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self.build)

    def build(self) -> TrainContent:
        """Return the content, which is made if it is not there yet."""
        if self.content is None:
            from cellpose_studio.ui.train.content import TrainContent

            services, roles, queue, models, added = self._parts
            self.content = TrainContent(
                services, roles, queue, models, added, self.trainings
            )
            self.layout().addWidget(self.content)
        return self.content

    def showEvent(self, event: QShowEvent) -> None:
        """Make the content once the empty tab is there; Qt calls this."""
        super().showEvent(event)
        self._timer.start()
