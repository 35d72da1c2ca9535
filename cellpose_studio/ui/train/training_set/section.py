"""What is trained on: the list of images and crops, and what is left out of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from qtpy.QtCore import QPoint, Qt, QTimer, Signal
from qtpy.QtGui import QHideEvent, QResizeEvent, QShowEvent
from qtpy.QtWidgets import (
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.app.jobs import Job
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.models.training_set import Role
from cellpose_studio.core.review.training_marks import CropRole, TrainingCrop
from cellpose_studio.core.wording import image_count
from cellpose_studio.ui.commands.command import Command, fill, push_button
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.train.training_set.folders import TrainingFolders
from cellpose_studio.ui.train.training_set.options import ImageForm, LeaveOutForm
from cellpose_studio.ui.train.training_set.pair_list import PairList
from cellpose_studio.ui.train.training_set.pair_model import summary_of
from cellpose_studio.ui.widgets.question import ask
from cellpose_studio.ui.widgets.section import Section
from cellpose_studio.workflows.training.project_set import SetPart

_EMPTY = (
    "Mark corrected images with Use for training, or drop them here from the list "
    "of images. To use parts of an image, draw training crops on it."
)
_DELAY = 200  # ms
_PREVIEW = 190  # px
_ROOM = 480  # px
"""Height from which the preview is shown below the list."""
_NO_PROPOSAL = (
    "One in five images is for validation already, or there are fewer than two."
)

Confirm = Callable[[QWidget, str, str, str, str], bool]
AskName = Callable[[QWidget, str], str]


def ask_name(parent: QWidget, name: str) -> str:
    """Ask for the name of a crop; return "" if the user cancels."""
    text, answered = QInputDialog.getText(
        parent, "Rename crop", "Name of the crop", text=name
    )
    return text.strip() if answered else ""


class TrainingSetSection(QWidget):
    """The training set of the open project.

    Attributes
    ----------
    folders
        Exports and imports; its `open` is set by the window.
    confirm, ask_name
        Questions to the user.
    """

    place_requested = Signal(object)  # the SetPart whose image was just shown

    def __init__(self, services: Services) -> None:
        super().__init__(objectName="trainingSetSection")
        self._services = services
        self._session = services.session
        self.training = services.training
        self.folders = TrainingFolders(services, lambda _: None)
        self.confirm: Confirm = ask
        self.ask_name: AskName = ask_name
        self._job: Job | None = None
        self._is_dirty = True
        self._timer = QTimer(self, singleShot=True, interval=_DELAY)
        self._timer.timeout.connect(self._read)
        self.summary = QLabel(_EMPTY, objectName="trainingSummary", wordWrap=True)
        self.list = PairList(services.stack_jobs)
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
                self.propose,
                tip="Choose one in five of the images for training, always the same "
                "ones. Images that are for validation stay so.",
                reason_disabled=self._reason_no_proposal,
            ),
            None,
            Command(
                "exportTraining",
                "&Export training folder…",
                self.folders.export,
                tip="Write images and masks so that Cellpose's command line trains on "
                "them, with a list of what is in there.",
                reason_disabled=self._reason_empty,
            ),
            Command(
                "importTraining",
                "&Import training folder…",
                self.folders.import_folder,
                tip="Open images with masks, and use those in a folder called test, "
                "val or validation for validation, others for training.",
            ),
        ]

    def propose(self) -> None:
        """Ask whether to validate on one in five images, and do so."""
        proposed = self.training.proposal()
        if not proposed:
            self._services.messages.note(_NO_PROPOSAL)
            return
        names = ", ".join(image.source.name for image in proposed[:5])
        more = f" and {len(proposed) - 5} more" if len(proposed) > 5 else ""
        if self.confirm(
            self,
            "Images for validation",
            f"Use {image_count(len(proposed))} for validation instead of training?",
            f"{names}{more}. Models are judged by them, so they should stay the same "
            "from one training to the next.",
            "Use for validation",
        ):
            self.training.set_role(proposed, "validation")

    def use_parts(self, role: Role | None) -> None:
        """Use the selected rows, or else the image shown, for something else."""
        parts = self.list.selected_parts()
        if not parts:
            shown = self._session.shown
            self.use_images([shown] if shown is not None else [], role)
            return
        whole = {part.image: None for part in parts if part.crop is None}
        images = [self._session.image_of(number) for number in whole]
        self.use_images([image for image in images if image is not None], role)
        for part in parts:
            image = self._session.image_of(part.image)
            if part.crop is not None and image is not None:
                self._use_crop(image, part.crop, role or "out")

    def use_images(self, images: Iterable[ProjectImage], role: Role | None) -> None:
        """Use images for training or validation, or leave them out."""
        if without := len(self.training.set_role(images, role)):
            self._services.messages.note(
                f"{image_count(without)} without masks cannot be used."
            )

    def rename_crop(self) -> None:
        """Ask for a new name of the selected crop."""
        image, crop = self._selected_crop()
        if image is None or crop is None:
            return
        name = self.ask_name(self, crop.name)
        if name and name != crop.name:
            changed = crop.model_copy(update={"name": name[:200]})
            try:
                self.training.change_crop(image, crop.name, changed)
            except StudioError as error:
                self._services.show_error(error)

    def remove_crops(self) -> None:
        """Remove the selected crops; what they were drawn on stays as it is."""
        for part in self.list.selected_parts():
            image = self._session.image_of(part.image)
            if part.crop is not None and image is not None:
                self.training.change_crop(image, part.crop.name, None)

    def refresh(self) -> None:
        """Read the set again, soon; when the section is visible, if it is not."""
        self._is_dirty = True
        if self.isVisible():
            self._timer.start()

    # Qt event handlers

    def showEvent(self, event: QShowEvent) -> None:
        """Read what has changed since the section was visible."""
        super().showEvent(event)
        if self._is_dirty:
            self._timer.start()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show the preview where there is room for it."""
        super().resizeEvent(event)
        self._show_preview()

    def hideEvent(self, event: QHideEvent) -> None:
        """Read nothing as long as the section is hidden."""
        super().hideEvent(event)
        self._timer.stop()

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
        named = {command.name: command for command in self.commands() if command}
        for name, text in (
            ("proposeValidation", "Propose…"),
            ("exportTraining", "Export…"),
            ("importTraining", "Import…"),
        ):
            button = QPushButton(text, objectName=f"{name}Button")
            button.setToolTip(named[name].tip_text)
            button.setAccessibleName(named[name].plain_text)
            button.clicked.connect(named[name].run)
            row.addWidget(button, 1)
        column.addLayout(row)

    def _role_commands(self) -> list[Command]:
        return [
            Command(
                "useTraining",
                "Training",
                lambda: self.use_parts("train"),
                tip="Train on the selected rows, or else on the image shown.",
            ),
            Command(
                "useValidation",
                "Validation",
                lambda: self.use_parts("validation"),
                tip="Judge models by the selected rows, or else by the image shown.",
            ),
            Command(
                "useNothing",
                "Leave out",
                lambda: self.use_parts(None),
                tip="Take the selected rows, or else the image shown, out of training "
                "and validation.",
            ),
        ]

    def _connect(self) -> None:
        session, training = self._session, self.training
        for signal in (
            training.changed,
            training.image_changed,
            training.masks_edited,
            session.images_changed,
            session.statuses_changed,
            session.masks_renamed,
        ):
            signal.connect(lambda *_: self.refresh())
        self.list.dropped.connect(self._on_dropped)
        self.list.customContextMenuRequested.connect(self._pop_up)
        self.list.selectionModel().selectionChanged.connect(self._on_selection)
        self.list.activated.connect(lambda _: self._show_selected())
        self.list.clicked.connect(lambda _: self._show_selected())
        self.list.pairs.dataChanged.connect(lambda *_: self._show_preview())

    # Reading

    def _read(self) -> None:
        if self._job is not None or not self.isVisible():
            return
        self._is_dirty = False
        self._job = self.training.read_parts(self._services.stack_jobs, self._on_parts)
        self._job.ended.connect(self._on_read)

    def _on_read(self) -> None:
        self._job = None
        if self._is_dirty and self.isVisible():
            self._timer.start()

    def _on_parts(self, parts: list[SetPart]) -> None:
        self.list.show_parts(parts)
        self.summary.setText(summary_of(parts) if parts else _EMPTY)
        self._show_preview()

    # Event handlers

    def _on_dropped(self, keys: list[str]) -> None:
        images = [self._session.image(key) for key in keys]
        self.use_images([image for image in images if image is not None], "train")

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
        image = self._session.image_of(parts[0].image) if len(parts) == 1 else None
        if image is not None:
            self._session.show(image.source.key)
            self.place_requested.emit(parts[0])

    def _pop_up(self, position: QPoint) -> None:
        parts = self.list.selected_parts()
        if not parts:
            return
        menu = self.menu(parts)
        menu.exec(self.list.viewport().mapToGlobal(position))
        menu.deleteLater()

    def menu(self, parts: list[SetPart]) -> QMenu:
        """Return the context menu for parts, one or more."""
        menu = QMenu(self.list)
        crops = [part for part in parts if part.crop is not None]

        def no_crop(single: bool) -> Callable[[], str]:
            many = "Select a single crop." if single and len(parts) > 1 else ""
            return lambda: many or ("" if crops else "This row is no crop.")

        use = [
            Command("partTrain", "Use for &training", lambda: self.use_parts("train")),
            Command(
                "partValidation",
                "Use for &validation",
                lambda: self.use_parts("validation"),
            ),
            Command("partOut", "Leave &out of training", lambda: self.use_parts(None)),
        ]
        edit = [
            Command(
                "renameCrop",
                "Re&name crop…",
                self.rename_crop,
                reason_disabled=no_crop(single=True),
            ),
            Command(
                "removeCrop",
                "Re&move crop",
                self.remove_crops,
                reason_disabled=no_crop(single=False),
            ),
        ]
        fill(menu, [*use, None, *edit], menu)
        return menu

    def _selected_crop(self) -> tuple[ProjectImage | None, TrainingCrop | None]:
        parts = self.list.selected_parts()
        if len(parts) != 1:
            return None, None
        return self._session.image_of(parts[0].image), parts[0].crop

    def _use_crop(
        self, image: ProjectImage, crop: TrainingCrop, role: CropRole
    ) -> None:
        own = self.training.role(image)
        crosses = own is not None and role not in ("out", own)
        if crosses and not self.confirm(
            self,
            "Crops of one image",
            f"Use {crop.name} of {image.source.name} for another purpose than the "
            "rest of it?",
            "A model that has seen one part of an image is judged too well by another "
            "part. To change all crops, use the image instead.",
            "Use it anyway",
        ):
            return
        self.training.set_crop_role(image, crop.name, role)

    def _reason_empty(self) -> str:
        return "" if self.training.has_members else "No image is marked for training."

    def _reason_no_proposal(self) -> str:
        return "" if self.training.proposal() else _NO_PROPOSAL
