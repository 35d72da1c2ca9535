"""What is trained on: the list of images and crops, and what is left out of them."""

from __future__ import annotations

from qtpy.QtCore import QPoint, Qt, Signal
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import (
    QAbstractButton,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.ui.commands.command import Command, push_button
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.train.training_set.folders import TrainingFolders
from cellpose_studio.ui.train.training_set.options import ImageForm, LeaveOutForm
from cellpose_studio.ui.train.training_set.pair_list import PairList
from cellpose_studio.ui.train.training_set.pair_model import summary_of
from cellpose_studio.ui.train.training_set.part_actions import PartActions
from cellpose_studio.ui.train.training_set.parts_reader import PartsReader
from cellpose_studio.ui.widgets.section import Section

_EMPTY = (
    "Mark the image shown with these buttons, or drop corrected images here from the "
    "list of images. To use parts of an image, draw training crops on it."
)
_PREVIEW = 190  # px
_ROOM = 480  # px
"""Height from which the preview is shown below the list."""


class TrainingSetSection(QWidget):
    """The training set of the open project.

    Attributes
    ----------
    folders
        Exports and imports; its `open` is set by the window.
    actions
        What can be done with the rows.
    reader
        Reads what is in the set.
    buttons
        Of the commands for folders and validation, by name.
    """

    place_requested = Signal(object)  # the SetPart whose image was just shown
    train_requested = Signal()

    def __init__(self, services: Services) -> None:
        super().__init__(objectName="trainingSetSection")
        self._services = services
        self._session = services.session
        self.training = services.training
        self.folders = TrainingFolders(services, lambda _: None)
        self.reader = PartsReader(services, self)
        self.reader.serve(self)
        self.buttons: dict[str, QAbstractButton] = {}
        self.summary = QLabel(_EMPTY, objectName="trainingSummary", wordWrap=True)
        self.list = PairList(services.stack_jobs)
        self.actions = PartActions(services, self.list)
        self.preview = QLabel(objectName="trainingPreview")
        self.left_out = LeaveOutForm(self.training)
        self.image = ImageForm(self._session, self.training)
        self._lay_out()
        self._connect()

    def commands(self) -> list[Command | None]:
        """Return the commands for the Train menu, beside those of images and tools."""
        return [
            Command(
                "proposeValidation",
                "&Propose images for validation…",
                self.actions.propose,
                button="Propose…",
                tip="Choose one in five of the images for training, always the same "
                "ones. Images that are for validation stay so.",
                reason_disabled=self.actions.reason_no_proposal,
            ),
            None,
            Command(
                "exportTraining",
                "&Export training folder…",
                self.folders.export,
                button="Export…",
                tip="Write images and masks so that Cellpose's command line trains on "
                "them, with a list of what is in there.",
                reason_disabled=self._reason_empty,
            ),
            Command(
                "importTraining",
                "&Import training folder…",
                self.folders.import_folder,
                button="Import…",
                tip="Open images with masks, and use those in a folder called test, "
                "val or validation for validation, others for training.",
            ),
        ]

    # Qt event handlers

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show the preview where there is room for it."""
        super().resizeEvent(event)
        self._show_preview()

    # Construction

    def _lay_out(self) -> None:
        self.roles = [push_button(command) for command in self._role_commands()]
        buttons = QHBoxLayout()
        for button in self.roles:
            buttons.addWidget(button, 1)
        self.preview.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.preview.setAccessibleName("Preview of the selected image")
        self.preview.setToolTip(
            "Outlines are the masks that are trained on; what is hatched is ignored."
        )
        self.preview.hide()
        self.list.setMinimumHeight(150)
        shown = Section("Image shown", self.image)
        out = Section("Leave out", self.left_out)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.summary)
        column.addLayout(buttons)
        column.addWidget(self.list, 1)
        column.addWidget(self.preview)
        column.addWidget(shown)
        column.addWidget(out)
        row = QHBoxLayout()
        for command in filter(None, self.commands()):
            self.buttons[command.name] = button = push_button(command)
            button.setAccessibleName(command.plain_text)
            row.addWidget(button, 1)
        column.addLayout(row)
        self.train = QPushButton("Train on this set…", objectName="trainOnSet")
        self.train.setToolTip("Choose a model, and train it on these images.")
        self.train.clicked.connect(self.train_requested.emit)
        column.addWidget(self.train)

    def _role_commands(self) -> list[Command]:
        return [
            Command(
                "useTraining",
                "Training",
                lambda: self.actions.use_parts("train"),
                tip="Train on the selected rows, or else on the image shown.",
            ),
            Command(
                "useValidation",
                "Validation",
                lambda: self.actions.use_parts("validation"),
                tip="Judge models by the selected rows, or else by the image shown.",
            ),
            Command(
                "useNothing",
                "Leave out",
                lambda: self.actions.use_parts(None),
                tip="Take the selected rows, or else the image shown, out of training "
                "and validation.",
            ),
        ]

    def _connect(self) -> None:
        self.reader.changed.connect(self._on_parts)
        self.list.dropped.connect(self._on_dropped)
        self.list.customContextMenuRequested.connect(self._pop_up)
        self.list.selectionModel().selectionChanged.connect(self._on_selection)
        self.list.activated.connect(lambda _: self._show_selected())
        self.list.clicked.connect(lambda _: self._show_selected())
        self.list.pairs.dataChanged.connect(lambda *_: self._show_preview())

    # Event handlers

    def _on_parts(self) -> None:
        parts = self.reader.parts or []
        self.list.show_parts(parts)
        self.summary.setText(summary_of(parts) if parts else _EMPTY)
        self._show_preview()

    def _on_dropped(self, keys: list[str]) -> None:
        images = map(self._session.image, keys)
        self.actions.use_images(filter(None, images), "train")

    def _on_selection(self, *_: object) -> None:
        self._show_preview()

    def _show_preview(self) -> None:
        parts = self.list.selected_parts()
        picture = self.list.pairs.picture(parts[0]) if len(parts) == 1 else None
        # Other parts of the tab may leave little room.
        has_room = self.height() >= _ROOM
        self.preview.setVisible(picture is not None and has_room)
        if picture is not None and has_room:
            self.preview.setPixmap(
                picture.scaled(
                    self.width(),
                    _PREVIEW,
                    Qt.AspectRatioMode.KeepAspectRatio,
                    Qt.TransformationMode.SmoothTransformation,
                )
            )

    def _show_selected(self) -> None:
        """Show the image of the selected row, at its plane."""
        parts = self.list.selected_parts()
        image = self.actions.image_of(parts[0]) if len(parts) == 1 else None
        if image is not None:
            self._session.show(image.source.key)
            self.place_requested.emit(parts[0])

    def _pop_up(self, position: QPoint) -> None:
        parts = self.list.selected_parts()
        if not parts:
            return
        menu = self.actions.menu(parts)
        menu.exec(self.list.viewport().mapToGlobal(position))
        menu.deleteLater()

    def _reason_empty(self) -> str:
        return "" if self.training.has_members else "No image is marked for training."
