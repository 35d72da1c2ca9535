"""Actions on images of the list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from qtpy.QtCore import QObject, QPoint, QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QDialog, QMenu, QWidget

from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.models.training_set import Role
from cellpose_studio.core.wording import image_count
from cellpose_studio.ui.commands.command import Command, fill
from cellpose_studio.ui.commands.reasons import (
    NO_MASKS,
    needs_image,
    needs_masks,
)
from cellpose_studio.ui.files.methods_text import copy_methods
from cellpose_studio.ui.files.relink import Relinker
from cellpose_studio.ui.images.panel import ImagesPanel
from cellpose_studio.ui.images.sizes_dialog import SizesDialog
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.widgets.question import ask


class _Use(NamedTuple):
    name: str
    text: str
    role: Role | None
    key: str
    tip: str


_USES = (
    _Use(
        "train",
        "Use for &training",
        "train",
        "Shift+T",
        "Models are trained on these images and their masks.",
    ),
    _Use(
        "validation",
        "Use for &validation",
        "validation",
        "Shift+V",
        "Models are judged by these images, and never trained on them.",
    ),
    _Use(
        "noTraining",
        "Leave &out of training",
        None,
        "Shift+L",
        "These images take no part in training.",
    ),
)

_SIZES = "Pixel si&ze and time…"
_SIZES_TIP = (
    "Set the size of a pixel in µm and the time between time points, for files that "
    "lack them or are wrong."
)

Confirm = Callable[[Sequence[ProjectImage], QWidget], bool]


def confirm_removal(images: Sequence[ProjectImage], parent: QWidget) -> bool:
    """Ask whether images that were corrected by hand are to be removed."""
    return ask(
        parent,
        "Remove from project",
        f"Remove {_named(images)}, with masks that you corrected by hand?",
        "The masks stay in the project file. They come back when the same file is "
        "added again.",
        "Remove",
    )


class ImageActions(QObject):
    """The context menu of the list, and the commands for images in the menu bar."""

    def __init__(
        self,
        services: Services,
        listed: ImagesPanel,
        relinker: Relinker,
        export: Callable[[Sequence[ProjectImage]], None],
    ) -> None:
        super().__init__(listed)
        self._services = services
        self._session = services.session
        self._messages = services.messages
        self._list = listed
        self._training = services.training
        self._relinker = relinker
        self._export = export
        self._removed: list[Sequence[ProjectImage]] = []
        self.confirm: Confirm = confirm_removal
        listed.view.customContextMenuRequested.connect(self._pop_up)

    def targets(self) -> list[ProjectImage]:
        """Return the images that a shortcut acts on.

        Those selected if the list has the focus, else the image shown.
        """
        if self._list.view.hasFocus() and (selected := self._list.selected_images()):
            return selected
        return [shown] if (shown := self._session.shown) else []

    def set_reviewed(self, on: bool) -> None:
        """Set whether the images of `targets` are reviewed."""
        shown = self._session.shown
        # A refresh of the menu toggles the action, which calls this as well.
        if shown is not None and shown.reviewed != on:
            self.mark(self.targets(), on)

    def mark(self, images: Sequence[ProjectImage], reviewed: bool) -> None:
        """Set whether ``images`` are reviewed."""
        for image in images:
            if image.reviewed != reviewed:
                self._session.set_reviewed(image, reviewed)

    def use(self, images: Sequence[ProjectImage], role: Role | None) -> None:
        """Set the role of images in training; None for no role."""
        if without := len(self._training.set_role(images, role)):
            self._messages.note(f"{image_count(without)} without masks cannot be used.")

    def show_folder(self, image: ProjectImage) -> None:
        """Show the folder of an image in the file manager of the system."""
        folder = image.source.path.parent
        if not folder.is_dir():
            self._messages.note(f"The folder {folder} no longer exists.")
        elif not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self._messages.note(f"No program opens folders here. It is {folder}.")

    def remove(self, images: Sequence[ProjectImage]) -> None:
        """Remove images from the project, and offer to put them back.

        The user is asked before, if there are corrections by hand on some of them.
        """
        corrected = [image for image in images if image.corrected]
        if corrected and not self.confirm(corrected, self._list):
            return
        self._removed.append(images)
        self._session.close(*(image.source.key for image in images))
        self._messages.offer(
            f"Removed {_named(images)} from the project.",
            "Put it back" if len(images) == 1 else "Put them back",
            self.put_back,
        )

    def put_back(self) -> None:
        """Put back the images that were removed last, or those before if they are."""
        while self._removed:
            removed = list(filter(self._session.images.is_removed, self._removed.pop()))
            if removed:
                self._session.put_back(*removed)
                return

    @property
    def reason_no_put_back(self) -> str:
        """Why there is nothing to put back; "" if there is."""
        is_removed = self._session.images.is_removed
        found = any(is_removed(image) for batch in self._removed for image in batch)
        return "" if found else "There is no removed image to put back."

    def commands(self) -> list[Command | None]:
        """Return the commands for images in the menu bar."""
        session = self._session
        return [
            Command(
                "reviewed",
                "&Reviewed",
                self.set_reviewed,
                key="R",
                reason_disabled=needs_image(session),
                checked=lambda: session.shown is not None and session.shown.reviewed,
            )
        ]

    def training_commands(self) -> list[Command | None]:
        """Return the commands that say what images are for in training."""
        return [
            Command(
                use.name,
                use.text,
                lambda role=use.role: self.use(self.targets(), role),
                key=use.key,
                tip=use.tip,
                reason_disabled=needs_masks(self._session),
            )
            for use in _USES
        ]

    def size_commands(self) -> list[Command | None]:
        """Return the commands on the sizes of images in the menu bar."""
        return [
            Command(
                "imageSizes",
                _SIZES,
                lambda: self.ask_sizes(self.targets()),
                tip=_SIZES_TIP,
                reason_disabled=needs_image(self._session),
            )
        ]

    def ask_sizes(self, images: Sequence[ProjectImage]) -> None:
        """Ask for the size of pixels of images, and for the time between points."""
        dialog = SizesDialog([image.source for image in images], self._list)
        if dialog.exec() == QDialog.DialogCode.Accepted:
            self.set_sizes(images, dialog.wanted())
        dialog.deleteLater()

    def set_sizes(
        self, images: Sequence[ProjectImage], wanted: Sequence[ImageSource]
    ) -> None:
        """Set the sizes of images, and offer to take that back."""
        both = zip(images, wanted, strict=True)
        changed = [(image, source) for image, source in both if image.source != source]
        if not changed:
            return
        before = [(image, image.source) for image, _ in changed]
        self._session.images.set_sizes(*changed)
        self._messages.offer(
            f"Set the sizes of {_named([image for image, _ in changed])}.",
            "Undo",
            lambda: self._set_back(before),
        )

    def _set_back(self, before: Sequence[tuple[ProjectImage, ImageSource]]) -> None:
        listed = self._session.images.is_listed
        self._session.images.set_sizes(*(one for one in before if listed(one[0])))

    def menu(self, images: Sequence[ProjectImage]) -> QMenu:
        """Return the context menu for ``images``, one or more."""
        menu = QMenu(self._list)

        def no_masks() -> str:
            return "" if any(image.masks for image in images) else NO_MASKS

        reviewed = all(image.reviewed for image in images)
        state = "not reviewed" if reviewed else "reviewed"
        uses = [
            Command(
                use.name,
                use.text,
                lambda role=use.role: self.use(images, role),
                reason_disabled=partial(self._reason_no_change, images, use.role),
            )
            for use in _USES
        ]
        commands: list[Command | None] = [
            Command(
                "mark", f"Mark as &{state}", lambda: self.mark(images, not reviewed)
            ),
            None,
            *uses,
            None,
            Command(
                "exportThese",
                "&Export masks…",
                lambda: self._export(images),
                reason_disabled=no_masks,
            ),
            Command(
                "methodsOfThese",
                "&Copy methods paragraph",
                lambda: copy_methods(self._services, images),
                tip="Copy how the masks of these images were made, for a paper.",
                reason_disabled=no_masks,
            ),
            Command("sizes", _SIZES, lambda: self.ask_sizes(images), tip=_SIZES_TIP),
            Command(
                "folder", "&Show in file manager", lambda: self.show_folder(images[0])
            ),
            Command("relinkThese", "Re&link…", lambda: self._relinker.ask(images)),
            Command("takeOff", "Remove from &project", lambda: self.remove(images)),
        ]
        # The menu owns its actions, so that they are deleted with it.
        fill(menu, commands, menu)
        return menu

    def _reason_no_change(
        self, images: Sequence[ProjectImage], role: Role | None
    ) -> str:
        """Return why a role cannot be set or would change nothing; "" if it can."""
        roles = {self._training.role(image) for image in images if image.masks}
        if not roles:
            return NO_MASKS
        return "" if roles - {role} else "These images already have this role."

    def _pop_up(self, position: QPoint) -> None:
        if images := self._list.selected_images():
            menu = self.menu(images)
            menu.exec(self._list.view.viewport().mapToGlobal(position))
            # Qt would keep each menu until the list is closed.
            menu.deleteLater()


def _named(images: Sequence[ProjectImage]) -> str:
    return images[0].source.name if len(images) == 1 else image_count(len(images))
