"""The form of the steps that prepare the input of the network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, cast

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.core.errors import ModelUnusable, StudioError
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.runs.preparation.step import PreparationStep
from cellpose_studio.core.runs.preparation.steps import STEP_KINDS, Steps, names_after
from cellpose_studio.core.wording import counted
from cellpose_studio.engine.flows.preparation.prepared import prepared
from cellpose_studio.ui.segment.parameters.step_editor import StepEditor
from cellpose_studio.ui.widgets.form import extra

TITLE = "Prepare input"

_ADD_TIP = (
    "<qt>Add a step that changes the image for the network only. The image itself, and "
    "measurements of it, stay as they are. Steps are done from top to bottom.</qt>"
)
_SHOW_TIP = (
    "<qt>Show the plane as the network will see it: after these steps, and with its "
    "intensities scaled. One input is grey, two are green and magenta, three are red, "
    "green and blue. A stack that is normalised as a whole is scaled here by the plane "
    "shown.</qt>"
)


class PreparationForm(QWidget):
    """Edits the steps, and shows what of them does not fit the image.

    Attributes
    ----------
    show_input
        The switch of the picture of what the network will see.
    state
        What that picture shows, or why there is none.
    problem
        Why the steps cannot be done on the image, and what helps; "" if they can.
    fits_no_image
        Whether that holds for every image, as a network is missing.
    """

    changed = Signal()
    checked = Signal()  # the steps are the same, and can be done now, or no longer

    def __init__(self) -> None:
        super().__init__()
        self._image: ImageSource | None = None
        self._editors: list[StepEditor] = []
        self.problem = ""
        self.fits_no_image = False
        self.prepared: ImageSource | None = None
        self.add = QToolButton(objectName="addStep", text="Add step ▾")
        self.add.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.add.setToolTip(_ADD_TIP)
        menu = QMenu(self.add)
        menu.setToolTipsVisible(True)
        for kind, info in STEP_KINDS.items():
            action = menu.addAction(info.title)
            action.setToolTip(f"<qt>{info.tip}</qt>")
            action.triggered.connect(partial(self._on_add, kind))
        self.add.setMenu(menu)
        self.show_input = QPushButton(
            "Show prepared input", objectName="showPrepared", checkable=True
        )
        self.show_input.setToolTip(_SHOW_TIP)
        self.state = QLabel(objectName="preparedState", wordWrap=True)
        self.state.setTextFormat(Qt.TextFormat.PlainText)
        self.state.hide()
        self._warning = QLabel(objectName="preparationProblem", wordWrap=True)
        # Plain, because it names a file.
        self._warning.setTextFormat(Qt.TextFormat.PlainText)
        self._steps = QVBoxLayout()
        row = QHBoxLayout()
        row.addWidget(self.add)
        row.addWidget(self.show_input, 1)
        column = QVBoxLayout(self)
        column.addLayout(self._steps)
        column.addWidget(self._warning)
        column.addLayout(row)
        column.addWidget(self.state)
        self._update()

    def steps(self) -> Steps:
        """Return the steps as they are shown."""
        return cast("Steps", tuple(editor.step() for editor in self._editors))

    def set_steps(self, steps: Sequence[PreparationStep]) -> None:
        """Show other steps."""
        if tuple(steps) != self.steps():
            self._show(steps)

    def set_image(self, image: ImageSource | None) -> None:
        """Show the channels of ``image``."""
        self._image = image
        self._update()

    def check_again(self) -> None:
        """Look whether the steps can be done now: a network may have been installed."""
        before = self.problem
        self._update()
        if self.problem != before:
            self.checked.emit()

    @property
    def title(self) -> str:
        """The title of the section, which tells how many steps it hides."""
        count = len(self._editors)
        return f"{TITLE} ({counted(count, 'step')})" if count else TITLE

    def _show(self, steps: Sequence[PreparationStep]) -> None:
        for editor in self._editors:
            self._steps.removeWidget(editor)
            editor.hide()
            editor.deleteLater()
        self._editors = []
        for n, step in enumerate(steps):
            editor = StepEditor(step, is_first=n == 0)
            editor.changed.connect(self._on_changed)
            editor.removed.connect(partial(self._on_remove, n))
            editor.raised.connect(partial(self._on_raise, n))
            self._steps.addWidget(editor)
            self._editors.append(editor)
        self._on_changed()

    def _on_add(self, kind: str) -> None:
        steps = self.steps()
        values: dict[str, Any] = {"kind": kind}
        names = names_after(self._image.channel_names, steps) if self._image else ()
        for name, field in STEP_KINDS[kind].model.model_fields.items():
            # What takes several channels takes all of them at first.
            if extra(field).get("channels") and isinstance(field.default, tuple):
                values[name] = tuple(range(1, max(len(names), 1) + 1))
        self._show((*steps, STEP_KINDS[kind].model(**values)))

    def _on_remove(self, n: int) -> None:
        steps = list(self.steps())
        del steps[n]
        self._show(steps)

    def _on_raise(self, n: int) -> None:
        steps = list(self.steps())
        steps[n - 1 : n + 1] = steps[n], steps[n - 1]
        self._show(steps)

    def _on_changed(self) -> None:
        self._update()
        self.changed.emit()

    def _update(self) -> None:
        """Show the channels of each step, and whether the image has them."""
        steps, image = self.steps(), self._image
        names = image.channel_names if image else ()
        for n, editor in enumerate(self._editors):
            editor.set_names(names_after(names, steps[:n]))
        self.problem, self.prepared, self.fits_no_image = "", image, False
        if image is not None:
            try:
                self.prepared = prepared(image, steps)
            except StudioError as error:
                self.problem = str(error)
                self.fits_no_image = isinstance(error, ModelUnusable)
        self._warning.setText(self.problem)
        self._warning.setVisible(bool(self.problem))
