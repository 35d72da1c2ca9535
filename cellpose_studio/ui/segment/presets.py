"""Presets: named models with parameters, saved in the project."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QInputDialog, QMenu, QMessageBox, QWidget

from cellpose_studio.app.runs.queue import reference
from cellpose_studio.core.errors import ProjectUnusable
from cellpose_studio.io.project.tables.presets import (
    Preset,
    delete_preset,
    read_presets,
    write_preset,
)
from cellpose_studio.ui.segment.panel import SegmentPanel
from cellpose_studio.ui.services import Services

AskName = Callable[[Sequence[str], QWidget], str]


def ask_name(taken: Sequence[str], parent: QWidget) -> str:
    """Ask for a name, and whether to replace a preset; "" if cancelled."""
    name, accepted = QInputDialog.getText(parent, "Save preset", "Name of the preset:")
    name = name.strip()
    if not accepted or name not in taken:
        return name if accepted else ""
    button = QMessageBox.StandardButton
    answer = QMessageBox.question(
        parent,
        "Save preset",
        f"A preset named {name} exists. Replace it?",
        button.Yes | button.Cancel,
    )
    return name if answer == button.Yes else ""


class Presets(QObject):
    """The menu of presets in the Segment panel, and its actions."""

    def __init__(self, services: Services, segment: SegmentPanel) -> None:
        super().__init__(segment)
        self._services = services
        self._session = services.session
        self._segment = segment
        self.ask: AskName = ask_name
        self.menu = QMenu(segment)
        self.menu.setToolTipsVisible(True)
        # The menu is filled when it opens, because it depends on the image shown.
        self.menu.aboutToShow.connect(self.fill)
        segment.presets.setMenu(self.menu)
        self._session.project_changed.connect(self._load)
        self._load()

    @property
    def _presets(self) -> dict[str, Preset]:
        return self._session.project.presets

    def save(self) -> None:
        """Ask for a name and save the current settings as a preset."""
        image = self._session.shown
        request = self._segment.run_request_for(image.source) if image else None
        if request is None:
            return
        if name := self.ask(list(self._presets), self._segment):
            model, parameters = request
            preset = self._presets[name] = Preset(name, reference(model), parameters)
            self._session.project.submit(lambda db: write_preset(db, preset))

    def apply(self, name: str) -> None:
        """Show a preset in the panel, with a note on values that could not be set."""
        preset = self._presets[name]
        problems = self._segment.show_parameters(preset.model, preset.parameters)
        if problems:
            self._services.messages.note(problems)

    def delete(self, name: str) -> None:
        """Delete a preset from the project."""
        del self._presets[name]
        self._session.project.submit(lambda db: delete_preset(db, name))

    def fill(self) -> None:
        """Fill the menu with the present presets."""
        self.menu.clear()
        for name in sorted(self._presets, key=str.casefold):
            action = self.menu.addAction(_plain(name))
            action.setToolTip(_about(self._presets[name]))
            action.triggered.connect(lambda _=False, name=name: self.apply(name))
        self.menu.addSeparator()
        save = self.menu.addAction("&Save preset…")
        save.triggered.connect(lambda _=False: self.save())
        save.setEnabled(self._session.shown is not None)
        delete = self.menu.addMenu("&Delete")
        delete.setEnabled(bool(self._presets))
        for name in sorted(self._presets, key=str.casefold):
            action = delete.addAction(_plain(name))
            action.triggered.connect(lambda _=False, name=name: self.delete(name))

    def _load(self) -> None:
        project = self._session.project
        try:
            presets = project.read(read_presets)
        except ProjectUnusable as error:
            presets = []
            self._services.show_error(error)
        project.presets = {preset.name: preset for preset in presets}


def _plain(name: str) -> str:
    """Return a name in which Qt reads no ampersand as a mnemonic."""
    return name.replace("&", "&&")


def _about(preset: Preset) -> str:
    diameter = preset.parameters.diameter
    size = f"{diameter:g} px" if diameter else "automatic diameter"
    return f"<qt>{escape(Path(preset.model).name)}, {size}</qt>"
