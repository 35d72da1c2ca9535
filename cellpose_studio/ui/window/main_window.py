"""The window: canvas in the middle, panels around it, and who hears what."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import (
    QDockWidget,
    QFileDialog,
    QMainWindow,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.app.background.auto_seal import AutoSeal
from cellpose_studio.app.background.edits import BackgroundEdits
from cellpose_studio.app.background.flow_store import FlowRecorder, FlowStore
from cellpose_studio.app.background.mask_loader import MaskLoader
from cellpose_studio.app.failures import Failure, failure_of
from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.project.scratch import unsaved_project
from cellpose_studio.app.runs.queue import BatchQueue
from cellpose_studio.app.runs.runner import Runs
from cellpose_studio.app.runs.thresholds import Thresholds
from cellpose_studio.app.selection import Selection
from cellpose_studio.app.session.session import Session
from cellpose_studio.app.settings import Settings
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.io.images.reader import IMAGE_FILES
from cellpose_studio.io.project.file import SUFFIX
from cellpose_studio.paths import cache_dir
from cellpose_studio.ui.canvas import Canvas
from cellpose_studio.ui.canvas.session_view import SessionView
from cellpose_studio.ui.cell_text.overlay import CellTextOverlay
from cellpose_studio.ui.cell_text.provider import CellTextProvider
from cellpose_studio.ui.curate.panel import CuratePanel
from cellpose_studio.ui.figure.export import FigureExport
from cellpose_studio.ui.files.export_masks import Saver
from cellpose_studio.ui.files.open_images import Opener
from cellpose_studio.ui.files.projects import Projects
from cellpose_studio.ui.files.relink import Relinker
from cellpose_studio.ui.history.panel import HistoryPanel
from cellpose_studio.ui.images.actions import ImageActions
from cellpose_studio.ui.images.panel import ImagesPanel
from cellpose_studio.ui.images.queue_badges import BatchBadges
from cellpose_studio.ui.ortho.ortho import OrthoViews
from cellpose_studio.ui.segment.panel import SegmentPanel
from cellpose_studio.ui.segment.presets import Presets
from cellpose_studio.ui.segment.run_queue_panel import BatchPanel
from cellpose_studio.ui.segment.run_scope import RunScope
from cellpose_studio.ui.segment.weight_files import AddedModels
from cellpose_studio.ui.tools.commands import CellCommands
from cellpose_studio.ui.tools.manager import ToolManager
from cellpose_studio.ui.tools.plane_commands import PlaneCommands
from cellpose_studio.ui.widgets.message_bar import MessageBar
from cellpose_studio.ui.window.gc_tuning import GcTuning
from cellpose_studio.ui.window.job_bar import JobBar
from cellpose_studio.ui.window.menus import Menus
from cellpose_studio.ui.window.status_bar import StatusBar
from cellpose_studio.ui.window.theme import ADDITIONS
from cellpose_studio.ui.window.welcome import Welcome
from cellpose_studio.ui.window.window_state import WindowState
from cellpose_studio.workflows.warm_up import warm_up, warm_up_editing

_SIZE = (1366, 768)
_LEFT, _RIGHT = 260, 350
_IMAGES, _LAYERS = 420, 260
_LAYOUT = 1
"""To be raised when docks change, or an older arrangement is restored."""
_AREAS = Qt.DockWidgetArea
_OPEN_FILTER = (
    f"Images and projects ({IMAGE_FILES} *{SUFFIX});;Projects (*{SUFFIX});;"
    "All files (*)"
)


class MainWindow(QMainWindow):
    """The application's window.

    Parameters
    ----------
    settings
        What is remembered between starts.
    project
        What to work on at first.
    """

    def __init__(self, settings: Settings, project: Project) -> None:
        super().__init__()
        self.setWindowTitle("Cellpose Studio")
        self.setAcceptDrops(True)
        self.settings = settings
        self.session = Session(project)
        self.queue = JobQueue(self)
        # Sliders must not wait for a network that runs.
        self.quick = JobQueue(self)
        # A stack takes seconds to read: sliders and undo must not wait for that either.
        self.stack_jobs = JobQueue(self)
        self.canvas = Canvas(settings.theme)
        self.setting_apart = GcTuning(self.canvas)
        self.messages = MessageBar()
        self.selection = Selection(self.session)
        self.slow_edits = BackgroundEdits(self.session, self.quick)
        self.tools = ToolManager(
            self.session, self.canvas, self.selection, self.slow_edits
        )
        self.cell_commands = CellCommands(self.tools, self)
        self.plane_commands = PlaneCommands(
            self.tools, self.slow_edits, self.messages.note, self
        )
        self.picture = SessionView(self.session, self.canvas)
        self.ortho = OrthoViews(
            self.session, self.canvas, self.selection, self.tools, self.stack_jobs
        )
        self.images = ImagesPanel(self.session, self.quick)
        self.segment = SegmentPanel()
        self.models = AddedModels(self.segment.model, self.quick, settings, self)
        self.jobs = JobBar(self.queue, self.quick)
        self.runs = Runs(self.session, self.queue)
        self.batch = BatchQueue(self.session, self.runs, self.queue)
        self.badges = BatchBadges(self.session, self.batch, self.images.model)
        self.batch_panel = BatchPanel(self.session, self.batch, self.messages)
        self.presets = Presets(self.session, self.segment, self.messages)
        self.scope = RunScope(self.session, self.images, self.segment, self.batch)
        self.thresholds = Thresholds(self.session, self.quick)
        self.opener = Opener(self.session, self.quick, settings, self.messages, self)
        self.saver = Saver(self.session, self.quick, settings, self.messages, self)
        self.projects = Projects(
            self.session, self.quick, settings, self.messages, self
        )
        self.relinker = Relinker(
            self.session, self.quick, settings, self.messages, self
        )
        self.image_actions = ImageActions(
            self.session, self.images, self.relinker, self.messages
        )
        flows = FlowStore(cache_dir() / "flows")
        self.masks = MaskLoader(self.session, self.quick, flows)
        self.flow_keeper = FlowRecorder(self.session, self.quick, flows)
        self.sealer = AutoSeal(self.session)
        self.history = HistoryPanel(self, flows)
        self.tabs = QTabWidget()
        self.curate = CuratePanel(self)
        self.words = CellTextProvider(self.session, self.curate.reviewer)
        self.words_shown = CellTextOverlay(self.canvas, self.words.within)
        self.words.changed.connect(self.words_shown.refresh_soon)
        self.figures = FigureExport(self)
        self._lay_out()
        self.state = WindowState(self.session, self.canvas, self.tabs)
        self.projects.before_leaving = self.state.remember
        self.menus = Menus(self)
        self._connect()
        self.set_theme(settings.theme)
        self._restore()
        for model in shipped():
            self.segment.model.add_model(model)

    # What the menus and panels call

    def choose_images(self) -> None:
        """Ask for image files, or a project, and open them."""
        files, _ = QFileDialog.getOpenFileNames(
            self, "Open", self.settings.folder, _OPEN_FILTER
        )
        self.open([Path(file) for file in files])

    def choose_folder(self) -> None:
        """Ask for a folder and add the images and masks in it."""
        folder = QFileDialog.getExistingDirectory(
            self, "Import a folder", self.settings.folder
        )
        self.open([Path(folder)] if folder else [])

    def open(self, paths: list[Path]) -> Job | None:
        """Open files and folders, off the GUI thread; or a project among them."""
        if not paths:
            return None
        images = [path for path in paths if path.suffix != SUFFIX]
        if images != paths:
            project = next(path for path in paths if path.suffix == SUFFIX)
            return self.projects.open(project, lambda: self.open(images))
        self.settings.folder = str(paths[0].parent)
        return self.opener.open(paths)

    def open_sample(self) -> None:
        """Open an image to try things on."""
        # Not needed at the start, and scikit-image takes time to import.
        from cellpose_studio.io.images.sample import sample_path

        self.open([sample_path()])

    def run(self) -> Job | None:
        """Run the chosen model on the images that the scope says."""
        wanted, image = self.segment.wanted(), self.session.shown
        if wanted is None or image is None:
            return None
        if self.scope.several:
            self.scope.queue()
            return None
        return self.runs.start(image, *wanted)

    def save(self) -> None:
        """Ask which files to write for the image that is shown, and write them."""
        if self.session.shown is not None:
            self.saver.ask_and_save(self.session.shown)

    def close_image(self) -> None:
        """Take the image that is shown off the list."""
        if self.session.shown is not None:
            self.session.close(self.session.shown.source.key)

    def set_theme(self, theme: str) -> None:
        """Change the colours of everything, "dark" or "light"."""
        self.settings.theme = theme
        self.canvas.set_theme(theme)
        self.setStyleSheet(self.canvas.style_sheet(theme, ADDITIONS))

    def show_error(self, error: Exception) -> None:
        """Say what went wrong."""
        self.show_failure(failure_of(error))

    def show_failure(self, failure: Failure) -> None:
        """Say what went wrong."""
        self.messages.fail(failure)

    def warm_up(self) -> None:
        """Load what the first masks, edits and runs need, and the models added."""
        looking = Job(
            "Looking for unnamed work", lambda _: unsaved_project(), quiet=True
        )
        looking.finished.connect(self.welcome.offer)
        looking.failed.connect(self.show_error)
        self.quick.start(looking)
        for work in (lambda _: self.canvas.warm_up(), warm_up_editing):
            self.quick.start(Job("Warming up", work, quiet=True))
        job = Job("Warming up", warm_up, quiet=True)
        job.finished.connect(lambda devices: self.status.device.setText(devices[0]))
        job.finished.connect(lambda _: self.setting_apart.start())
        job.failed.connect(self.show_error)
        self.quick.start(job)
        self.models.add_remembered()

    # Qt's own events

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files and folders."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        urls = event.mimeData().urls()
        self.open([Path(url.toLocalFile()) for url in urls if url.isLocalFile()])
        event.acceptProposedAction()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Hide at once, then stop the jobs and release what the canvas holds."""
        if not self.projects.may_leave():
            event.ignore()
            return
        event.accept()
        # In reverse; whatever fails, the rest has to be closed all the same.
        with ExitStack() as closing:
            closing.callback(self.canvas.close)
            # What could not be written until now was given up by the user.
            closing.callback(self.session.project.close, patience=0)
            closing.callback(self.images.shut_down)
            closing.callback(self.stack_jobs.shut_down)
            closing.callback(self.quick.shut_down)
            closing.callback(self.queue.shut_down)
            closing.callback(self.hide)
            self.settings.set_window("geometry", self.saveGeometry())
            self.settings.set_window("state", self.saveState(_LAYOUT))

    # Building

    def _lay_out(self) -> None:
        self.welcome = Welcome()
        self._middle = QStackedWidget()
        self._middle.addWidget(self.welcome)
        self._middle.addWidget(self.ortho)
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.messages)
        column.addWidget(self.history.comparing.bar)
        column.addWidget(self._middle, 1)
        column.addWidget(self.batch_panel)
        column.addWidget(self.jobs)
        self.setCentralWidget(centre)
        self.tabs.addTab(self.segment, "Segment")
        self.tabs.addTab(self.curate, "Curate")
        self.tabs.addTab(self.history, "History")
        left, right = _AREAS.LeftDockWidgetArea, _AREAS.RightDockWidgetArea
        images = self._dock("Images", self.images, left)
        layers = self._dock("Layers", self.canvas.layer_panel(), left)
        controls = self._dock("Layer controls", self.canvas.layer_controls(), left)
        self.setTabPosition(left, QTabWidget.TabPosition.North)
        self.tabifyDockWidget(layers, controls)
        layers.raise_()
        panels = self._dock("Panels", self.tabs, right)
        # The tabs have titles of their own.
        panels.setTitleBarWidget(QWidget())
        self.panels = [images, layers, controls, panels]
        self.resizeDocks([images, panels], [_LEFT, _RIGHT], Qt.Orientation.Horizontal)
        self.resizeDocks([images, layers], [_IMAGES, _LAYERS], Qt.Orientation.Vertical)
        self.status = StatusBar(self.statusBar())

    def _dock(
        self, title: str, widget: QWidget, area: Qt.DockWidgetArea
    ) -> QDockWidget:
        dock = QDockWidget(title, self)
        dock.setObjectName(title)
        dock.setWidget(widget)
        self.addDockWidget(area, dock)
        return dock

    def _connect(self) -> None:
        self.session.shown_changed.connect(self._on_shown)
        self.session.labels_changed.connect(self._on_labels)
        self.session.labels_edited.connect(self._on_labels)
        self.session.failed.connect(self.show_error)
        self.projects.saved.connect(self.status.saved.setText)
        self.projects.opened.connect(self._on_project)
        self.masks.failed.connect(self.show_error)
        self.images.chosen.connect(self.session.show)
        self.images.members.failed.connect(self.show_error)
        self.segment.run_wanted.connect(self.run)
        self.segment.thresholds_changed.connect(self._on_thresholds)
        self.segment.thresholds_released.connect(self.thresholds.end_gesture)
        self.models.failed.connect(self.show_error)
        self.welcome.sample_wanted.connect(self.open_sample)
        self.canvas.status_changed.connect(self.status.position.setText)
        self.picture.cell_described.connect(self.status.cell.setText)
        self.welcome.project_wanted.connect(self.projects.open)
        self.ortho.failed.connect(self.show_error)
        self.runs.failed.connect(self.show_error)
        self.batch.failed.connect(self.show_error)
        self.presets.failed.connect(self.show_error)
        self.runs.noted.connect(self.messages.note)
        self.thresholds.failed.connect(self.show_error)
        self.slow_edits.noted.connect(self.messages.note)
        self.slow_edits.failed.connect(self.show_error)

    def _restore(self) -> None:
        self.resize(*_SIZE)
        if (geometry := self.settings.window("geometry")) is not None:
            self.restoreGeometry(geometry)
        if (state := self.settings.window("state")) is not None:
            self.restoreState(state, _LAYOUT)

    # What happens

    def _on_shown(self, image: ProjectImage | None) -> None:
        # First, or the canvas would fit the image into a size that it has no more.
        self._middle.setCurrentIndex(0 if image is None else 1)
        self._name_window()
        self.segment.show_entry(image)
        try:
            self.picture.show(image)
        # The file may have gone, or be damaged where it was not looked at before.
        except Exception as error:
            self.show_error(error)

    def _on_project(self) -> None:
        self._name_window()
        if self.session.shown is None:
            self.state.restore()

    def _name_window(self) -> None:
        image = self.session.shown
        parts = [image.source.name] if image else []
        if not self.session.project.unnamed:
            parts.append(self.session.project.name)
        self.setWindowTitle(" - ".join([*parts, "Cellpose Studio"]))

    def _on_labels(self, image: ProjectImage, *_: object) -> None:
        if image is self.session.shown:
            self.segment.show_labels(image.masks)

    def _on_thresholds(self) -> None:
        image = self.session.shown
        if image is None or image.masks is None:
            return
        changed = {
            **image.masks.parameters.model_dump(),
            **self.segment.result.values(),
        }
        self.thresholds.change(
            image, type(image.masks.parameters).model_validate(changed)
        )
