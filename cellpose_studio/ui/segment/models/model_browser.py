"""Dialog with all available models and their cards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtGui import QDragEnterEvent, QDropEvent, QShowEvent
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QListWidget,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.models.published import PublishedModel
from cellpose_studio.ui.segment.models.model_card_html import card_html, published_html
from cellpose_studio.ui.segment.models.published_list import PublishedList

_SIZE = (980, 640)
_LETTERS = 130
"""Width, in widths of a letter."""
_FRAME = 20
"""Width of the frame of the window, px."""
_LIST_WIDTH = 260
_OWN_HEIGHT = 150
_BUTTONS = QDialogButtonBox.StandardButton

FindInstalled = Callable[[PublishedModel], Path | None]
IsComplete = Callable[[PublishedModel], bool]


class ModelBrowser(QDialog):
    """Lists the models, with the card of the selected one beside the list.

    Below the models that can be used lie those that Cellpose has published, once
    `offer` has been called.
    """

    file_requested = Signal()
    files_dropped = Signal(list)  # paths
    rename_requested = Signal(int)  # index of the model
    remove_requested = Signal(int)
    export_requested = Signal(object)  # ModelSpec
    download_requested = Signal(object)  # PublishedModel
    cancel_requested = Signal()
    published_requested = Signal(object)  # PublishedModel, to be used
    delete_requested = Signal(object)  # PublishedModel

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Models")
        self._models: list[ModelSpec] = []
        self._find: FindInstalled = lambda _: None
        self._is_complete: IsComplete = lambda _: False
        self.downloading = ""
        """Name of the model that is downloaded; "" for none."""
        self.list = QListWidget(objectName="modelList")
        self.list.setAccessibleName("Models that can be used")
        self.list.setToolTip(
            "Models that can be used. Drop weight files and packages here."
        )
        self.published = PublishedList()
        self.published.hide()
        self.card = QTextBrowser(objectName="modelCard")
        self.card.setAccessibleName("Card of the model")
        self.card.setToolTip(
            "What the model is for, what it learned from, its licence."
        )
        self.add = _button(
            "Add file…",
            "addModelFile",
            "Add a weight file of Cellpose 1 to 4, such as your own model, or a "
            "package of bioimage.io (ZIP).",
        )
        self.rename = _button(
            "Rename…", "renameModel", "Give the model of a file another name here."
        )
        self.remove = _button(
            "Remove", "removeModel", "Remove the model from this list. Its file stays."
        )
        self.export = _button(
            "Export…",
            "exportModel",
            "Save the model with its card: as a weight file, as one for Cellpose 1 to "
            "3, or as a package of bioimage.io.",
        )
        self.download = _button("Download", "downloadModel", "")
        self.delete = _button(
            "Delete…", "deleteModel", "Delete the files of this model from the disk."
        )
        self.progress = QProgressBar(objectName="downloadProgress")
        self.progress.setAccessibleName("Progress of the download")
        self.progress.hide()
        self.buttons = QDialogButtonBox(_BUTTONS.Ok | _BUTTONS.Cancel)
        use = self.buttons.button(_BUTTONS.Ok)
        use.setText("Use this model")
        use.setToolTip("Choose the selected model for the next runs.")
        self._lay_out()
        self._connect()

    @property
    def chosen(self) -> int:
        """Index of the selected model; -1 for none."""
        return int(self.list.currentRow())

    def set_models(self, models: Sequence[ModelSpec], chosen: int) -> None:
        """List ``models`` and select one of them."""
        self._models = list(models)
        self.list.clear()
        self.list.addItems([model.label for model in models])
        self.list.setCurrentRow(chosen)

    def allow_changes(self) -> None:
        """Let files be dropped, and models of files be renamed and removed."""
        self.setAcceptDrops(True)
        self.rename.show()
        self.remove.show()
        self.export.show()

    def offer(
        self,
        models: Sequence[PublishedModel],
        find: FindInstalled,
        is_complete: IsComplete,
    ) -> None:
        """List published models.

        Parameters
        ----------
        find
            Tells where a model is installed.
        is_complete
            Whether nothing of it is missing, such as its size model.
        """
        self._find = find
        self._is_complete = is_complete
        self.published.set_models(models, lambda model: find(model) is not None)
        self.published.show()
        self._refresh()

    def show_progress(self, name: str, done: int = 0, total: int = 0) -> None:
        """Show how far the download of a model is; "" for the end of it."""
        self.downloading = name
        self.progress.setVisible(bool(name))
        self.progress.setRange(0, total)
        self.progress.setValue(done)
        self.progress.setFormat(
            f"{name}: {done / 1000:,.1f} of {total / 1000:,.1f} MB" if total else name
        )
        self._refresh()

    def accept(self) -> None:
        """Use the selected model."""
        if not self.buttons.button(_BUTTONS.Ok).isEnabled():
            return
        published = self.published.chosen
        if published is not None:
            self.published_requested.emit(published)
            self.reject()
        else:
            super().accept()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Add the dropped weight files."""
        urls = event.mimeData().urls()
        paths = [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
        self.files_dropped.emit(paths)
        event.acceptProposedAction()

    def _lay_out(self) -> None:
        own = QHBoxLayout()
        for button in (self.add, self.rename, self.remove):
            own.addWidget(button)
        # Four buttons in a row would be too narrow for their texts.
        below = QHBoxLayout()
        below.addWidget(self.export)
        fetched = QHBoxLayout()
        fetched.addWidget(self.download)
        fetched.addWidget(self.delete)
        side = QWidget()
        side.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        left = QVBoxLayout(side)
        left.addStrut(_LIST_WIDTH)
        left.setContentsMargins(0, 0, 0, 0)
        left.addWidget(self.list, 1)
        left.addLayout(own)
        left.addLayout(below)
        left.addWidget(self.published, 2)
        left.addLayout(fetched)
        both = QHBoxLayout()
        both.addWidget(side)
        both.addWidget(self.card, 1)
        column = QVBoxLayout(self)
        column.addLayout(both, 1)
        column.addWidget(self.progress)
        column.addWidget(self.buttons)
        self.list.setMinimumHeight(_OWN_HEIGHT)
        for button in (self.rename, self.remove, self.export):
            button.hide()
        for button in (self.download, self.delete):
            button.hide()
        self.resize(*_SIZE)

    def showEvent(self, event: QShowEvent) -> None:
        """Take more of the screen with large letters; Qt calls this."""
        super().showEvent(event)
        room, letters = self.screen().availableGeometry(), self.fontMetrics()
        width = min(letters.averageCharWidth() * _LETTERS, room.width() - _FRAME)
        self.resize(max(self.width(), width), self.height())

    def _connect(self) -> None:
        self.list.currentRowChanged.connect(self._on_row)
        self.list.itemDoubleClicked.connect(self.accept)
        self.published.chosen_changed.connect(self._on_published)
        self.add.clicked.connect(self.file_requested)
        self.rename.clicked.connect(lambda: self.rename_requested.emit(self.chosen))
        self.remove.clicked.connect(lambda: self.remove_requested.emit(self.chosen))
        self.export.clicked.connect(
            lambda: self.export_requested.emit(self._models[self.chosen])
        )
        self.download.clicked.connect(self._on_download)
        self.delete.clicked.connect(
            lambda: self.delete_requested.emit(self.published.chosen)
        )
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

    def _on_row(self, row: int) -> None:
        if row >= 0:
            self.published.clear_choice()
        self._refresh()

    def _on_published(self) -> None:
        self.list.blockSignals(True)
        self.list.setCurrentRow(-1)
        self.list.blockSignals(False)
        self._refresh()

    def _on_download(self) -> None:
        if self.downloading:
            self.cancel_requested.emit()
        elif self.published.chosen is not None:
            self.download_requested.emit(self.published.chosen)

    def _refresh(self) -> None:
        published = self.published.chosen
        own = (
            self._models[self.chosen] if 0 <= self.chosen < len(self._models) else None
        )
        path = None if published is None else self._find(published)
        if published is not None:
            self.card.setHtml(published_html(published, path))
        else:
            self.card.setHtml("" if own is None else card_html(own))
        for button in (self.rename, self.remove):
            button.setEnabled(own is not None and own.source == "file")
        self.export.setEnabled(own is not None)
        usable = published is not None and path is not None and published.runs_here
        ready = usable if published is not None else own is not None
        self.buttons.button(_BUTTONS.Ok).setEnabled(ready)
        self._refresh_download(published, path)

    def _refresh_download(
        self, published: PublishedModel | None, path: Path | None
    ) -> None:
        for button in (self.download, self.delete):
            button.setVisible(self.published.isVisibleTo(self))
        self.delete.setEnabled(path is not None and not self.downloading)
        self.download.setText("Cancel download" if self.downloading else "Download")
        missing = (
            published is not None
            and not published.refused
            and not self._is_complete(published)
        )
        self.download.setEnabled(missing or bool(self.downloading))
        if self.downloading:
            tip = "Cancel the download. What has arrived is kept for the next time."
        elif published is not None and published.refused:
            tip = f"{published.name} {published.refused}"
        else:
            tip = "Download the selected model from the web site of Cellpose."
        self.download.setToolTip(f"<qt>{tip}</qt>")


def _button(text: str, name: str, tip: str) -> QPushButton:
    button = QPushButton(text, objectName=name)
    button.setToolTip(f"<qt>{tip}</qt>")
    button.setAutoDefault(False)
    return button
