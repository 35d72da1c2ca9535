"""What works on the session in the background, each part made once."""

from __future__ import annotations

from cellpose_studio.app.background.auto_seal import AutoSeal
from cellpose_studio.app.background.cell_measurer import CellMeasurer
from cellpose_studio.app.background.edits import BackgroundEdits
from cellpose_studio.app.background.flow_recorder import FlowRecorder
from cellpose_studio.app.background.mask_loader import MaskLoader
from cellpose_studio.app.flow_store import FlowStore
from cellpose_studio.app.history.lineage_reader import LineageReader
from cellpose_studio.app.images.missing_images import MissingImages
from cellpose_studio.app.images.thumbnails import Thumbnails
from cellpose_studio.app.images.training_roles import TrainingMembers
from cellpose_studio.app.runs.queue import BatchQueue
from cellpose_studio.app.runs.runner import Runs
from cellpose_studio.app.runs.thresholds import Thresholds
from cellpose_studio.io.cache.thumbnails import ThumbnailCache
from cellpose_studio.paths import cache_dir
from cellpose_studio.ui.services import Services


class Background:
    """Readers, runs and records of the session; the user is told what fails.

    Attributes
    ----------
    missing, thumbnails, roles
        Of the images: whose files are gone, how they look, which are for training.
    flows, masks
        Of the masks: the cache of flows, and what reads masks when they are needed.
    edits, measurer, lineage
        Of the masks that are shown: long edits, their cells, their history.
    runs, run_queue, thresholds
        Networks at work.
    """

    def __init__(self, services: Services) -> None:
        session, io_jobs = services.session, services.io_jobs
        self.missing = MissingImages(session)
        self.thumbnails = Thumbnails(ThumbnailCache(cache_dir() / "thumbnails"))
        self.roles = TrainingMembers(session, io_jobs)
        self.runs = Runs(session, services.gpu_jobs)
        self.run_queue = BatchQueue(session, self.runs, services.gpu_jobs)
        self.thresholds = Thresholds(session, io_jobs)
        self.flows = FlowStore(cache_dir() / "flows")
        self.masks = MaskLoader(session, io_jobs, self.flows)
        self._flow_recorder = FlowRecorder(session, io_jobs, self.flows)
        self._auto_seal = AutoSeal(session)
        self.edits = BackgroundEdits(session, io_jobs)
        self.measurer = CellMeasurer(session, io_jobs)
        # Its panel shows what fails: there is room for it.
        self.lineage = LineageReader(session, io_jobs)
        for part in (
            self.roles,
            self.runs,
            self.run_queue,
            self.thresholds,
            self.masks,
            self.edits,
            self.measurer,
        ):
            part.failed.connect(services.show_error)
        for noting in (self.runs, self.edits):
            noting.noted.connect(services.messages.note)

    def shut_down(self) -> None:
        """Stop what has threads of its own, for good."""
        self.thumbnails.shut_down()
        self.missing.shut_down()
