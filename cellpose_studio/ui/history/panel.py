"""The History tab: the revisions of the image, and commands for them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from html import escape

from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QHideEvent, QShowEvent
from qtpy.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.app.failures import failure_of
from cellpose_studio.app.history.lineage_reader import ImageHistory, LineageReader
from cellpose_studio.core.wording import image_count
from cellpose_studio.ui.commands.command import Command, QAction, fill
from cellpose_studio.ui.files.methods_text import copy_methods
from cellpose_studio.ui.history import availability as rules
from cellpose_studio.ui.history.comparison import ComparisonView
from cellpose_studio.ui.history.provenance_actions import ProvenanceActions
from cellpose_studio.ui.history.revision_actions import RevisionActions
from cellpose_studio.ui.history.rows import HistoryRow
from cellpose_studio.ui.history.tree import HistoryTree
from cellpose_studio.ui.services import Services
from cellpose_studio.workflows.provenance.recipes import RecipeKind

_COPIES: tuple[tuple[RecipeKind, str], ...] = (
    ("command", "&command line"),
    ("script", "&Python script"),
    ("methods", "&methods paragraph"),
)
_PROVENANCE = ("command", "script", "json", "crate", "again")
_TOOLTIPS = {
    "compare": "Show which cells differ between the two selected revisions, or between "
    "one and what is shown now.",
    "restore": "Restore this revision as the newest one. Later revisions are kept.",
    "use": "Copy the model and the parameters of this run to the Segment panel.",
    "note": "Write a note on this revision.",
    "saveVersion": "Save the current masks as a revision, with a note.",
    "command": "Command line that reproduces these masks.",
    "script": "Python script that reproduces these masks.",
    "methods": "Paragraph for a paper, with versions and references.",
    "json": "Save the complete record of the run, for other programs.",
    "crate": "Save masks, record and description as one file, for a repository.",
    "again": "Repeat the run and report whether it reproduces these masks.",
    "how": "Copy or save how these masks were made, or make them again.",
    "apply": "Run other images with the model and the parameters of this run.",
}
_METHODS_OF = "One text for a paper: what holds for all images, and what differs."
_NO_IMAGE = "Open an image to see its history."
_NO_MASKS = "No masks yet. All runs, thresholds and edits will be listed here."


class HistoryPanel(QWidget):
    """The revisions of the current image, with commands for them.

    Parameters
    ----------
    reader
        Reads the history of the image.
    comparison
        Shows a comparison of revisions on the canvas.
    revisions
        Commands for a revision.
    """

    def __init__(
        self,
        services: Services,
        reader: LineageReader,
        comparison: ComparisonView,
        revisions: RevisionActions,
    ) -> None:
        super().__init__()
        self._services = services
        self._session = services.session
        self._history: ImageHistory | None = None
        self._to_head = False
        self._reader = reader
        self._comparison = comparison
        self.revisions = revisions
        self.provenance = ProvenanceActions(services, revisions)
        self.tree = HistoryTree()
        self._actions = self._make_actions()
        self._lay_out()
        self._connect()
        self._on_history(None)

    def show_head(self) -> None:
        """Show this tab, with the current row selected."""
        self._services.show_tab(self)
        self._to_head = True
        self.tree.select_head()
        self._reader.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        """Read the history while the panel is visible; Qt calls this."""
        super().showEvent(event)
        self._reader.look(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop reading the history; Qt calls this."""
        super().hideEvent(event)
        self._reader.look(False)

    # Building

    def _make_actions(self) -> dict[str, QAction]:
        """Create the context menu; return all actions by name."""
        self.menu = QMenu(self)
        self.menu.setToolTipsVisible(True)
        commands: list[Command | None] = [
            Command("compare", "&Compare", self._compare),
            Command("restore", "&Restore", self._one(self.revisions.restore)),
            Command(
                "use", "&Use parameters", self._target(self.revisions.use_parameters)
            ),
        ]
        actions = fill(self.menu, commands, self)
        self.apply = self.menu.addMenu("&Apply to other images")
        self.apply.setToolTipsVisible(True)
        self.apply.aboutToShow.connect(self._fill_apply)
        actions |= fill(
            self.menu, [Command("note", "&Note…", self._one(self.revisions.note))], self
        )
        self.how = self.menu.addMenu("&How did I run this?")
        self.how.setToolTipsVisible(True)
        copies, others = self._how_commands()
        actions |= fill(self.how, copies, self)
        self.methods = self.how.addMenu("Copy methods paragraph &of")
        self.methods.setToolTipsVisible(True)
        self.methods.menuAction().setToolTip(f"<qt>{_METHODS_OF}</qt>")
        self.methods.aboutToShow.connect(self._fill_methods)
        actions |= fill(self.how, others, self)
        save = Command("saveVersion", "Save &version…", self.revisions.save_version)
        return actions | fill(QMenu(self), [save], self)

    def _how_commands(self) -> tuple[list[Command | None], list[Command | None]]:
        """Return the commands before and after those on several images."""
        made = self.provenance
        copies: list[Command | None] = [
            Command(kind, f"Copy as {text}", self._target(partial(made.copy, kind)))
            for kind, text in _COPIES
        ]
        return copies, [
            None,
            Command("json", "Export record as &JSON…", self._target(made.export_json)),
            Command("crate", "Export as &RO-Crate…", self._target(made.export_crate)),
            None,
            Command("again", "Run &again and check", self._target(made.run_again)),
        ]

    def _lay_out(self) -> None:
        self.how_button = QToolButton(objectName="how", text="How did I run this? ▾")
        self.how_button.setMenu(self.how)
        self.how_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.apply_button = QToolButton(objectName="apply", text="Apply to ▾")
        self.apply_button.setMenu(self.apply)
        self.apply_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        names = ("compare", "restore", "use", "note", "saveVersion")
        self.buttons = {name: _button(self._actions[name]) for name in names}
        top = QHBoxLayout()
        top.addWidget(self.how_button, 1)
        top.addWidget(self.buttons["saveVersion"])
        for button in (self.how_button, self.apply_button, *self.buttons.values()):
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        grid = QGridLayout()
        for at, name in enumerate(("compare", "restore", "note")):
            grid.addWidget(self.buttons[name], 0, 2 * at, 1, 2)
        grid.addWidget(self.buttons["use"], 1, 0, 1, 3)
        grid.addWidget(self.apply_button, 1, 3, 1, 3)
        self.empty = QLabel(objectName="historyEmpty", wordWrap=True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._middle = QStackedWidget()
        self._middle.addWidget(self.empty)
        self._middle.addWidget(self.tree)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.addLayout(top)
        column.addWidget(self._middle, 1)
        column.addLayout(grid)

    def _connect(self) -> None:
        self._reader.changed.connect(self._on_history)
        self._reader.failed.connect(self._on_failure)
        self.revisions.changed.connect(self._reader.refresh)
        self._session.project_changed.connect(self.tree.forget)
        self.tree.itemSelectionChanged.connect(self._refresh)
        self.tree.customContextMenuRequested.connect(self._show_menu)
        self.tree.itemDoubleClicked.connect(lambda *_: self._compare())

    def _one(self, call: Callable[[HistoryRow], object]) -> Callable[[], None]:
        """Return a function that calls ``call`` with the selected row."""

        def act() -> None:
            rows = self.tree.selected()
            if len(rows) == 1:
                call(rows[0])

        return act

    def _target(self, call: Callable[[HistoryRow], object]) -> Callable[[], None]:
        """Return a function that calls ``call`` with the selected or current row."""

        def act() -> None:
            row = rules.target(self.tree.selected(), rules.current_row(self._history))
            if row is not None:
                call(row)

        return act

    # Signals

    def _on_history(self, history: ImageHistory | None) -> None:
        self._history = history
        if history is None or not history.lineages:
            self.tree.clear()
            shown = self._session.shown
            # The panel remains empty while the history is read.
            waiting = history is None and shown is not None
            self.empty.setText(
                "" if waiting else _NO_MASKS if shown is not None else _NO_IMAGE
            )
            self._middle.setCurrentWidget(self.empty)
        else:
            self.tree.show_history(history)
            self._middle.setCurrentWidget(self.tree)
        if history is not None and self._to_head:
            self._to_head = False
            self.tree.select_head()
        self._refresh()

    def _on_failure(self, error: Exception) -> None:
        self._on_history(None)
        failure = failure_of(error)
        self.empty.setText(f"{failure.message}\n{failure.hint}".strip())

    def _refresh(self) -> None:
        """Enable the actions for the selected rows, or show why they are disabled."""
        rows, now = self.tree.selected(), rules.current_row(self._history)
        read_only = self._session.project.read_only_reason
        no_recipe = rules.reason_no_recipe(rows, now)
        no_methods = rules.reason_no_methods(rows, now)
        no_parameters = rules.reason_not_reusable(rows, now)
        shown = self._session.shown
        masks = shown is not None and shown.masks is not None
        reasons = {
            "compare": rules.reason_not_comparable(rows),
            "restore": rules.reason_not_restorable(rows, read_only),
            "note": rules.reason_not_notable(rows, read_only),
            "use": no_parameters,
            "saveVersion": read_only
            or ("" if masks else "This image has no masks yet."),
            **dict.fromkeys(_PROVENANCE, no_recipe),
            "methods": no_methods,
        }
        for name, reason in reasons.items():
            self._actions[name].setEnabled(not reason)
            self._actions[name].setToolTip(
                f"<qt>{escape(reason or _TOOLTIPS[name])}</qt>"
            )
        self._enable(self.how, self.how_button, no_methods)
        self._enable(self.apply, self.apply_button, no_parameters)

    def _enable(self, menu: QMenu, button: QToolButton, reason: str) -> None:
        tip = f"<qt>{escape(reason or _TOOLTIPS[button.objectName()])}</qt>"
        menu.menuAction().setEnabled(not reason)
        menu.menuAction().setToolTip(tip)
        button.setEnabled(not reason)
        button.setToolTip(tip)

    def _fill_apply(self) -> None:
        self.apply.clear()
        choices = (
            ("selected in the list", self.revisions.selected_others()),
            ("of the project except this one", self.revisions.others()),
        )
        for text, images in choices:
            action = self.apply.addAction(f"{image_count(len(images))} {text}")
            action.setEnabled(bool(images))
            call = self._target(partial(self.revisions.apply, images))
            action.triggered.connect(lambda _=False, call=call: call())

    def _fill_methods(self) -> None:
        self.methods.clear()
        choices = (
            ("selected in the list", self.revisions.selected()),
            ("of the project", list(self._session.images)),
        )
        for text, images in choices:
            action = self.methods.addAction(f"{image_count(len(images))} {text}")
            action.setEnabled(any(image.masks for image in images))
            action.triggered.connect(
                lambda _=False, images=images: copy_methods(self._services, images)
            )

    def _compare(self) -> None:
        found = rules.sides(self.tree.selected())
        if found is not None:
            self._comparison.start(*found)

    def _show_menu(self, position: QPoint) -> None:
        if self.tree.selected():
            self.menu.popup(self.tree.viewport().mapToGlobal(position))


def _button(action: QAction) -> QToolButton:
    button = QToolButton(objectName=f"{action.objectName()}Button")
    button.setDefaultAction(action)
    return button
