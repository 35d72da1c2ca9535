"""Name of the masks that a run writes to: those present, or new ones."""

from __future__ import annotations

from qtpy.QtWidgets import QComboBox, QHBoxLayout, QInputDialog, QLabel, QWidget

from cellpose_studio.app.masks.label_set import RUN_RESULT
from cellpose_studio.app.session.session import Session

_NEW = "New masks…"
_SUGGESTED = "nuclei"
_TIP = (
    "<qt>The masks that a run writes to. Choose new masks to keep those of an earlier "
    "run beside them, such as nuclei beside cells; the Curate tab switches between "
    "them, the Measure tab measures them together.</qt>"
)


class RunMasks(QWidget):
    """Chooses the masks of the next runs; hidden as long as there are none to keep."""

    def __init__(self) -> None:
        super().__init__(objectName="runMasks")
        self.name = RUN_RESULT
        self._session: Session | None = None
        self.box = QComboBox(objectName="runMasksChoice", toolTip=_TIP)
        self.box.setAccessibleName("Masks that a run writes to")
        label = QLabel("Into masks", toolTip=_TIP)
        label.setBuddy(self.box)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(label)
        row.addWidget(self.box, 1)
        self.box.activated.connect(self._on_choice)
        self.hide()

    def follow(self, session: Session) -> None:
        """Offer the masks of the image shown in a session."""
        self._session = session
        session.shown_changed.connect(lambda _: self._fill())
        session.masks_changed.connect(lambda _: self._fill())
        session.project_changed.connect(self._reset)
        self._fill()

    def choose(self, name: str) -> None:
        """Let the next runs write to masks of a name; "" changes nothing."""
        self.name = name.strip() or self.name
        self._fill()

    def _reset(self) -> None:
        self.name = RUN_RESULT
        self._fill()

    def _on_choice(self, at: int) -> None:
        chosen = self.box.itemData(at)
        self.choose(chosen if chosen is not None else self._asked())

    def _asked(self) -> str:
        """Return the name of new masks, as the user gives it; "" for none."""
        image = self._session.shown if self._session is not None else None
        free = image.free_name(_SUGGESTED) if image is not None else _SUGGESTED
        name, accepted = QInputDialog.getText(
            self, _NEW.rstrip("…"), "Name of the masks of the next run:", text=free
        )
        return name if accepted else ""

    def _fill(self) -> None:
        image = self._session.shown if self._session is not None else None
        present = [*image.label_sets] if image is not None else []
        names = dict.fromkeys([RUN_RESULT, *present, self.name])
        items = [*((name, name) for name in names), (_NEW, None)]
        shown = range(self.box.count())
        if items != [(self.box.itemText(n), self.box.itemData(n)) for n in shown]:
            self.box.clear()
            for text, data in items:
                self.box.addItem(text, data)
        self.box.setCurrentIndex(self.box.findData(self.name))
        self.setVisible(bool(present) or self.name != RUN_RESULT)
