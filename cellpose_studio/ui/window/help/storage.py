"""The dialog with the folders of the application, and the room that they take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from qtpy.QtCore import Qt, QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.app.failures import failure_of
from cellpose_studio.app.jobs import Job, JobQueue, Work
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.io.storage import (
    Cleared,
    Storage,
    clear,
    room_text,
    size_of,
    storages,
)
from cellpose_studio.ui.widgets.question import ask
from cellpose_studio.ui.widgets.vertical_scroll import VerticalScroll

_BUTTONS = QDialogButtonBox.StandardButton
_WIDTH = 760
_AROUND = 48  # px, of margins
_MEASURING = "…"


class StorageDialog(QDialog):
    """Lists the folders, opens them, and clears the cache after a question.

    Parameters
    ----------
    parent
        The window that it belongs to.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Files of this app")
        self.storages = storages()
        self._jobs = JobQueue(self)
        self.rooms: list[QLabel] = []
        self.opens: list[QPushButton] = []
        self.note = QLabel(wordWrap=True)
        self.clear = QPushButton("Clear cache…", objectName="clearCache")
        self.clear.setAutoDefault(False)
        self.clear.setToolTip(
            "<qt>Remove what can be computed again. Projects, settings, models and "
            "images are kept.</qt>"
        )
        self.clear.setEnabled(False)
        self.clear.clicked.connect(self._ask_and_clear)
        self._sizes: Sequence[int] = []
        self._lay_out()

    def measure(self) -> None:
        """Find the room of each folder, off the GUI thread."""
        self._do("Measuring folders", self._sizes_of_all, self._show_sizes)

    def done(self, result: int) -> None:
        """Stop measuring when the dialog is closed."""
        self._jobs.shut_down()
        super().done(result)

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setColumnStretch(0, 1)
        for row, storage in enumerate(self.storages):
            grid.addWidget(self._description(storage), row, 0)
            room = QLabel(_MEASURING)
            room.setAlignment(
                Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            )
            button = QPushButton("Open folder")
            button.setAutoDefault(False)
            button.setToolTip(str(storage.path))
            button.clicked.connect(lambda _, storage=storage: self._open(storage))
            grid.addWidget(room, row, 1)
            grid.addWidget(button, row, 2)
            self.rooms.append(room)
            self.opens.append(button)
        buttons = QDialogButtonBox(_BUTTONS.Close)
        buttons.addButton(self.clear, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        below = QHBoxLayout()
        below.addWidget(self.note, 1)
        below.addWidget(buttons)
        page = QWidget()
        page.setLayout(grid)
        scroll = VerticalScroll()
        scroll.setWidget(page)
        column = QVBoxLayout(self)
        column.addStrut(_WIDTH)
        column.addWidget(scroll, 1)
        column.addLayout(below)
        screen = self.screen().availableGeometry().height()
        needed = page.heightForWidth(_WIDTH) + buttons.sizeHint().height()
        self.resize(_WIDTH, min(needed + _AROUND, screen - 2 * _AROUND))

    def _description(self, storage: Storage) -> QWidget:
        path = escape(str(storage.path))
        text = QLabel(
            f"<b>{storage.title}</b>: {storage.holds}<br>"
            f"<span style='color: gray'>{path}</span>",
            wordWrap=True,
        )
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        return text

    def _open(self, storage: Storage) -> None:
        # A folder that is not there yet is needed later anyway.
        try:
            storage.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._tell(f"{storage.path} cannot be opened: {error.strerror}.")
            return
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(storage.path))):
            self._tell(f"No program opens folders here. It is {storage.path}.")

    def _sizes_of_all(self, checkpoint: Checkpoint) -> list[int]:
        return [size_of(storage, checkpoint) for storage in self.storages]

    def _show_sizes(self, sizes: list[int]) -> None:
        self._sizes = sizes
        for room, button, storage, size in zip(
            self.rooms, self.opens, self.storages, sizes, strict=True
        ):
            room.setText(room_text(size))
            button.setEnabled(storage.path.is_dir())
        self.clear.setEnabled(self._clearable_size() > 0)

    def _clearable(self) -> list[Storage]:
        return [storage for storage in self.storages if storage.ending]

    def _clearable_size(self) -> int:
        pairs = zip(self.storages, self._sizes, strict=True)
        return sum(size for storage, size in pairs if storage.ending)

    def _ask_and_clear(self) -> None:
        text = f"Clear {room_text(self._clearable_size())} of cached files?"
        after = " ".join(storage.afterwards for storage in self._clearable())
        more = f"{after} Masks, projects, settings, models and images are kept."
        if ask(self, "Clear the cache", text, more, "Clear cache"):
            self.clear.setEnabled(False)
            self._do("Clearing the cache", self._clear_all, self._show_cleared)

    def _clear_all(self, checkpoint: Checkpoint) -> list[Cleared]:
        return [clear(storage, checkpoint) for storage in self._clearable()]

    def _show_cleared(self, cleared: list[Cleared]) -> None:
        text = f"Cleared {room_text(sum(each.size for each in cleared))}."
        kept = sum(each.kept for each in cleared)
        if kept:
            text += f" {kept} files are in use, and were kept."
        self._tell(text)
        self.measure()

    def _do(self, title: str, work: Work, done: Callable[[Any], object]) -> None:
        job = Job(title, work, quiet=True)
        job.finished.connect(done)
        job.failed.connect(lambda error: self._tell(failure_of(error).message))
        self._jobs.start(job)

    def _tell(self, text: str) -> None:
        self.note.setText(text)
