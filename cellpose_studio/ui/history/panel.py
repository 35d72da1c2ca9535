"""The tab with the history of the image: how its masks came to be."""

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
from cellpose_studio.ui.commands.command import Command, QAction, fill
from cellpose_studio.ui.history import availability as rules
from cellpose_studio.ui.history.comparison import Comparing
from cellpose_studio.ui.history.provenance_actions import ProvenanceActions
from cellpose_studio.ui.history.revision_actions import RevisionActions
from cellpose_studio.ui.history.tree import HistoryTree, Row
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.widgets.wording import image_count
from cellpose_studio.workflows.provenance.recipes import RecipeKind

_COPIES: tuple[tuple[RecipeKind, str], ...] = (
    ("command", "&command line"),
    ("script", "&Python script"),
    ("methods", "&methods paragraph"),
)
_MADE = ("command", "script", "methods", "json", "crate", "again")
_TIPS = {
    "compare": "Show which cells differ: between the two revisions that are selected, "
    "or between one and what is shown now.",
    "restore": "Bring this revision back. It becomes the newest one, and nothing "
    "after it is lost.",
    "use": "Put the model and the parameters of this run into the Segment panel.",
    "note": "Write down what this revision is, for yourself.",
    "saveVersion": "Make a revision of the masks as they are now, with a note.",
    "command": "For a terminal: makes the same masks again.",
    "script": "For Python: makes the same masks again.",
    "methods": "A paragraph for a paper, with versions and references.",
    "json": "All that is known of the run, for other programs.",
    "crate": "Masks, record and description in one file, for a repository.",
    "again": "Run it once more, and say whether the same masks come out.",
}
_NO_IMAGE = "Open an image to see how its masks came to be."
_NO_MASKS = "No masks yet. Every run, change and edit will be listed here."


class HistoryPanel(QWidget):
    """The revisions of the image that is shown, and what can be done with them.

    Parameters
    ----------
    reader
        Reads the history of the image.
    comparing
        Shows a comparison of revisions on the canvas.
    revisions
        What can be done with a revision.
    """

    def __init__(
        self,
        services: Services,
        reader: LineageReader,
        comparing: Comparing,
        revisions: RevisionActions,
    ) -> None:
        super().__init__()
        self._services = services
        self._session = services.session
        self._history: ImageHistory | None = None
        self._to_head = False
        self._reader = reader
        self._comparing = comparing
        self.revisions = revisions
        self.provenance = ProvenanceActions(services, revisions)
        self.tree = HistoryTree()
        self._actions = self._make_actions()
        self._lay_out()
        self._connect()
        self._on_history(None)

    def show_head(self) -> None:
        """Come to the front, with what is shown now selected."""
        self._services.show_tab(self)
        self._to_head = True
        self.tree.select_head()
        self._reader.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        """Read what has changed while nobody looked."""
        super().showEvent(event)
        self._reader.look(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Read no more."""
        super().hideEvent(event)
        self._reader.look(False)

    # Building

    def _make_actions(self) -> dict[str, QAction]:
        """Return everything that can be done, in the context menu, by name."""
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
        actions |= fill(self.how, self._how_commands(), self)
        save = Command("saveVersion", "Save &version…", self.revisions.save_version)
        return actions | fill(QMenu(self), [save], self)

    def _how_commands(self) -> list[Command | None]:
        made = self.provenance
        copies = [
            Command(kind, f"Copy as {words}", self._target(partial(made.copy, kind)))
            for kind, words in _COPIES
        ]
        return [
            *copies,
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
        self.tree.customContextMenuRequested.connect(self._pop_up)
        self.tree.itemDoubleClicked.connect(lambda *_: self._compare())

    def _one(self, call: Callable[[Row], object]) -> Callable[[], None]:
        """Return what calls ``call`` with the row that is selected."""

        def act() -> None:
            rows = self.tree.selected()
            if len(rows) == 1:
                call(rows[0])

        return act

    def _target(self, call: Callable[[Row], object]) -> Callable[[], None]:
        """Return what calls ``call`` with the row selected, or that shown now."""

        def act() -> None:
            row = rules.target(self.tree.selected(), rules.now_of(self._history))
            if row is not None:
                call(row)

        return act

    # What happens

    def _on_history(self, history: ImageHistory | None) -> None:
        self._history = history
        if history is None or not history.lineages:
            self.tree.clear()
            shown = self._session.shown
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
        """Say what can be done with the rows that are selected, or why not."""
        rows, now = self.tree.selected(), rules.now_of(self._history)
        read_only = self._session.project.why_read_only
        told = rules.reason_no_recipe(rows, now)
        used = rules.reason_not_reusable(rows, now)
        shown = self._session.shown
        masks = shown is not None and shown.masks is not None
        why = {
            "compare": rules.reason_not_comparable(rows),
            "restore": rules.reason_not_restorable(rows, read_only),
            "note": rules.reason_not_notable(rows, read_only),
            "use": used,
            "saveVersion": read_only or ("" if masks else "There are no masks yet."),
            **dict.fromkeys(_MADE, told),
        }
        for name, reason in why.items():
            self._actions[name].setEnabled(not reason)
            self._actions[name].setToolTip(f"<qt>{escape(reason or _TIPS[name])}</qt>")
        self._enable(self.how, self.how_button, told)
        self._enable(self.apply, self.apply_button, used)

    def _enable(self, menu: QMenu, button: QToolButton, reason: str) -> None:
        menu.menuAction().setEnabled(not reason)
        menu.menuAction().setToolTip(f"<qt>{escape(reason)}</qt>" if reason else "")
        button.setEnabled(not reason)
        button.setToolTip(menu.menuAction().toolTip() if reason else "")

    def _fill_apply(self) -> None:
        self.apply.clear()
        choices = (
            ("selected in the list", self.revisions.selected()),
            ("of the project but this one", self.revisions.others()),
        )
        for words, images in choices:
            action = self.apply.addAction(f"{image_count(len(images))} {words}")
            action.setEnabled(bool(images))
            call = self._target(partial(self.revisions.apply, images))
            action.triggered.connect(lambda _=False, call=call: call())

    def _compare(self) -> None:
        found = rules.sides(self.tree.selected())
        if found is not None:
            self._comparing.start(*found)

    def _pop_up(self, place: QPoint) -> None:
        if self.tree.selected():
            self.menu.popup(self.tree.viewport().mapToGlobal(place))


def _button(action: QAction) -> QToolButton:
    button = QToolButton(objectName=f"{action.objectName()}Button")
    button.setDefaultAction(action)
    return button
