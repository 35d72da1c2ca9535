"""The dialog about a run that ended without an end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.app.project.scratch import is_unnamed
from cellpose_studio.io.support.log import last_lines
from cellpose_studio.io.support.run_marker import EndedRun
from cellpose_studio.ui.window.help.report_buttons import ReportButtons

_WIDTH = 520


class CrashDialog(QDialog):
    """Says how the last run ended, and offers its project; nothing is sent anywhere.

    Parameters
    ----------
    runs
        The runs that ended without an end, the newest first, one at least.
    open_project
        Opens a project.
    facts
        Returns what a report begins with.
    log
        The log; None if it cannot be written.
    """

    def __init__(
        self,
        runs: Sequence[EndedRun],
        open_project: Callable[[Path], object],
        facts: Callable[[], Mapping[str, str]],
        log: Path | None,
        parent: QWidget,
    ) -> None:
        super().__init__(parent, objectName="crashDialog")
        self._runs = runs
        self._open_project = open_project
        self._facts = facts
        self._log = log
        # Read now, because this run goes on writing to the log.
        self._lines = {run: last_lines(log, run.process) if log else "" for run in runs}
        # Several windows may have crashed; each project is offered once.
        projects = dict.fromkeys(run.project for run in runs if run.project is not None)
        self.projects = [path for path in projects if path.is_file()]
        self.setWindowTitle("Cellpose Studio did not end properly")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._lay_out()

    def _lay_out(self) -> None:
        self.message = QLabel(_sentence(self._runs[0]), wordWrap=True)
        self.message.setObjectName("crashMessage")
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        font = self.message.font()
        font.setBold(True)
        self.message.setFont(font)
        self.hint = QLabel(self._hint(), wordWrap=True, objectName="crashHint")
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addWidget(self.message)
        column.addWidget(self.hint)
        column.addSpacing(8)
        self.open_buttons = [self._button(path) for path in self.projects]
        for button in self.open_buttons:
            column.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addSpacing(8)
        column.addWidget(self._buttons())
        self.resize(_WIDTH, self.sizeHint().height())

    def _button(self, path: Path) -> QPushButton:
        name = _name(path)
        if is_unnamed(path):
            # Several of them are told apart by the time.
            with suppress(OSError):
                changed = datetime.fromtimestamp(path.stat().st_mtime)
                name = f"{name} of {changed:%H:%M}"
        button = QPushButton(f"Open {name}".replace("&", "&&"), objectName="recover")
        button.setToolTip(str(path))
        button.clicked.connect(lambda: self._on_open(path))
        return button

    def _buttons(self) -> QDialogButtonBox:
        buttons = ReportButtons(self._report, self._log)
        dismiss = buttons.addButton("&Dismiss", QDialogButtonBox.ButtonRole.RejectRole)
        dismiss.setObjectName("dismiss")
        buttons.rejected.connect(self.reject)
        return buttons

    def _on_open(self, path: Path) -> None:
        self.accept()
        self._open_project(path)

    def _hint(self) -> str:
        run = self._runs[0]
        if run.trace:
            hint = "Please report it with the details. Nothing is sent by itself."
        else:
            hint = "Systems end programs when memory runs out, for example."
        saved = "Your work was saved, up to the last second of it. "
        return f"{saved if self.projects else ''}{hint}"

    def _report(self) -> str:
        lines: list[str] = []
        for run in self._runs:
            how = "crashed" if run.trace else "was killed"
            when = f"{datetime.fromtimestamp(run.time):%Y-%m-%d %H:%M:%S}"
            # A kill leaves no time: what is known is when the marker was written.
            time = when if run.trace else f"after {when}"
            lines += [f"Version {run.version} {how}, {time}", run.trace.rstrip()]
            lines += ["Log:", self._lines[run]] if self._lines[run] else []
            lines.append("")
        lines += [f"{name}: {value}" for name, value in self._facts().items()]
        return "\n".join(lines) + "\n"


def _sentence(run: EndedRun) -> str:
    while_open = ""
    if run.project is not None:
        while_open = f" while {_name(run.project)} was open"
    if run.trace:
        when = f"{datetime.fromtimestamp(run.time):%d %b, %H:%M}"
        return f"Cellpose Studio crashed on {when}{while_open}."
    return (
        f"Cellpose Studio was ended from outside{while_open}, or the computer stopped."
    )


def _name(path: Path) -> str:
    return "the unnamed project" if is_unnamed(path) else path.stem
