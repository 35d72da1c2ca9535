"""Shows on the canvas what the network will see of the plane shown."""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject, QTimer

from cellpose_studio.app.jobs import Job
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.flows.holes import Part
from cellpose_studio.engine.flows.preparation.context import StepContext
from cellpose_studio.engine.flows.preparation.picture import input_picture
from cellpose_studio.ui.canvas import Canvas
from cellpose_studio.ui.commands.gestures import capitalised
from cellpose_studio.ui.segment.panel import SegmentPanel
from cellpose_studio.ui.services import Services

_LARGEST = 4096 * 4096
"""Pixels of which a picture is made; of larger planes, what is in view is shown."""

_DELAY = 150
"""Milliseconds without a change after which the picture is made."""

_WORKING = "Preparing the input…"
_WAITING = "The input is prepared when the run at hand is done."
_TOO_FAR = "Zoom in to show the prepared input: this image is large."
_NO_PLANES = "The prepared input is shown in planes, not in a 3D rendering."


class PreparedPreview(QObject):
    """The picture of the prepared input, made anew after each change."""

    def __init__(self, services: Services, panel: SegmentPanel, canvas: Canvas) -> None:
        super().__init__(panel)
        self._services = services
        self._session = services.session
        self._panel = panel
        self._canvas = canvas
        self._form = panel.parameters.preparation
        self._job: Job | None = None
        self._timer = QTimer(self, singleShot=True, interval=_DELAY)
        self._timer.timeout.connect(self._start)
        self._form.show_input.toggled.connect(self._on_toggled)
        fields = panel.parameters
        for signal in (
            panel.model.changed,
            fields.preparation.changed,
            fields.preparation.checked,
            fields.normalization.changed,
            canvas.rendering.changed,
        ):
            signal.connect(self._refresh)
        canvas.plane_changed.connect(self._on_plane)
        canvas.camera.changed.connect(self._on_view)
        canvas.image_changed.connect(self._on_image)
        services.download_jobs.queued.connect(
            lambda job: job.ended.connect(self._form.check_again)
        )

    @property
    def shown(self) -> bool:
        """Whether the user wants to see it."""
        return bool(self._form.show_input.isChecked())

    def _on_toggled(self, on: bool) -> None:
        if on:
            self._refresh()
        else:
            self._stop()
            self._canvas.prepared.show(None)
            self._say("")

    def _on_image(self) -> None:
        # The picture has left the canvas with its image.
        self._stop()
        self._refresh()

    def _on_plane(self) -> None:
        if self.shown:
            # The picture is that of another plane.
            self._canvas.prepared.hide()
            self._refresh()

    def _on_view(self) -> None:
        if self._is_large:
            self._refresh()

    def _refresh(self, *_: Any) -> None:
        if self.shown:
            self._timer.start()

    @property
    def _is_large(self) -> bool:
        image = self._session.shown
        return image is not None and prod(image.source.shape[3:]) > _LARGEST

    def _stop(self) -> None:
        self._timer.stop()
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _start(self) -> None:
        self._stop()
        image, request = self._session.shown, self._panel.run_request()
        # The form says itself what is wrong with its steps.
        wanted = self.shown and not self._form.problem
        if not wanted or image is None or request is None:
            self._canvas.prepared.show(None)
            self._say("")
            return
        if self._canvas.rendering.on:
            self._say(_NO_PLANES)
            self._canvas.prepared.show(None)
            return
        part = self._part()
        if part is None:
            self._say(_TOO_FAR)
            self._canvas.prepared.show(None)
            return
        source, (_, parameters) = image.source, request
        place = source.frame_and_plane(self._canvas.plane)
        slow = any(step.runs_network for step in parameters.preparation)
        device = self._services.settings.compute().device if slow else ""
        work = partial(_picture, source, parameters, place, part, device)
        job = Job("Preparing the input", work, quiet=not slow, is_preview=True)
        corner = (part[0].start, part[1].start)
        job.finished.connect(partial(self._on_done, job, corner))
        job.failed.connect(partial(self._on_failed, job))
        job.cancelled.connect(partial(self._on_cancelled, job))
        job.started.connect(partial(self._on_started, job))
        job.progress.connect(partial(self._on_progress, job))
        # Reading a plane must not wait for a network, nor a stroke for reading it.
        queue = self._services.gpu_jobs if slow else self._services.stack_jobs
        runs = any(not other.is_preview for other in queue.jobs)
        self._say(_WAITING if slow and runs else _WORKING)
        self._job = queue.start(job)

    def _part(self) -> tuple[slice, slice] | None:
        """Return rows and columns to show; None if too much of a plane is in view."""
        image = self._session.shown
        assert image is not None
        height, width = image.source.shape[3:]
        if not self._is_large:
            return slice(0, height), slice(0, width)
        part = self._canvas.camera.part_in_view()
        if part is None or prod(side.stop - side.start for side in part) > _LARGEST:
            return None
        return part

    def _on_done(self, job: Job, corner: tuple[int, int], picture: Any) -> None:
        image = self._session.shown
        if job is not self._job or image is None:
            return
        self._job = None
        # All planes show the picture, until that of the next one is there.
        lead = image.source.label_shape[:-2]
        self._canvas.prepared.show(
            np.broadcast_to(picture, (*lead, *picture.shape)), corner=corner
        )
        self._say("Shown as the network will see it.")

    def _on_started(self, job: Job) -> None:
        if job is self._job:
            self._say(_WORKING)

    def _on_progress(self, job: Job, done: int, total: int, what: str) -> None:
        if job is self._job and total:
            self._say(f"{capitalised(what)} {done} of {total}.")

    def _on_cancelled(self, job: Job) -> None:
        # By the user: a job that another one takes the place of is no longer this one.
        if job is self._job:
            self._job = None
            self._form.show_input.setChecked(False)

    def _on_failed(self, job: Job, error: Exception) -> None:
        if job is not self._job:
            return
        self._job = None
        self._canvas.prepared.show(None)
        if isinstance(error, StudioError):
            self._say(f"{error.message} {error.hint}".strip())
        else:
            self._say("")
            self._services.show_error(error)

    def _say(self, text: str) -> None:
        self._form.state.setText(text)
        self._form.state.setVisible(bool(text))


def _picture(
    image: ImageSource,
    parameters: SegmentationParameters,
    place: tuple[int, int],
    part: Part,
    device: str,
    checkpoint: Checkpoint,
) -> npt.NDArray[np.uint8]:
    """Make the picture; a device is named if a network takes part."""
    runs_on = None
    if device:
        # In the thread of the job: torch takes two seconds to import.
        from cellpose_studio.engine.device import device_or_fastest

        runs_on, _ = device_or_fastest(device)
    context = StepContext(checkpoint=checkpoint, device=runs_on)
    return input_picture(image, parameters, *place, part, context)
