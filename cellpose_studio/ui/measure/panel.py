"""The Measure tab, which builds its content when it is first shown."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import qtpy
from qtpy.QtCore import QTimer
from qtpy.QtGui import QHideEvent, QShowEvent
from qtpy.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from cellpose_studio.app.background.edits import BackgroundEdits
from cellpose_studio.app.background.table_measurer import TableMeasurer
from cellpose_studio.app.images.experiment import Experiment
from cellpose_studio.app.jobs import Job
from cellpose_studio.ui.canvas.canvas import Canvas
from cellpose_studio.ui.commands.command import Command
from cellpose_studio.ui.commands.reasons import needs_image, needs_masks
from cellpose_studio.ui.display.cell_colouring import CellColouring
from cellpose_studio.ui.measure.classes.actions import ClassActions
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.tools.manager import ToolManager
from cellpose_studio.workflows.warm_up import warm_up_measuring

if TYPE_CHECKING:
    from cellpose_studio.ui.measure.classes.panel import ClassPanel
    from cellpose_studio.ui.measure.content import MeasureContent
    from cellpose_studio.ui.measure.evaluation.panel import EvaluationPanel
    from cellpose_studio.ui.measure.plots.panel import PlotPanel


class MeasurePanel(QWidget):
    """The table of measurements and its plots.

    Attributes
    ----------
    content
        None until the tab is shown, or `warm_up` has made it: the library of the plots
        takes a third of a second to load, which the start of the application need not
        wait for.
    evaluation
        None until it is first shown.
    classes
        Commands on classes of cells.
    """

    def __init__(
        self,
        services: Services,
        canvas: Canvas,
        measurer: TableMeasurer,
        colouring: CellColouring,
        experiment: Experiment,
        edits: BackgroundEdits,
        tools: ToolManager,
    ) -> None:
        super().__init__()
        self._services = services
        self.classes = ClassActions(services, tools, colouring)
        self._parts = (
            services,
            canvas,
            measurer,
            colouring,
            experiment,
            edits,
            self.classes,
        )
        self.content: MeasureContent | None = None
        self.evaluation: EvaluationPanel | None = None
        self.sections = QTabWidget(documentMode=True)
        self._second = QWidget()
        self._plots: PlotPanel | None = None
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self._built)
        # Another Qt in the same process would crash it.
        os.environ["PYQTGRAPH_QT_LIB"] = qtpy.API_NAME
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)

    def warm_up(self) -> None:
        """Load the code of the tab and compile that of measurements, beside the user.

        The widgets are made then, one part after the other: together they would hold
        the event loop for too long when the tab is first shown.
        """
        _, _, measurer, *_ = self._parts
        measuring = Job("Warming up", warm_up_measuring, quiet=True)
        measuring.finished.connect(lambda _: measurer.set_prepared())
        importing = Job("Warming up", _import_content, quiet=True)
        importing.finished.connect(lambda _: self._build_plots())
        for job in (importing, measuring):
            # Errors are not shown here: the first use would raise and show them again.
            self._services.warm_up_jobs.start(job)

    def commands(self) -> list[Command | None]:
        """Return the commands for the menu; each shows the tab first."""
        session = self._services.session
        return [
            Command(
                "showMeasurements",
                "&Show measurements",
                self.open,
                tip="Show the table and the plots of the cells.",
            ),
            None,
            Command(
                "copyMeasurements",
                "&Copy measurements",
                lambda: self.open().tables.copy(),
                tip="Copy the selected cells, or all listed ones, for a spreadsheet.",
                reason_disabled=needs_masks(session),
            ),
            Command(
                "exportMeasurements",
                "&Export measurements…",
                lambda: self.open().tables.ask_and_export(),
                tip="Write the table as CSV or Parquet, with what each column means.",
                reason_disabled=needs_masks(session),
            ),
            None,
            Command(
                "measureColumns",
                "Choose co&lumns…",
                lambda: self.open().choose_columns(),
                tip="Choose the measurements that the table shows.",
                reason_disabled=needs_masks(session),
            ),
            Command(
                "experiment",
                "Columns of the e&xperiment…",
                lambda: self.open().ask_experiment(),
                tip="Say what belongs to which image: condition, well, replicate, day.",
                reason_disabled=needs_image(session),
            ),
            None,
            Command(
                "evaluateMasks",
                "E&valuate masks",
                self.open_evaluation,
                tip="Compare masks with true ones, or two models with each other.",
                reason_disabled=needs_masks(session),
            ),
        ]

    def class_commands(self) -> list[Command | None]:
        """Return the commands on classes; those of the list show the tab first."""
        masks = needs_masks(self._services.session)
        return [
            *self.classes.commands(),
            None,
            Command(
                "showClasses",
                "&Show classes",
                lambda: self.open_classes(),
                tip="Show the list of classes and the classifier.",
            ),
            Command(
                "addClass",
                "&Add class…",
                lambda: self.classes.add(),
                tip="Add a class that cells are put into.",
            ),
            Command(
                "trainClassifier",
                "&Train classifier",
                lambda: self.open_classes().training.train(),
                tip="Learn the classes from the cells that were classed by hand.",
                reason_disabled=masks,
            ),
            Command(
                "classifyHere",
                "Apply to this &image",
                lambda: self.open_classes().apply_here(),
                tip="Class the cells of this image by the classifier.",
                reason_disabled=masks,
            ),
            Command(
                "classifyAll",
                "Apply to all i&mages",
                lambda: self.open_classes().apply_everywhere(),
                tip="Class the cells of all images by the classifier.",
                reason_disabled=masks,
            ),
        ]

    def open_classes(self) -> ClassPanel:
        """Bring the list of classes to the front, and return it."""
        content = self.open()
        content.lower.open_part(content.classes)
        return content.classes

    def open(self) -> MeasureContent:
        """Bring the tab to the front, and return its content."""
        self._services.show_tab(self)
        content = self._built()
        self.sections.setCurrentWidget(content)
        return content

    @property
    def section(self) -> str:
        """Title of the section that is shown; "" before the tab was shown."""
        return str(self.sections.tabText(self.sections.currentIndex()))

    def open_evaluation(self) -> None:
        """Bring the evaluation to the front."""
        self.open()
        self.sections.setCurrentWidget(self._second)

    def _build_plots(self) -> None:
        if self._plots is None and self.content is None:
            from cellpose_studio.ui.measure.plots.panel import PlotPanel

            self._plots = PlotPanel()
            # Otherwise it would outlive a window that is closed before the tab is made.
            self._plots.setParent(self)
            self._timer.start()

    def _built(self) -> MeasureContent:
        if self.content is None:
            from cellpose_studio.ui.measure.content import MeasureContent

            self.content = MeasureContent(*self._parts, self._plots)
            self.sections.addTab(self.content, "Cells")
            self.sections.addTab(self._second, "Evaluation")
            self.sections.currentChanged.connect(self._on_section)
            self.layout().addWidget(self.sections)
        return self.content

    def _on_section(self, at: int) -> None:
        """Make the evaluation when it is first shown."""
        if self.evaluation is None and self.sections.widget(at) is self._second:
            from cellpose_studio.ui.measure.evaluation.panel import EvaluationPanel

            services, canvas, *_ = self._parts
            self.evaluation = EvaluationPanel(services, canvas)
            column = QVBoxLayout(self._second)
            column.setContentsMargins(0, 0, 0, 0)
            column.addWidget(self.evaluation)

    def showEvent(self, event: QShowEvent) -> None:
        """Measure the cells while the tab is visible; Qt calls this."""
        super().showEvent(event)
        self._built().set_active(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop measuring the cells; Qt calls this."""
        super().hideEvent(event)
        if self.content is not None:
            self.content.set_active(False)


def _import_content(_: object) -> None:
    import cellpose_studio.ui.measure.content  # noqa: F401
