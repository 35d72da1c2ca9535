"""What can be done with rows of the training set."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from qtpy.QtWidgets import QInputDialog, QMenu, QWidget

from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.models.training_set import Role
from cellpose_studio.core.review.training_marks import CropRole, TrainingCrop
from cellpose_studio.core.wording import first_names, image_count
from cellpose_studio.ui.commands.command import Command, fill
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.train.training_set.pair_list import PairList
from cellpose_studio.ui.widgets.question import ask
from cellpose_studio.workflows.training.project_set import SetPart

_RENAMING = "Renaming a crop"
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


class PartActions:
    """Changes what the selected rows are for, and their crops.

    Attributes
    ----------
    confirm, ask_name
        Questions to the user.
    """

    def __init__(self, services: Services, parts: PairList) -> None:
        self._session = services.session
        self._services = services
        self._training = services.training
        self._list = parts
        self.confirm: Confirm = ask
        self.ask_name: AskName = ask_name

    def propose(self) -> None:
        """Ask whether to validate on one in five images, and do so."""
        proposed = self._training.proposal()
        if not proposed:
            self._services.messages.note(_NO_PROPOSAL)
            return
        names = first_names([image.source.name for image in proposed], 5)
        if self.confirm(
            self._list,
            "Images for validation",
            f"Use {image_count(len(proposed))} for validation instead of training?",
            f"{names}. Models are judged by them, so they should stay the same "
            "from one training to the next.",
            "Use for validation",
        ):
            self._training.set_role(proposed, "validation")

    def use_parts(self, role: Role | None) -> None:
        """Use the selected rows, or else the image shown, for something else."""
        parts = self._list.selected_parts()
        if not parts:
            shown = self._session.shown
            self.use_images([shown] if shown is not None else [], role)
            return
        # Slices of one image are one image.
        whole = {p.label_set: p for p in parts if p.crop is None}
        for part in whole.values():
            image = self.image_of(part)
            self.use_images([image] if image is not None else [], role)
        for part in parts:
            image = self.image_of(part)
            if part.crop is not None and image is not None:
                self._use_crop(image, part.crop, role or "out")

    def use_images(self, images: Iterable[ProjectImage], role: Role | None) -> None:
        """Use images for training or validation, or leave them out."""
        if without := len(self._training.set_role(images, role)):
            self._services.messages.note(
                f"{image_count(without)} without masks cannot be used."
            )

    def rename_crop(self) -> None:
        """Ask for a new name of the selected crop."""
        image, crop = self._selected_crop()
        if image is None or crop is None:
            return
        name = self.ask_name(self._list, crop.name)
        if name and name != crop.name:
            changed = crop.model_copy(update={"name": name[:200]})
            try:
                self._training.change_crop(image, crop.name, changed)
            except StudioError as error:
                self._services.show_error(error, _RENAMING)
            else:
                self._services.messages.settle(_RENAMING)

    def remove_crops(self) -> None:
        """Remove the selected crops; what they were drawn on stays as it is."""
        for part in self._list.selected_parts():
            image = self.image_of(part)
            if part.crop is not None and image is not None:
                self._training.change_crop(image, part.crop.name, None)

    def menu(self, parts: list[SetPart]) -> QMenu:
        """Return the context menu for parts, one or more."""
        menu = QMenu(self._list)
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
        parts = self._list.selected_parts()
        if len(parts) != 1:
            return None, None
        return self.image_of(parts[0]), parts[0].crop

    def image_of(self, part: SetPart) -> ProjectImage | None:
        """Return the image of a part, with the masks of the part as the active ones."""
        image = self._session.image_of(part.image)
        if image is None:
            return None
        for name in image.label_sets:
            is_other = name != image.active
            if is_other and image.label_set_ids[name] == part.label_set:
                self._session.choose_label_set(image, name)
                break
        return image

    def _use_crop(
        self, image: ProjectImage, crop: TrainingCrop, role: CropRole
    ) -> None:
        own = self._training.role(image)
        crosses = own is not None and role not in ("out", own)
        if crosses and not self.confirm(
            self._list,
            "Crops of one image",
            f"Use {crop.name} of {image.source.name} for another purpose than the "
            "rest of it?",
            "A model that has seen one part of an image is judged too well by another "
            "part. To change all crops, use the image instead.",
            "Use it anyway",
        ):
            return
        self._training.set_crop_role(image, crop.name, role)

    def reason_no_proposal(self) -> str:
        """Return why no images are proposed for validation; "" if some are."""
        return "" if self._training.proposal() else _NO_PROPOSAL
