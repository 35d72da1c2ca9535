"""What other threads and programs read while a project is closed."""

from __future__ import annotations

import sqlite3
import threading

import pytest

from cellpose_studio.app.project.project import Project
from cellpose_studio.core.errors import ProjectUnusable
from cellpose_studio.io.project.recovery import belonging
from cellpose_studio.io.project.recovery.sidecar_files import sidecar_files
from cellpose_studio.io.project.sqlite.rollback_journal import is_idle


def count(db: sqlite3.Connection) -> int:
    return db.execute("SELECT count(*) FROM image").fetchone()[0]


@pytest.mark.parametrize("read_only", [False, True])
def test_a_closed_project_is_not_read_any_more(tmp_path, read_only):
    path = tmp_path / "p.cpstudio"
    first = Project.create(path)
    project = Project.open(path) if read_only else first
    assert bool(project.read_only_reason) == read_only
    assert project.read(count) == 0
    # The last one to close it has to be the one that writes.
    project.close()
    first.close()
    with pytest.raises(ProjectUnusable, match=r"^p\.cpstudio is closed\.$"):
        project.read(count)
    assert sidecar_files(path) == []


def test_readers_leave_nothing_beside_a_project_that_is_being_closed(tmp_path):
    for n in range(20):
        project = Project.create(tmp_path / f"{n}.cpstudio")
        begun, closed, refused = threading.Event(), threading.Event(), set()

        def read(project=project, begun=begun, closed=closed, refused=refused):
            last = False
            while not last:
                last = closed.is_set()
                try:
                    project.read(count)
                except ProjectUnusable as error:
                    refused.add(error.message)
                begun.set()

        reader = threading.Thread(target=read)
        reader.start()
        begun.wait()
        project.close()
        closed.set()
        reader.join()
        assert refused == {f"{n}.cpstudio is closed."}
        assert sidecar_files(project.path) == []


def test_a_journal_that_is_gone_when_it_is_read_stops_nobody(tmp_path, monkeypatch):
    path = tmp_path / "p.cpstudio"
    Project.create(path).close()
    journal = path.with_name("p.cpstudio-journal")
    looks = []

    def ended_meanwhile(found):
        looks.append(found)
        # Another program ends its commit now.
        journal.unlink()
        return is_idle(found)

    monkeypatch.setattr(belonging, "is_idle", ended_meanwhile)
    journal.touch()
    found = belonging.examine(path)
    assert looks == [journal]
    assert found.to_recover == found.foreign == ()
