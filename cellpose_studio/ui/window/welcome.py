"""Start page, shown while the project has no image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from cellpose_studio.app.project.known_projects import ProjectSummary, summaries
from cellpose_studio.app.project.scratch import unsaved_project
from cellpose_studio.core.wording import image_count
from cellpose_studio.ui.services import Services

_MOST_RECENT, _MOST_UNSAVED = 5, 3


class Welcome(QWidget):
    """Takes the place of the canvas while no image is shown."""

    images_requested = Signal()
    sample_requested = Signal()
    project_requested = Signal(object)  # path of the project

    def __init__(self) -> None:
        super().__init__()
        text = QLabel("Drop images or a folder here.")
        text.setObjectName("welcome")
        text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.open = QPushButton("Open images…", objectName="openImages")
        self.button = QPushButton("Open the sample", objectName="openSample")
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addStretch(2)
        column.addWidget(text)
        for button in (self.open, self.button):
            column.addWidget(button, 0, Qt.AlignmentFlag.AlignCenter)
        column.addStretch(1)
        self._recent = _ProjectList("Open a recent project:", column)
        self._unsaved = _ProjectList("Recover unsaved projects:", column)
        column.addStretch(1)
        self.open.clicked.connect(self.images_requested)
        self.button.clicked.connect(self.sample_requested)

    @property
    def recent(self) -> Sequence[QPushButton]:
        """Buttons for projects with a name, the newest first."""
        return self._recent.buttons

    @property
    def unsaved(self) -> Sequence[QPushButton]:
        """Buttons for projects without a name, the newest first."""
        return self._unsaved.buttons

    def offer(
        self, unsaved: Sequence[ProjectSummary], recent: Sequence[ProjectSummary] = ()
    ) -> None:
        """Offer projects, the newest of each kind."""
        self._recent.show(self._buttons(recent[:_MOST_RECENT]))
        self._unsaved.show(self._buttons(unsaved[:_MOST_UNSAVED]))

    def _buttons(self, projects: Sequence[ProjectSummary]) -> Iterator[QPushButton]:
        for project in projects:
            count = image_count(project.images)
            text = f"Open {project.path.stem}: {count}, {project.changed:%d %b, %H:%M}"
            if project.unnamed:
                text = f"Recover {count} of {project.changed:%d %b, %H:%M}"
            # Qt would take an ampersand of the name for a mnemonic.
            button = QPushButton(text.replace("&", "&&"))
            button.setToolTip(str(project.path))
            path = project.path
            button.clicked.connect(
                lambda _=False, path=path: self.project_requested.emit(path)
            )
            yield button


class _ProjectList:
    """A heading with buttons below it, both hidden while there are none."""

    def __init__(self, heading: str, column: QVBoxLayout) -> None:
        self.buttons: list[QPushButton] = []
        self._heading = QLabel(heading, objectName="offers")
        self._heading.hide()
        self._rows = QVBoxLayout()
        column.addWidget(self._heading, 0, Qt.AlignmentFlag.AlignCenter)
        column.addLayout(self._rows)

    def show(self, buttons: Iterator[QPushButton]) -> None:
        for button in self.buttons:
            self._rows.removeWidget(button)
            button.deleteLater()
        self.buttons = list(buttons)
        for button in self.buttons:
            self._rows.addWidget(button, 0, Qt.AlignmentFlag.AlignCenter)
        self._heading.setVisible(bool(self.buttons))


def offer_projects(welcome: Welcome, services: Services) -> None:
    """Search for projects off the GUI thread, and offer them on the start page."""
    named = [
        path
        for path in services.settings.projects
        if path != services.session.project.path
    ]

    def search() -> tuple[list[ProjectSummary], list[ProjectSummary]]:
        return unsaved_project(), summaries(named)

    # Not among the jobs that open files: projects may lie on a drive that hangs.
    services.run(
        "Searching for projects",
        lambda _: search(),
        lambda found: welcome.offer(*found),
        quiet=True,
        queue=services.stack_jobs,
    )
