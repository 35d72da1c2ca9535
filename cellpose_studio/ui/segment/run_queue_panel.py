"""Panel of the run queue: progress, failures and buttons."""

from __future__ import annotations

import time
from collections.abc import Callable
from html import escape

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QToolButton,
    QVBoxLayout,
)
from superqt import QElidingLabel

from cellpose_studio.app.background.compile_watch import CompileWatch
from cellpose_studio.app.runs.queue import BatchItem, BatchQueue, BatchState
from cellpose_studio.core.wording import image_count
from cellpose_studio.ui.services import Services

_ROWS = 4
"""Failures that are visible without scrolling."""
_KEY = Qt.ItemDataRole.UserRole
_TILE = 256**2
"""Pixels of a tile."""
_ENOUGH, _LONG = 0.05, 10.0
"""Share and seconds of a run after which its own pace is known."""
_MOST = 0.95
"""Share of a run that its tiles are; masks follow."""


class BatchPanel(QFrame):
    """Shows the run queue; hidden without one, and after it ends without failures."""

    def __init__(self, services: Services, batch: BatchQueue) -> None:
        super().__init__(objectName="batchPanel")
        self._session = services.session
        self._messages = services.messages
        self._batch = batch
        self._pace = Pace(self._pixels_of)
        self._reopened = False
        self._build()
        self.toggle.clicked.connect(self.pause_or_resume)
        self.retry.clicked.connect(batch.retry_failed)
        self.stop.clicked.connect(self._on_stop)
        self.details.toggled.connect(lambda _: self._show_failures())
        self.failures.itemClicked.connect(self._on_failure)
        batch.changed.connect(self._refresh)
        batch.items_changed.connect(self._pace.record)
        batch.progressed.connect(self._on_progress)
        batch.ended.connect(self._on_ended)
        self._session.project_changed.connect(self._on_project)
        self._on_project()

    def follow(self, watch: CompileWatch) -> None:
        """Leave the time in which code is compiled out of what remains."""
        watch.changed.connect(self._pace.hold)

    def pause_or_resume(self) -> None:
        """Pause the queue after the present run, or resume it."""
        if self._batch.paused:
            self._batch.resume()
        elif self._batch.left:
            self._batch.pause()

    def _build(self) -> None:
        # Elided, because a long sentence would widen the window otherwise.
        self.text = QElidingLabel()
        self.text.setObjectName("batchText")
        self.retry = QPushButton("Retry failed", objectName="batchRetry")
        self.toggle = QPushButton(objectName="batchPause")
        self.retry.setToolTip("Run again on the images on which a run failed.")
        self.stop = QPushButton(objectName="batchStop")
        self.details = QToolButton(
            objectName="batchDetails", text="Details", checkable=True
        )
        self.details.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.failures = QListWidget(objectName="batchFailures")
        self.details.setToolTip("List what failed, and why.")
        self.failures.setAccessibleName("Runs that failed")
        self.failures.setToolTip("Click a line to show its image.")
        self.failures.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.failures.setHorizontalScrollBarPolicy(
            Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        )
        row = QHBoxLayout()
        row.addWidget(self.text, 1)
        for button in (self.retry, self.toggle, self.stop, self.details):
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 8, 0)
        column.addLayout(row)
        column.addWidget(self.failures)

    def _refresh(self) -> None:
        remaining, failed = self._batch.left, self._batch.counts["failed"]
        self._reopened = self._reopened and self._batch.paused
        self.setVisible(bool(self._batch.items))
        self.text.setText(self._summary())
        paused = self._batch.paused
        self.toggle.setText("Resume" if paused else "Pause")
        self.toggle.setToolTip(
            "Run the remaining images."
            if paused
            else "Finish the present image, then wait."
        )
        self.toggle.setVisible(remaining > 0)
        self.stop.setText("Cancel all" if remaining else "Close")
        self.stop.setToolTip(
            "Cancel the remaining runs. Existing masks are kept."
            if remaining
            else "Hide this line."
        )
        self.retry.setVisible(failed > 0)
        self.details.setVisible(failed > 0)
        self._show_failures()

    def _summary(self) -> str:
        """Return the progress of the queue, as a sentence."""
        counts = self._batch.counts
        if self._reopened:
            return f"The queue has {image_count(self._batch.left)} remaining."
        parts = [f"{counts['done']} of {len(self._batch.items)} done"]
        others: tuple[BatchState, ...] = ("failed", "cancelled")
        parts += [f"{counts[state]} {state}" for state in others if counts[state]]
        if self._batch.paused:
            return f"Queue paused: {', '.join(parts)}"
        parts.append(self._pace.remaining(self._batch.in_state("waiting")))
        return f"Queue: {', '.join(filter(None, parts))}"

    def _show_failures(self) -> None:
        """List the failures and their reasons, if the details are open."""
        failed = self._batch.in_state("failed")
        opened = self.details.isChecked() and bool(failed)
        arrow = Qt.ArrowType.DownArrow if opened else Qt.ArrowType.RightArrow
        self.details.setArrowType(arrow)
        self.failures.setVisible(opened)
        # Unchanged rows are kept, with their selection and their scroll position.
        if not opened or [i.id for i in failed] == self._listed():
            return
        self.failures.clear()
        for item in failed:
            self.failures.addItem(self._row(item))
        height = self.failures.sizeHintForRow(0) * min(len(failed), _ROWS)
        self.failures.setFixedHeight(height + 2 * self.failures.frameWidth())

    def _listed(self) -> list[int]:
        rows = range(self.failures.count())
        return [self.failures.item(row).data(_KEY) for row in rows]

    def _row(self, item: BatchItem) -> QListWidgetItem:
        image = self._session.image_of(item.image)
        name = image.source.name if image else "An image removed from the project"
        # Most messages begin with the name of the image.
        start = "" if name in item.message else f"{name}: "
        row = QListWidgetItem(f"{start}{item.message}")
        row.setToolTip(
            f"<qt>{escape(start + item.message)}<br>Click to show the image.</qt>"
        )
        row.setData(_KEY, item.id)
        return row

    def _on_failure(self, row: QListWidgetItem) -> None:
        for item in self._batch.in_state("failed"):
            image = self._session.image_of(item.image)
            if item.id == row.data(_KEY) and image is not None:
                self._session.show(image.source.key)

    def _on_stop(self) -> None:
        if self._batch.left:
            self._batch.cancel()
        else:
            self._batch.clear_finished()

    def _on_progress(self, done: int, total: int) -> None:
        self._pace.reach(done / max(total, 1))
        # Reports may come many times in a second; the text tells minutes.
        if not self._batch.paused and self.text.text() != (text := self._summary()):
            self.text.setText(text)

    def _pixels_of(self, item: BatchItem) -> int:
        image = self._session.image_of(item.image)
        if image is None:
            return 0
        t, _, z, y, x = image.source.shape
        # The network sees one tile at least, however small an image is.
        return max(t * z * y * x, _TILE)

    def _on_ended(self) -> None:
        counts, total = self._batch.counts, len(self._batch.items)
        if counts["failed"]:
            return
        done = image_count(counts["done"])
        if counts["cancelled"]:
            self._messages.note(f"Queue cancelled: {done} of {total} done.")
        elif total > 1:
            self._messages.note(f"Queue finished: {done}.")
        self._batch.clear_finished()

    def _on_project(self) -> None:
        """Show the remaining runs of the project that was opened."""
        self._reopened = self._batch.paused
        self._pace.reset()
        self._refresh()


class Pace:
    """Estimates the remaining time of the queue from the pixels run so far.

    Parameters
    ----------
    pixels_of
        Returns how many pixels the run of an item looks at.
    """

    def __init__(
        self,
        pixels_of: Callable[[BatchItem], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pixels_of = pixels_of
        self._clock = clock
        self._held: float | None = None
        self.reset()

    def reset(self) -> None:
        """Discard all measured times."""
        self._running: BatchItem | None = None
        self._started = self._reached = 0.0
        self._elapsed, self._pixels, self._ended = 0.0, 0, 0

    def hold(self, on: bool) -> None:
        """Leave out the time until ``on`` is False, in which code is compiled."""
        now = self._clock()
        if on:
            self._held = now
        elif self._held is not None:
            self._started += now - max(self._held, self._started)
            self._held = None

    def record(self, items: list[BatchItem]) -> None:
        """Measure the time of items that start or end."""
        now = self._clock()
        for item in items:
            if item.state == "running":
                self._running, self._started, self._reached = item, now, 0.0
            elif self._running is not None and item.id == self._running.id:
                self._running = None
                self._elapsed += self._own(now)
                self._pixels += self._pixels_of(item)
                self._ended += 1

    def reach(self, share: float) -> None:
        """Note how much of the present run is done, from 0 to 1."""
        self._reached = share * _MOST

    def _own(self, now: float) -> float:
        """Return the seconds of the present run without those that are left out."""
        end = now if self._held is None else max(self._held, self._started)
        return end - self._started

    def remaining(self, waiting: list[BatchItem]) -> str:
        """Return the estimated time of a run that goes on and of ``waiting``, as text.

        "" while it is unknown.
        """
        elapsed, done = self._elapsed, float(self._pixels)
        left = float(sum(map(self._pixels_of, waiting)))
        is_long = False
        if self._running is not None:
            pixels, own = self._pixels_of(self._running), self._own(self._clock())
            is_long = self._reached >= _ENOUGH and own >= _LONG
            left += (1 - self._reached) * pixels
            if self._reached:
                elapsed, done = elapsed + own, done + self._reached * pixels
        # Two runs at least, unless one is long: the first one loads the model.
        if not left or not done or not (self._ended >= 2 or is_long):
            return ""
        minutes = round(left * elapsed / done / 60)
        if minutes < 1:
            return "less than a minute left"
        hours, minutes = divmod(minutes, 60)
        text = f"{hours} h {minutes} min" if hours else f"{minutes} min"
        return f"about {text} left"
