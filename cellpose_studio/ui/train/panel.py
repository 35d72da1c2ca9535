"""The Train tab."""

from __future__ import annotations

from qtpy.QtWidgets import QVBoxLayout, QWidget

from cellpose_studio.ui.canvas.canvas import Canvas
from cellpose_studio.ui.commands.command import Command
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.tools.commands import training_tool_commands
from cellpose_studio.ui.tools.manager import ToolManager
from cellpose_studio.ui.train.training_set.canvas_marks import CanvasMarks
from cellpose_studio.ui.train.training_set.section import TrainingSetSection


class TrainPanel(QWidget):
    """Where a training set is made."""

    def __init__(self, services: Services, canvas: Canvas, tools: ToolManager) -> None:
        super().__init__()
        self._services = services
        self._tools = tools
        self.set = TrainingSetSection(services)
        self.marks = CanvasMarks(services, canvas, tools.context)
        self.set.place_requested.connect(self.marks.go_to)
        column = QVBoxLayout(self)
        column.addWidget(self.set)

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
                lambda: self._services.show_tab(self),
                tip="Show what is trained on, and what is left out.",
            ),
        ]
