"""Background services of the session: readers, runs and records."""

from __future__ import annotations

from cellpose_studio.app.background.auto_seal import AutoSeal
from cellpose_studio.app.background.cell_measurer import CellMeasurer
from cellpose_studio.app.background.compile_watch import CompileWatch
from cellpose_studio.app.background.edits import BackgroundEdits
from cellpose_studio.app.background.flow_recorder import FlowRecorder
from cellpose_studio.app.background.kept_reader import KeptReader
from cellpose_studio.app.background.mask_loader import MaskLoader
from cellpose_studio.app.background.table_measurer import TableMeasurer
from cellpose_studio.app.flow_store import FlowStore
from cellpose_studio.app.history.lineage_reader import LineageReader
from cellpose_studio.app.images.experiment import Experiment
from cellpose_studio.app.images.missing_images import MissingImages
from cellpose_studio.app.images.thumbnails import Thumbnails
from cellpose_studio.app.runs.queue import BatchQueue
from cellpose_studio.app.runs.runner import Runs
from cellpose_studio.app.runs.thresholds import Thresholds
from cellpose_studio.app.session.compartments import Compartments
from cellpose_studio.io.cache.thumbnails import ThumbnailCache
from cellpose_studio.paths import cache_dir
from cellpose_studio.ui.services import Services


class Background:
    """One instance of each background service; failures are shown in the message bar.

    Attributes
    ----------
    missing, thumbnails, experiment
        Of the images: missing files, thumbnails, and columns of the experiment.
    flows, masks
        Of the masks: the cache of flows, and the loader of masks on demand.
    edits, measurer, table, kept, lineage
        Of the masks shown: long edits, measurements of cells for the review and for
        tables, what a new run keeps, revision history.
    runs, run_queue, thresholds
        Runs of networks, and masks for changed thresholds.
    compiling
        Tells when code is compiled.
    """

    def __init__(self, services: Services) -> None:
        session, io_jobs = services.session, services.io_jobs
        self.compiling = CompileWatch()
        self.missing = MissingImages(session)
        self.thumbnails = Thumbnails(ThumbnailCache(cache_dir() / "thumbnails"))
        self.experiment = Experiment(session)
        settings = services.settings
        self.runs = Runs(
            session,
            services.gpu_jobs,
            settings.cluster,
            settings.compute,
            io_jobs,
            services.large.small_copy,
        )
        # Single runs and the queue share one job queue, because they share one device.
        self.run_queue = BatchQueue(session, self.runs, services.gpu_jobs)
        self.thresholds = Thresholds(session, io_jobs)
        # The recorder stores flows in this cache, and the loader reads them from it.
        self.flows = FlowStore(cache_dir() / "flows")
        self.masks = MaskLoader(session, io_jobs, self.flows)
        self._flow_recorder = FlowRecorder(session, io_jobs, self.flows)
        self._auto_seal = AutoSeal(session)
        self.edits = BackgroundEdits(session, io_jobs)
        self.measurer = CellMeasurer(session, io_jobs)
        compartments = Compartments(session)
        self.table = TableMeasurer(session, services.measure_jobs, compartments)
        self.kept = KeptReader(session, io_jobs)
        # Not connected below: the History panel shows the errors of its reader itself.
        self.lineage = LineageReader(session, io_jobs)
        for part in (
            services.training,
            self.runs,
            self.run_queue,
            self.thresholds,
            self.masks,
            self.edits,
            self.measurer,
            self.table,
            self.kept,
        ):
            part.failed.connect(services.show_error)
        for part_with_notes in (self.runs, self.edits):
            part_with_notes.noted.connect(services.messages.note)

    def shut_down(self) -> None:
        """Stop the services that have their own threads; they cannot be restarted."""
        self.compiling.shut_down()
        self.thumbnails.shut_down()
        self.missing.shut_down()
