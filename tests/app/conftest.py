"""A project to work on, and what was saved in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from qtpy.QtWidgets import QApplication

from cellpose_studio.app.jobs import JobQueue
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.session import Session


@pytest.fixture
def queue(qapp: QApplication) -> Iterator[JobQueue]:
    queue = JobQueue()
    yield queue
    queue.shut_down()


@pytest.fixture
def project(qapp: QApplication, tmp_path: Path) -> Iterator[Project]:
    project = Project.create(tmp_path / "project.cpstudio")
    yield project
    project.close()


@pytest.fixture
def session(project: Project) -> Session:
    return Session(project)


@pytest.fixture
def reopened(project: Project, session: Session) -> Iterator[Callable[[], Session]]:
    """Return a function that closes the project and opens it in another session."""
    opened: list[Project] = []

    def reopen() -> Session:
        session.seal_all()
        project.close()
        opened.append(Project.open(project.path))
        return Session(opened[-1])

    yield reopen
    for again in opened:
        again.close()
