"""Actions of the Segment tab: runs, and changes of thresholds."""

from __future__ import annotations

from cellpose_studio.app.background.edits import BackgroundEdits
from cellpose_studio.app.jobs import Job
from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.runs.runner import Runs
from cellpose_studio.app.runs.thresholds import Thresholds
from cellpose_studio.app.session.session import Session
from cellpose_studio.ui.segment.large_images import (
    Confirm,
    ConfirmSeveral,
    confirm_blocks,
    confirm_several,
)
from cellpose_studio.ui.segment.panel import SegmentPanel
from cellpose_studio.ui.segment.region_runs import RegionRuns
from cellpose_studio.ui.segment.run_scope import Request, RunScope
from cellpose_studio.ui.segment.thresholds import (
    ResultPanel,
    bring_back_text,
    left_out_text,
)
from cellpose_studio.ui.services import Services


class SegmentActions:
    """Connects the buttons and sliders of the Segment tab to their actions."""

    def __init__(
        self,
        session: Session,
        panel: SegmentPanel,
        scope: RunScope,
        runs: Runs,
        thresholds: Thresholds,
        regions: RegionRuns,
    ) -> None:
        self._session = session
        self._panel = panel
        self._scope = scope
        self._runs = runs
        self._thresholds = thresholds
        self._regions = regions
        panel.parameters.masks.follow(session)
        self.confirm: Confirm = confirm_blocks
        self.confirm_several: ConfirmSeveral = confirm_several
        panel.run_requested.connect(self.run)
        panel.thresholds_changed.connect(self.change_thresholds)
        panel.thresholds_released.connect(thresholds.end_gesture)

    def run(self) -> Job | None:
        """Run the chosen model on the images of the scope."""
        request, image = self._panel.run_request(), self._session.shown
        if request is None or image is None:
            return None
        if self._scope.several:
            self._scope.queue(self._confirm_queue)
            return None
        if self._scope.in_view:
            return self._regions.run_on_view()
        masks = self._panel.parameters.masks.name
        needed = self._runs.forecast(image, *request, masks)
        if needed.side and not self.confirm(image.source, needed, self._panel):
            return None
        return self._runs.start(image, *request, masks=masks)

    def _confirm_queue(self, requests: list[Request]) -> bool:
        """Ask once for all images of the queue that are too large to run as a whole."""
        large = [
            needed for request in requests for needed in self._runs.in_blocks(*request)
        ]
        count = sum(len(images) for images, *_ in requests)
        return not large or self.confirm_several(count, large, self._panel)

    def change_thresholds(self) -> None:
        """Recompute the masks of the image shown with the thresholds of the panel."""
        image = self._session.shown
        if image is None or image.masks is None:
            return
        before = image.masks.parameters
        # Only the thresholds change: the flows were computed with the other parameters.
        changed = {**before.model_dump(), **self._panel.result.values()}
        self._thresholds.change(image, type(before).model_validate(changed))


class LeftOutCells:
    """Reports cells that a run left out where cells were deleted; restores them."""

    def __init__(
        self, services: Services, result: ResultPanel, edits: BackgroundEdits
    ) -> None:
        self._services = services
        self._session = services.session
        self._edits = edits
        result.bring_back_requested.connect(self.bring_back)
        self._session.recorded.connect(self._on_recorded)

    def bring_back(self) -> None:
        """Put the cells into place that were left out of the masks shown."""
        image = self._session.shown
        if image is not None:
            # Another button than its own may have done what the message offers.
            self._services.messages.withdraw(self.bring_back)
            self._edits.change_masks(
                image,
                "Bring back cells",
                lambda operations, checkpoint: operations.bring_back(checkpoint),
            )

    def _on_recorded(self, image: ProjectImage, labels: LabelSet) -> None:
        revision, text = labels.revision, left_out_text(labels)
        # While a slider moves, only the panel says it.
        is_run = revision is not None and revision.kind == "run"
        if text and is_run and image is self._session.shown:
            self._services.messages.offer(
                text, bring_back_text(labels), self.bring_back
            )
