"""Keeps the flows of new runs and imports."""

from __future__ import annotations

from cellpose_studio.app.flow_store import FlowStore
from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.session.session import Session

_NEW_FLOWS = ("run", "import")


class FlowRecorder:
    """Keeps the flows of each new run and import, off the GUI thread."""

    def __init__(self, session: Session, queue: JobQueue, flows: FlowStore) -> None:
        self._queue = queue
        self._flows = flows
        session.recorded.connect(self._on_recorded)

    def _on_recorded(self, image: ProjectImage, labels: LabelSet) -> None:
        flows, revision = labels.flows, labels.revision
        if flows is None or revision is None or revision.kind not in _NEW_FLOWS:
            return
        source, record = image.source, labels.record

        def work(_: object) -> None:
            self._flows.put(source, record, revision, flows)

        self._queue.start(Job("Keeping flows", work, quiet=True))
