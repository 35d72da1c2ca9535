"""A row that shows which masks of the image are worked on, and changes that."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QSizePolicy,
    QWidget,
)

from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.session.label_sets import (
    NameRefused,
    delete_masks,
    rename_masks,
)
from cellpose_studio.ui.commands.command import Command, push_button
from cellpose_studio.ui.commands.reasons import needs_masks
from cellpose_studio.ui.services import Services


class MasksRow(QWidget):
    """Chooses among the masks of the image shown; hidden where there are no others."""

    def __init__(self, services: Services) -> None:
        super().__init__(objectName="masksRow")
        self._services = services
        self._session = services.session
        self.choice = QComboBox(objectName="masksChoice")
        self.choice.setAccessibleName("Masks that are shown")
        self.choice.setToolTip("Choose the masks that are shown and worked on.")
        self.choice.setSizePolicy(
            QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed
        )
        # The keys of the canvas work on while the masks are compared.
        self.choice.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(QLabel("Masks"))
        row.addWidget(self.choice, 1)
        for command in self.commands():
            button = push_button(command)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            row.addWidget(button)
        self.choice.activated.connect(self._choose)
        self._session.shown_changed.connect(self._fill)
        self._session.masks_changed.connect(self._on_masks)
        self._fill()

    def commands(self) -> list[Command]:
        """Return the commands for the menu of the window."""
        reason = needs_masks(self._session)
        return [
            Command(
                "renameMasks",
                "Rena&me masks…",
                self.ask_and_rename,
                button="Rename…",
                tip="Give these masks another name.",
                reason_disabled=reason,
            ),
            Command(
                "deleteMasks",
                "Delete mas&ks of image",
                self.delete,
                button="Delete",
                tip="Delete these masks from the image. Undo brings them back.",
                reason_disabled=reason,
            ),
        ]

    def names(self) -> list[str]:
        """Return the names of the masks that can be chosen."""
        return [self.choice.itemData(n) for n in range(self.choice.count())]

    def ask_and_rename(self) -> None:
        """Ask for another name of the active masks, and give it to them."""
        image = self._session.shown
        if image is None or image.masks is None:
            return
        old = image.active
        new, accepted = QInputDialog.getText(
            self, "Rename masks", f"Name of the masks of {image.source.name}:", text=old
        )
        if not accepted:
            return
        try:
            rename_masks(self._session, image, old, new)
        except NameRefused as error:
            self._services.messages.note(f"{error.message} {error.hint}".strip())

    def delete(self) -> None:
        """Delete the active masks, as a step that can be undone."""
        image = self._session.shown
        if image is None or image.masks is None:
            return
        name = image.active
        delete_masks(self._session, image, name)
        self._services.messages.offer(
            f"Deleted the masks “{name}” of {image.source.name}.",
            "Undo",
            self._session.undo,
        )

    def _choose(self, at: int) -> None:
        image, name = self._session.shown, self.choice.itemData(at)
        if image is not None and name != image.active:
            self._session.choose_label_set(image, name)

    def _on_masks(self, change: MasksChange) -> None:
        # Drafts come with each move of the brush; cells are counted when it ends.
        if change.kind != "drafted":
            self._fill()

    def _fill(self, *_: object) -> None:
        image = self._session.shown
        sets = image.label_sets if image is not None else {}
        items = [(f"{name} ({masks.cells:,})", name) for name, masks in sets.items()]
        now = [
            (self.choice.itemText(n), self.choice.itemData(n))
            for n in range(self.choice.count())
        ]
        # Edits come with every stroke, and change the number of cells at most.
        if items != now:
            self.choice.clear()
            for text, name in items:
                self.choice.addItem(text, name)
        if image is not None and self.choice.currentData() != image.active:
            self.choice.setCurrentIndex(self.choice.findData(image.active))
        self.setVisible(len(items) > 1)
