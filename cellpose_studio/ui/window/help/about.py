"""The dialog about the application: versions, devices, folders, licences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from html import escape
from pathlib import Path

from qtpy.QtCore import QEvent, Qt, QUrl
from qtpy.QtGui import QDesktopServices, QGuiApplication, QPalette
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QPushButton,
    QTabWidget,
    QTextBrowser,
    QVBoxLayout,
)

from cellpose_studio import __version__
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.io.support.parts import Part, parts
from cellpose_studio.paths import cache_dir, config_dir, data_dir, log_dir
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.window.help.facts import report_facts

_SIZE = (620, 480)
_READING = {"Processor, memory, GPUs": "being read …"}
_LICENCE = "https://www.gnu.org/licenses/gpl-3.0.html"
_LINKS = {"dark": "#8ab4ff", "light": "#1a4fb4"}
"""Colours by theme; Qt's own is dark blue on any ground."""
_DARK = 128
"""Lightness of the ground, 0 to 255, below which the theme is dark."""
_PURPOSE = (
    "Segments cells with Cellpose's networks, and shows them with napari. Free "
    "software under the GNU General Public License, version 3 or later, without any "
    "warranty."
)
_PARTS = (
    "Cellpose Studio is made of these packages, which come with licences of their own, "
    "and of what they need themselves."
)
_FOLDERS: Mapping[str, Callable[[], Path]] = {
    "Data and unnamed projects": data_dir,
    "Settings": config_dir,
    "Log": log_dir,
    "Cache": cache_dir,
}


class AboutDialog(QDialog):
    """Shows what the application is made of, and what it runs on.

    Devices are read on a worker thread, because that loads torch.
    """

    def __init__(self, services: Services) -> None:
        super().__init__(services.parent, objectName="aboutDialog")
        self.setWindowTitle("About Cellpose Studio")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(*_SIZE)
        self._facts = report_facts()
        self._devices: Mapping[str, str] = _READING
        self._folders = {name: _folder(call) for name, call in _FOLDERS.items()}
        self._parts: list[Part] = []
        self._lay_out()
        self._fill()
        for title, work, done in (
            ("Reading the licences", lambda _: parts(), self._on_parts),
            ("Reading the devices", _read_devices, self._on_devices),
        ):
            # Files may keep the other queue busy for minutes.
            queue = services.stack_jobs
            services.run(title, work, done, quiet=True, queue=queue)

    @property
    def text(self) -> str:
        """All that is shown but the licences, for a report."""
        groups = (self._devices, self._facts, self._folders)
        return "\n\n".join(
            "\n".join(f"{name}: {value}" for name, value in group.items())
            for group in groups
        )

    def _lay_out(self) -> None:
        title = QLabel(f"<b>Cellpose Studio {escape(__version__)}</b>")
        font = title.font()
        font.setPointSizeF(1.4 * font.pointSizeF())
        title.setFont(font)
        purpose = QLabel(_PURPOSE, wordWrap=True)
        self.computer = _browser("aboutComputer", "Versions and devices")
        self.licences = _browser("aboutLicences", "Licences")
        tabs = QTabWidget()
        tabs.addTab(self.computer, "Versions and devices")
        tabs.addTab(self.licences, "Licences")
        self.copy = QPushButton("&Copy", objectName="copyAbout")
        self.copy.setToolTip("Copies versions, devices and folders, for a report.")
        self.copy.clicked.connect(
            lambda: QGuiApplication.clipboard().setText(f"{self.text}\n")
        )
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.addButton(self.copy, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        for widget in (title, purpose):
            column.addWidget(widget)
        column.addWidget(tabs, 1)
        column.addWidget(buttons)

    def _fill(self) -> None:
        folders = {
            name: self._link(QUrl.fromLocalFile(path).toString(), path)
            for name, path in self._folders.items()
        }
        self.computer.setHtml(
            _table(_escaped(self._devices))
            + _table(_escaped(self._facts))
            + _table(folders.items())
        )
        names = (
            (part.name, f"{part.version}</td><td>{escape(part.licence)}")
            for part in self._parts
        )
        own = self._link(_LICENCE, "GNU General Public License, version 3")
        self.licences.setHtml(
            f"<p>Cellpose Studio: {own} or later.</p><p>{_PARTS}</p>{_table(names)}"
        )

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme; Qt calls this."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._fill()

    def _link(self, url: str, text: str) -> str:
        ground = self.palette().color(QPalette.ColorRole.Window).lightness()
        style = f"color: {_LINKS['dark' if ground < _DARK else 'light']}"
        return f'<a href="{escape(url)}" style="{style}">{escape(text)}</a>'

    def _on_parts(self, found: list[Part]) -> None:
        self._parts = found
        self._fill()

    def _on_devices(self, found: Mapping[str, str]) -> None:
        self._devices = found
        self._fill()


def _read_devices(_: Checkpoint) -> Mapping[str, str]:
    # At the top of the module, importing torch would delay the first window.
    from cellpose_studio.engine.hardware import hardware

    return hardware()


def _folder(call: Callable[[], Path]) -> str:
    try:
        return str(call())
    except OSError as error:
        return f"{error.filename}: {error.strerror}"


def _browser(name: str, title: str) -> QTextBrowser:
    browser = QTextBrowser(objectName=name)
    browser.setAccessibleName(title)
    browser.setToolTip(f"{title}. A click on a folder opens it.")
    # The browser itself would try to show a folder as a text.
    browser.setOpenLinks(False)
    browser.anchorClicked.connect(QDesktopServices.openUrl)
    return browser


def _escaped(facts: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    return ((name, escape(value)) for name, value in facts.items())


def _table(rows: Iterable[tuple[str, str]]) -> str:
    """Return rows of a name and HTML as a table."""
    cells = "".join(f"<tr><td>{escape(name)}</td><td>{v}</td></tr>" for name, v in rows)
    return f'<table cellpadding="3">{cells}</table>'
