"""Start page, shown while the project has no image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qtpy.QtCore import QEvent, QSize, Qt
from qtpy.QtGui import QIcon, QResizeEvent
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.core.wording import image_count
from cellpose_studio.ui.widgets.button_grid import ButtonGrid
from cellpose_studio.ui.widgets.elided_button import ElidedButton
from cellpose_studio.ui.widgets.pixmap import pixmap_of
from cellpose_studio.ui.window.menu_host import MenuHost
from cellpose_studio.ui.window.welcome.offers import Offer

LARGER_MODEL = "Get Cellpose-SAM (1.2 GB)…"
_IN_TWO_LINES = LARGER_MODEL.replace(" (", "\n(")
_ICON = QSize(56, 42)
_WIDTH = 520
"""Of the list of projects, px."""
_CENTRE = Qt.AlignmentFlag.AlignCenter


class Welcome(QScrollArea):
    """Takes the place of the canvas while no image is shown.

    Parameters
    ----------
    window
        Does what the buttons say.
    """

    def __init__(self, window: MenuHost) -> None:
        super().__init__(objectName="welcomePage")
        self._window = window
        page = QWidget()
        column = QVBoxLayout(page)
        column.setSpacing(8)
        column.setContentsMargins(0, 0, 0, 0)
        column.addStretch(2)
        column.addWidget(_label("Drop images or a folder here.", "welcome"))
        for buttons in self._buttons():
            column.addLayout(_centred(_Row(buttons)))
        self._recent = _ProjectList("Recent projects")
        self._unsaved = _ProjectList("Projects that were never saved under a name")
        for projects in (self._recent, self._unsaved):
            column.addSpacing(8)
            column.addWidget(projects)
        column.addStretch(1)
        self.device = _label("", "welcomeFoot")
        column.addWidget(self.device)
        column.addWidget(self._models_button(), 0, _CENTRE)
        column.addStretch(1)
        self.setWidget(page)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        # The buttons in it take the keyboard, and it scrolls to them.
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the page into the width that there is; Qt calls this."""
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        """Follow other letters; Qt calls this."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def _fit(self) -> None:
        button = self.models
        button.setText(LARGER_MODEL)
        if button.minimumSizeHint().width() > self.viewport().width():
            button.setText(_IN_TWO_LINES)

    @property
    def recent(self) -> Sequence[QPushButton]:
        """Buttons for projects with a name, the newest first."""
        return self._recent.buttons

    @property
    def unsaved(self) -> Sequence[QPushButton]:
        """Buttons for projects without a name, the newest first."""
        return self._unsaved.buttons

    def offer(self, unsaved: Sequence[Offer], recent: Sequence[Offer]) -> None:
        """Offer projects, the newest of each kind."""
        self._recent.show_buttons(self._project_buttons(recent))
        self._unsaved.show_buttons(self._project_buttons(unsaved))

    def show_device(self, title: str) -> None:
        """Say where networks run."""
        self.device.setText(f"Networks run on: {title}")

    def _buttons(self) -> Iterator[list[QPushButton]]:
        self.open = _button(
            "Open images…", "openImages", "Choose files: images, or a project."
        )
        self.folder = _button(
            "Open a folder…",
            "openFolder",
            "Choose a folder: its images are listed, with the masks beside them.",
        )
        self.button = _button(
            "Open the sample", "openSample", "Open drawn nuclei to try things on."
        )
        self.project = _button(
            "Sample project",
            "openSampleProject",
            "Open nuclei with masks that were corrected, a history to look at, and "
            "something left to do.",
        )
        self.tour = _button(
            "Take the tour", "takeTour", "See in a minute what is where."
        )
        files = self._window.files
        own = (
            (self.open, files.choose_images),
            (self.folder, files.choose_folder),
        )
        samples = (
            (self.button, files.open_sample),
            (self.project, files.open_sample_project),
            # The window makes the tour later.
            (self.tour, lambda: self._window.tour.start()),
        )
        for row in (own, samples):
            for button, call in row:
                button.clicked.connect(lambda _=False, call=call: call())
            yield [button for button, _ in row]

    def _models_button(self) -> QPushButton:
        self.models = _button(
            LARGER_MODEL,
            "getModels",
            "List this and the other models that Cellpose has published, with size and "
            "licence. Nothing is downloaded unasked.",
        )
        browse = self._window.segment.model.show_published
        self.models.clicked.connect(lambda _=False: browse())
        return self.models

    def _project_buttons(self, offers: Sequence[Offer]) -> Iterator[QPushButton]:
        for offer in offers:
            project = offer.project
            count = image_count(project.images)
            changed = f"{project.changed:%d %b, %H:%M}"
            text = f"{project.path.stem}\n{count}, {changed}"
            if project.unnamed:
                text = f"Recover {count}\n{changed}"
            # Qt would take an ampersand of the name for a mnemonic.
            button = ElidedButton(text.replace("&", "&&"), "projectOffer")
            button.setToolTip(str(project.path))
            button.setIconSize(_ICON)
            if offer.picture is not None:
                button.setIcon(QIcon(pixmap_of(offer.picture)))
            path = project.path
            button.clicked.connect(
                lambda _=False, path=path: self._window.projects.open(path)
            )
            yield button


class _Row(ButtonGrid):
    """Buttons in one row where there is room for it."""

    def sizeHint(self) -> QSize:
        """Return the width of one row, and the present height; Qt calls this."""
        return QSize(self.width_of_one_row, super().sizeHint().height())


class _ProjectList(QWidget):
    """A heading with buttons below it, hidden while there are none."""

    def __init__(self, heading: str) -> None:
        super().__init__()
        self.buttons: list[QPushButton] = []
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(4)
        self._rows.addWidget(QLabel(heading, objectName="offers", wordWrap=True))
        self.setMaximumWidth(_WIDTH)
        self.hide()

    def show_buttons(self, buttons: Iterator[QPushButton]) -> None:
        """Show other buttons."""
        for button in self.buttons:
            self._rows.removeWidget(button)
            button.deleteLater()
        self.buttons = list(buttons)
        for button in self.buttons:
            self._rows.addWidget(button)
        self.setVisible(bool(self.buttons))


def _centred(widget: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.addStretch()
    row.addWidget(widget)
    row.addStretch()
    return row


def _label(text: str, name: str) -> QLabel:
    label = QLabel(text, objectName=name)
    label.setAlignment(_CENTRE)
    label.setWordWrap(True)
    return label


def _button(text: str, name: str, tip: str) -> QPushButton:
    button = QPushButton(text, objectName=name)
    button.setToolTip(tip)
    button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
    return button
