"""Interface of the window for its menus."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QDialog, QDockWidget, QMenuBar, QTabWidget

from cellpose_studio.app.jobs import Job
from cellpose_studio.app.session.session import Session
from cellpose_studio.ui.canvas import Canvas
from cellpose_studio.ui.curate.panel import CuratePanel
from cellpose_studio.ui.display.cell_text.provider import CellTextProvider
from cellpose_studio.ui.display.ortho.ortho import OrthoViews
from cellpose_studio.ui.display.panel import DisplayPanel
from cellpose_studio.ui.figure.export import FigureExport
from cellpose_studio.ui.files.open_files import FileOpener
from cellpose_studio.ui.files.projects import Projects
from cellpose_studio.ui.files.relink import Relinker
from cellpose_studio.ui.history.comparison import ComparisonView
from cellpose_studio.ui.history.panel import HistoryPanel
from cellpose_studio.ui.history.revision_actions import RevisionActions
from cellpose_studio.ui.images.actions import ImageActions
from cellpose_studio.ui.images.panel import ImagesPanel
from cellpose_studio.ui.measure.panel import MeasurePanel
from cellpose_studio.ui.segment.models.weight_files import AddedModels
from cellpose_studio.ui.segment.panel import SegmentPanel
from cellpose_studio.ui.segment.region_runs import RegionRuns
from cellpose_studio.ui.segment.run_queue_panel import BatchPanel
from cellpose_studio.ui.segment.search.opener import ParameterSearch
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.tools.commands import CellCommands
from cellpose_studio.ui.tools.manager import ToolManager
from cellpose_studio.ui.tools.plane_commands import PlaneCommands
from cellpose_studio.ui.tools.tracks.commands import TrackCommands
from cellpose_studio.ui.train.panel import TrainPanel
from cellpose_studio.ui.window.background import Background
from cellpose_studio.ui.window.job_bar import JobBar


class Startable(Protocol):
    """What a command starts."""

    def start(self) -> None:
        """Begin, or begin again."""
        ...


# The menus know the window by this protocol, because the window imports the menus.
class MenuHost(Protocol):
    """Parts and actions of the window that its menus use."""

    services: Services
    session: Session
    background: Background
    canvas: Canvas
    tools: ToolManager
    cell_commands: CellCommands
    plane_commands: PlaneCommands
    track_commands: TrackCommands
    ortho: OrthoViews
    files: FileOpener
    projects: Projects
    relinker: Relinker
    images: ImagesPanel
    image_actions: ImageActions
    segment: SegmentPanel
    parameter_search: ParameterSearch
    regions: RegionRuns
    models: AddedModels
    batch_panel: BatchPanel
    curate: CuratePanel
    display: DisplayPanel
    cell_text: CellTextProvider
    figures: FigureExport
    comparison: ComparisonView
    revisions: RevisionActions
    measure: MeasurePanel
    train: TrainPanel
    history: HistoryPanel
    jobs: JobBar
    panels: Sequence[QDockWidget]
    tabs: QTabWidget
    tour: Startable

    def open(self, paths: list[Path]) -> Job | None:
        """Open files and folders, or a project among them."""
        ...

    def run(self) -> Job | None:
        """Run the chosen model on the images of the scope."""
        ...

    def save(self) -> None:
        """Ask for formats, and export the images selected, or else the one shown."""
        ...

    def close_image(self) -> None:
        """Remove the image shown from the project."""
        ...

    def menuBar(self) -> QMenuBar:
        """Return the menu bar; a method of Qt."""
        ...

    def findChildren(self, kind: type[QDialog]) -> list[QDialog]:
        """Return the child widgets of a class; a method of Qt."""
        ...

    def installEventFilter(self, watcher: QObject) -> None:
        """Show the window's events to a watcher first; a method of Qt."""
        ...

    def close(self) -> bool:
        """Close the window; a method of Qt."""
        ...
