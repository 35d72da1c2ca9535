"""The queue of runs: how far it is, what failed, and its buttons."""

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

from cellpose_studio.app.runs.queue import BatchItem, BatchQueue, BatchState
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.widgets.wording import image_count

_ROWS = 4
"""How many failures are seen without scrolling."""
_KEY = Qt.ItemDataRole.UserRole


class BatchPanel(QFrame):
    """Shown only while there is a queue; what went well needs no closing."""

    def __init__(self, services: Services, batch: BatchQueue) -> None:
        super().__init__(objectName="batchPanel")
        self._session = services.session
        self._messages = services.messages
        self._batch = batch
        self._pace = Pace()
        self._taken_up = False
        self._build()
        self.toggle.clicked.connect(self.pause_or_resume)
        self.retry.clicked.connect(batch.retry_failed)
        self.stop.clicked.connect(self._on_stop)
        self.details.toggled.connect(lambda _: self._show_failures())
        self.failures.itemClicked.connect(self._on_failure)
        batch.changed.connect(self._refresh)
        batch.items_changed.connect(self._pace.note)
        batch.ended.connect(self._on_ended)
        self._session.project_changed.connect(self._on_project)
        self._on_project()

    def pause_or_resume(self) -> None:
        """Start no other run, or go on."""
        if self._batch.paused:
            self._batch.resume()
        elif self._batch.left:
            self._batch.pause()

    def _build(self) -> None:
        # A long sentence must not make the window wider.
        self.text = QElidingLabel()
        self.text.setObjectName("batchText")
        self.retry = QPushButton("Try failed again", objectName="batchRetry")
        self.toggle = QPushButton(objectName="batchPause")
        self.stop = QPushButton(objectName="batchStop")
        self.details = QToolButton(
            objectName="batchDetails", text="Details", checkable=True
        )
        self.details.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.failures = QListWidget(objectName="batchFailures")
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
        left, failed = self._batch.left, self._batch.counts["failed"]
        self._taken_up = self._taken_up and self._batch.paused
        self.setVisible(bool(self._batch.items))
        self.text.setText(self._words())
        paused = self._batch.paused
        self.toggle.setText("Resume" if paused else "Pause")
        self.toggle.setToolTip(
            "Go on with the images that are left."
            if paused
            else "Let the image that runs finish, and start no other."
        )
        self.toggle.setVisible(left > 0)
        self.stop.setText("Cancel all" if left else "Close")
        self.stop.setToolTip(
            "Stop, and leave out the rest. Masks that are there stay." if left else ""
        )
        self.retry.setVisible(failed > 0)
        self.details.setVisible(failed > 0)
        self._show_failures()

    def _words(self) -> str:
        """Return how far it is, in words."""
        counts = self._batch.counts
        if self._taken_up:
            return f"The queue has {image_count(self._batch.left)} left."
        parts = [f"{counts['done']} of {len(self._batch.items)} done"]
        others: tuple[BatchState, ...] = ("failed", "cancelled")
        parts += [f"{counts[state]} {state}" for state in others if counts[state]]
        if self._batch.paused:
            return f"Queue paused: {', '.join(parts)}"
        parts.append(self._pace.left(self._batch.left))
        return f"Queue: {', '.join(filter(None, parts))}"

    def _show_failures(self) -> None:
        """List what failed and why, if the user wants to know."""
        failed = self._batch.in_state("failed")
        opened = self.details.isChecked() and bool(failed)
        arrow = Qt.ArrowType.DownArrow if opened else Qt.ArrowType.RightArrow
        self.details.setArrowType(arrow)
        self.failures.setVisible(opened)
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
        name = image.source.name if image else "An image that was taken off the list"
        # The sentence mostly has the name in it.
        start = "" if name in item.message else f"{name}: "
        row = QListWidgetItem(f"{start}{item.message}")
        row.setToolTip(f"<qt>{escape(start + item.message)}<br>Click to see it.</qt>")
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

    def _on_ended(self) -> None:
        counts, total = self._batch.counts, len(self._batch.items)
        if counts["failed"]:
            return
        done = image_count(counts["done"])
        if counts["cancelled"]:
            self._messages.note(f"The queue has ended: {done} of {total} done.")
        elif total > 1:
            self._messages.note(f"The queue is done: {done}.")
        self._batch.clear_finished()

    def _on_project(self) -> None:
        """Say what the project that was opened has left to do."""
        self._taken_up = self._batch.paused
        self._pace.reset()
        self._refresh()


class Pace:
    """How long an image takes, and with it the rest."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Know nothing."""
        self._started: dict[int, float] = {}
        self._spent, self._ended = 0.0, 0

    def note(self, items: list[BatchItem]) -> None:
        """Take the time of items that begin or end."""
        now = self._clock()
        for item in items:
            if item.state == "running":
                self._started[item.id] = now
            elif item.id in self._started:
                self._spent += now - self._started.pop(item.id)
                self._ended += 1

    def left(self, items: int) -> str:
        """Return how long ``items`` will take, in words; "" where that is not known."""
        # The first one loads the model, too.
        if not items or self._ended < 2:
            return ""
        minutes = round(items * self._spent / self._ended / 60)
        if minutes < 1:
            return "less than a minute left"
        hours, minutes = divmod(minutes, 60)
        words = f"{hours} h {minutes} min" if hours else f"{minutes} min"
        return f"about {words} left"
