"""Builds the main window and connects its parts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from qtpy.QtCore import QByteArray
from qtpy.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import (
    QDockWidget,
    QMainWindow,
    QStackedWidget,
    QTabWidget,
    QWidget,
)

from cellpose_studio.app.jobs import Job
from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.settings import Settings
from cellpose_studio.engine.networks.catalogue import offered
from cellpose_studio.ui.canvas import Canvas
from cellpose_studio.ui.canvas.session_view import SessionView
from cellpose_studio.ui.commands.text_focus_guard import TextFocusGuard
from cellpose_studio.ui.curate.cell_highlight import CellHighlight
from cellpose_studio.ui.curate.kept_row import KeptRow
from cellpose_studio.ui.curate.panel import CuratePanel
from cellpose_studio.ui.curate.track_lines import TrackLines
from cellpose_studio.ui.display.cell_colouring import CellColouring
from cellpose_studio.ui.display.cell_text.colour_legend import ColourLegend
from cellpose_studio.ui.display.cell_text.overlay import CellTextOverlay
from cellpose_studio.ui.display.cell_text.provider import CellTextProvider
from cellpose_studio.ui.display.ortho.ortho import OrthoViews
from cellpose_studio.ui.display.panel import DisplayPanel
from cellpose_studio.ui.figure.export import FigureExport
from cellpose_studio.ui.files.export_masks import Saver
from cellpose_studio.ui.files.open_files import FileOpener
from cellpose_studio.ui.files.open_images import Opener
from cellpose_studio.ui.files.projects import Projects
from cellpose_studio.ui.files.relink import Relinker
from cellpose_studio.ui.history.comparison import ComparisonView
from cellpose_studio.ui.history.panel import HistoryPanel
from cellpose_studio.ui.history.revision_actions import RevisionActions
from cellpose_studio.ui.images.actions import ImageActions
from cellpose_studio.ui.images.panel import ImagesPanel
from cellpose_studio.ui.images.queue_badges import BatchBadges
from cellpose_studio.ui.measure.panel import MeasurePanel
from cellpose_studio.ui.segment.actions import LeftOutCells, SegmentActions
from cellpose_studio.ui.segment.followed_image import FollowedImage
from cellpose_studio.ui.segment.models.model_downloads import ModelDownloads
from cellpose_studio.ui.segment.models.weight_files import AddedModels
from cellpose_studio.ui.segment.panel import SegmentPanel
from cellpose_studio.ui.segment.parameters.preview import PreparedPreview
from cellpose_studio.ui.segment.presets import Presets
from cellpose_studio.ui.segment.region_runs import RegionRuns
from cellpose_studio.ui.segment.run_queue_panel import BatchPanel
from cellpose_studio.ui.segment.run_scope import RunScope
from cellpose_studio.ui.segment.search.opener import ParameterSearch
from cellpose_studio.ui.services import make_services
from cellpose_studio.ui.tools.commands import CellCommands
from cellpose_studio.ui.tools.manager import ToolManager
from cellpose_studio.ui.tools.plane_commands import PlaneCommands
from cellpose_studio.ui.tools.tracks.commands import TrackCommands
from cellpose_studio.ui.train.panel import TrainPanel
from cellpose_studio.ui.widgets.focus_ring import FocusRings
from cellpose_studio.ui.window.appearance.appearance import Appearance
from cellpose_studio.ui.window.background import Background
from cellpose_studio.ui.window.docks import lay_out_centre, lay_out_docks
from cellpose_studio.ui.window.job_bar import JobBar
from cellpose_studio.ui.window.launch.gc_tuning import GcTuning
from cellpose_studio.ui.window.menus import Menus
from cellpose_studio.ui.window.status_bar import StatusBar, show_device
from cellpose_studio.ui.window.welcome.offers import offer_projects
from cellpose_studio.ui.window.welcome.page import Welcome
from cellpose_studio.ui.window.welcome.tour import Tour
from cellpose_studio.ui.window.window_state import WindowState, first_size
from cellpose_studio.workflows.warm_up import warm_up, warm_up_editing

_TABS = ("Segment", "Curate", "Measure", "Train", "History")
_LAYOUT = 2
"""Version of the dock layout. Qt ignores a saved one of another version."""


class MainWindow(QMainWindow):
    """The application's window.

    Parameters
    ----------
    settings
        Settings kept between starts.
    project
        The project to open first.
    """

    def __init__(self, settings: Settings, project: Project) -> None:
        super().__init__()
        self.setWindowTitle("Cellpose Studio")
        self.setAcceptDrops(True)
        # The tabs come first, because the services bring one of them to the front.
        self.tabs = QTabWidget()
        self.services = make_services(
            settings, project, self, self.tabs.setCurrentWidget
        )
        self.session = self.services.session
        self.selection = self.services.selection
        self._focus = TextFocusGuard(self), FocusRings(self)
        self.appearance = Appearance(self, settings)
        self._make_canvas()
        self.background = Background(self.services)
        self._make_tools()
        self._make_file_actions()
        self._make_images()
        self._make_segment()
        self._make_curate()
        self._make_measure()
        self._make_history()
        self._lay_out()
        self._state = WindowState(self.session, self.canvas, self.tabs, self.display)
        self.tour = Tour(self, self, lambda: self.menus.actions)
        # The menus come last of the parts, because their commands call all of them.
        self.menus = Menus(self)
        self._connect()
        self.appearance.dress(self.canvas)
        self._restore()
        for model in offered():
            self.segment.model.add_model(model)

    # Called by the menus

    def open(self, paths: list[Path]) -> Job | None:
        """Open files and folders, or a project among them, on a worker thread.

        Weight files are added as models.
        """
        return self.files.open(self.models.take_weights(paths))

    def run(self) -> Job | None:
        """Run the chosen model on the images of the scope."""
        return self._segmenting.run()

    def save(self) -> None:
        """Ask for formats, and export the images selected, or else the one shown."""
        selected = self.images.selected_images()
        shown = [self.session.shown] if self.session.shown is not None else []
        self.saver.ask_and_save(selected if len(selected) > 1 else shown)

    def close_image(self) -> None:
        """Remove the image shown from the project."""
        if self.session.shown is not None:
            self.image_actions.remove([self.session.shown])

    # Called at the start of the application

    def warm_up(self) -> None:
        """Load the code of the first masks, edits and runs, and the added models."""
        offer_projects(self.welcome, self.services)
        queue = self.services.warm_up_jobs
        for work in (lambda _: self.canvas.load_ahead(), warm_up_editing):
            # Errors are not shown here: the first use would raise and show them again.
            queue.start(Job("Warming up", work, quiet=True))
        self.services.run("Warming up", warm_up, self._on_warm, quiet=True, queue=queue)
        self.canvas.scale_bar.warm_up()
        self.measure.warm_up()
        self.models.add_saved()
        self._garbage.spare(queue)

    # Qt event handlers

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files and folders."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open the dropped files and folders."""
        urls = event.mimeData().urls()
        self.open([Path(url.toLocalFile()) for url in urls if url.isLocalFile()])
        event.acceptProposedAction()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Hide at once, then stop the jobs and release the resources of the canvas."""
        if not self.projects.may_leave():
            event.ignore()
            return
        event.accept()
        services = self.services
        # Called in reverse order; each is called even if another one raises.
        with ExitStack() as closing:
            closing.callback(self.canvas.close)
            # The jobs stop before the project is closed: they may still read it.
            # No patience: `may_leave` has flushed, or the user gave up the rest.
            closing.callback(self.session.project.close, patience=0)
            closing.callback(self.background.shut_down)
            closing.callback(self.images.shut_down)
            closing.callback(self.menus.shut_down)
            for queue in reversed(services.queues):
                closing.callback(queue.shut_down)
            closing.callback(self._garbage.shut_down)
            # The window disappears first, because the jobs may take a moment to stop.
            closing.callback(self.hide)
            services.settings.window_geometry = self.saveGeometry().data()
            services.settings.window_layout = self.saveState(_LAYOUT).data()

    # Construction of the parts

    def _make_canvas(self) -> None:
        self.canvas = Canvas(self.appearance.theme, self.services.large)
        self.canvas.failed.connect(self.services.show_error)
        self._view = SessionView(self.session, self.canvas)
        self._garbage = GcTuning(self.canvas)

    def _make_tools(self) -> None:
        edits = self.background.edits
        self.tools = ToolManager(self.services, self.canvas, edits)
        self.cell_commands = CellCommands(self.tools, self)
        messages = self.services.messages
        self.plane_commands = PlaneCommands(
            self.tools, edits, messages.note, messages.offer, self
        )
        self.track_commands = TrackCommands(self.tools, self)
        self.ortho = OrthoViews(self.services, self.canvas, self.tools)

    def _make_file_actions(self) -> None:
        self.saver = Saver(self.services)
        self.projects = Projects(self.services)
        self.relinker = Relinker(self.services)
        self._opener = Opener(self.services, self.projects.open)
        self.files = FileOpener(self.services, self._opener, self.projects)

    def _make_images(self) -> None:
        work = self.background
        training = self.services.training
        self.images = ImagesPanel(self.session, work.missing, training, work.thumbnails)
        self.image_actions = ImageActions(
            self.services,
            self.images,
            self.relinker,
            self.saver.ask_and_save,
        )
        self._opener.waiting_changed.connect(self.images.model.set_waiting)
        self._badges = BatchBadges(self.session, work.run_queue, self.images.model)

    def _make_segment(self) -> None:
        work = self.background
        self.segment = SegmentPanel()
        self.models = AddedModels(self.services, self.segment.model)
        self.downloads = ModelDownloads(self.services, self.segment.model, self.models)
        self.presets = Presets(self.services, self.segment)
        self.parameter_search = ParameterSearch(self.services, self.segment)
        self._preview = PreparedPreview(self.services, self.segment, self.canvas)
        self._followed = FollowedImage(self.session, self.segment)
        self.batch_panel = BatchPanel(self.services, work.run_queue)
        self.batch_panel.follow(work.compiling)
        self.scope = RunScope(self.session, self.images, self.segment, work.run_queue)
        self.regions = RegionRuns(
            self.services, self.segment, work.runs, self.tools.context
        )
        self._segmenting = SegmentActions(
            self.session,
            self.segment,
            self.scope,
            work.runs,
            work.thresholds,
            self.regions,
        )
        self._left_out = LeftOutCells(self.services, self.segment.result, work.edits)

    def _make_curate(self) -> None:
        work = self.background
        self.highlight = CellHighlight(self.session, self.canvas, self.selection)
        self._track_lines = TrackLines(self.services, self.canvas)
        kept = KeptRow(self.services, work.kept, work.edits, self.canvas)
        self.curate = CuratePanel(
            self.services, self.tools, work.measurer, self.highlight, kept
        )
        self.cell_text = CellTextProvider(self.session, work.measurer)
        self.cell_text_overlay = CellTextOverlay(self.canvas, self.cell_text.within)
        self.cell_text.changed.connect(self.cell_text_overlay.refresh_soon)
        self.legend = ColourLegend(self.canvas)
        self.cell_text_overlay.spare(self.legend)
        self.colouring = CellColouring(self.session, self.canvas, work.table)
        self.display = DisplayPanel(
            self.services, self.canvas, self.cell_text, self.colouring
        )
        self.figures = FigureExport(self.services, self.canvas, self.cell_text)

    def _make_measure(self) -> None:
        work = self.background
        self.measure = MeasurePanel(
            self.services,
            self.canvas,
            work.table,
            self.colouring,
            work.experiment,
            work.edits,
            self.tools,
        )
        parts = self.background.run_queue, self.segment, self.models
        self.train = TrainPanel(self.services, self.canvas, self.tools, *parts)
        self.train.set.folders.open = self.open

    def _make_history(self) -> None:
        work = self.background
        self.comparison = ComparisonView(self.services, self.canvas)
        self.revisions = RevisionActions(
            self.services, work.flows, self.segment, self.images, work.run_queue
        )
        self.history = HistoryPanel(
            self.services, work.lineage, self.comparison, self.revisions
        )

    # Layout

    def _lay_out(self) -> None:
        self.welcome = Welcome(self)
        self.jobs = JobBar(*self.services.queues_with_bar)
        self.jobs.follow(self.background.compiling, self.services.warm_up_jobs)
        self.status = StatusBar(self.statusBar())
        tabs = (self.segment, self.curate, self.measure, self.train, self.history)
        for tab, title in zip(tabs, _TABS, strict=True):
            self.tabs.addTab(tab, title)
        self.setCentralWidget(self._centre())
        self.panels: Sequence[QDockWidget] = lay_out_docks(
            self, self.images, self.display, self.tabs
        )

    def _centre(self) -> QWidget:
        """Return the canvas with the bars above and below it."""
        self._middle = QStackedWidget()
        self._middle.addWidget(self.welcome)
        self._middle.addWidget(self.ortho)
        return lay_out_centre(
            self.comparison.bar,
            self.services.messages.over(self._middle),
            self.batch_panel,
            self.jobs,
        )

    def _restore(self) -> None:
        self.resize(first_size(self.screen().availableGeometry().size()))
        settings = self.services.settings
        if settings.window_geometry is not None:
            self.restoreGeometry(QByteArray(settings.window_geometry))
        if settings.window_layout is not None:
            self.restoreState(QByteArray(settings.window_layout), _LAYOUT)

    # Connections

    def _connect(self) -> None:
        session, status = self.session, self.status
        session.shown_changed.connect(self._on_shown)
        session.masks_changed.connect(self._on_masks)
        session.failed.connect(self.services.show_error)
        self.images.chosen.connect(session.show)
        self.projects.opening.connect(self._state.expect)
        self.projects.opened.connect(self._on_project)
        # One that is still being closed is not offered.
        self.projects.left.connect(lambda: offer_projects(self.welcome, self.services))
        self.projects.saved.connect(status.saved.setText)
        self.canvas.status_changed.connect(status.position.setText)
        self._view.cell_described.connect(status.cell.setText)

    def _on_shown(self, image: ProjectImage | None) -> None:
        # Switch the page first: the canvas fits the image to its current size.
        self._middle.setCurrentIndex(0 if image is None else 1)
        self._update_title()
        self.segment.show_image(image)
        try:
            self._view.show(image)
        # Pixels are read only now, so a missing or damaged file shows up here.
        except Exception as error:
            self.services.show_error(error)

    def _on_project(self) -> None:
        self._update_title()
        self.train.trainings.follow_project()
        # After the project was saved under another name, the view stays as it is.
        if self.session.shown is None:
            self._state.restore()
        offer_projects(self.welcome, self.services)

    def _on_masks(self, change: MasksChange) -> None:
        # Drafts arrive with each move of the mouse; the panel follows when the stroke
        # ends.
        if change.kind != "drafted" and change.image is self.session.shown:
            self.segment.show_labels(change.image.masks)

    def _on_warm(self, devices: dict[str, str]) -> None:
        shows = self.status.device.setText, self.welcome.show_device
        show_device(devices, self.services.settings, *shows)

    def _update_title(self) -> None:
        image = self.session.shown
        parts = [image.source.name] if image else []
        if not self.session.project.unnamed:
            parts.append(self.session.project.name)
        self.setWindowTitle(" - ".join([*parts, "Cellpose Studio"]))
