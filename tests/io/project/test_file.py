"""The file itself: one at rest, one writer, and a sentence for whatever is wrong."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from cellpose_studio.core.errors import CannotSave, ProjectDamaged, ProjectUnusable
from cellpose_studio.io.project import database
from cellpose_studio.io.project.file import (
    create_project,
    locked_by_another,
    open_project,
    read_project,
)
from cellpose_studio.io.project.tables.window_state import read_state, write_state
from cellpose_studio.io.project.writing import reconnect
from tests.waiting import HOURS, LONG, ended


@pytest.fixture
def path(tmp_path):
    file = create_project(tmp_path / "a.cpstudio")
    write_state(file.db, "window", {"image": 1})
    file.close()
    return file.path


@pytest.fixture
def elsewhere(path):
    """Open the project in another process; return that process."""
    code = (
        "import sys, pathlib\n"
        "from cellpose_studio.io.project.tables.window_state import write_state\n"
        "from cellpose_studio.io.project.file import open_project\n"
        f"file = open_project(pathlib.Path({str(path)!r}))\n"
        "write_state(file.db, 'window', {'image': 2})\n"
        "print('open', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"open\n"
        yield process
        process.kill()


def test_closed_it_is_one_file(path):
    assert list(path.parent.iterdir()) == [path]


def test_open_it_is_in_wal_mode_and_closed_one_file_again(path):
    file = open_project(path)
    write_state(file.db, "window", {"image": 3})
    assert path.with_name("a.cpstudio-wal").exists()
    assert not file.read_only
    assert not file.crashed
    file.close()
    assert list(path.parent.iterdir()) == [path]
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert db.execute("PRAGMA application_id").fetchone() == (0x43705374,)


def test_closed_it_is_complete_while_another_window_reads_it(path, tmp_path):
    writer = open_project(path)
    with closing(open_project(path)) as view:
        write_state(writer.db, "window", {"image": 3})
        assert read_state(view.db, "window") == {"image": 3}
        writer.close()
        copy = shutil.copyfile(path, tmp_path / "copy.cpstudio")
        with closing(open_project(copy)) as file:
            assert read_state(file.db, "window") == {"image": 3}
            assert not file.crashed
    with closing(open_project(path)) as file:
        assert read_state(file.db, "window") == {"image": 3}
    assert sorted(path.parent.iterdir()) == [path, copy]


def test_whoever_is_reading_does_not_hold_up_the_end(path, monkeypatch):
    monkeypatch.setattr(database, "_BUSY_SECONDS", HOURS)
    writer = open_project(path)
    with closing(open_project(path)) as view:
        write_state(writer.db, "window", {"image": 3})
        reading = view.db.execute("SELECT name FROM sqlite_schema")
        assert reading.fetchone()
        ended(writer.close)
    with closing(open_project(path)) as file:
        assert read_state(file.db, "window") == {"image": 3}


def test_on_a_network_drive_there_is_no_shared_memory(path, monkeypatch):
    monkeypatch.setattr(database, "is_on_network", lambda _: True)
    file = open_project(path)
    write_state(file.db, "window", {"image": 3})
    assert file.db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert not path.with_name("a.cpstudio-shm").exists()
    file.close()
    assert list(path.parent.iterdir()) == [path]


def test_every_commit_is_flushed(path):
    file = open_project(path)
    assert file.db.execute("PRAGMA synchronous").fetchone() == (2,)
    file.close()


def test_nothing_that_is_there_is_overwritten(path):
    before = path.read_bytes()
    with pytest.raises(CannotSave, match="already exists"):
        create_project(path)
    assert path.read_bytes() == before


def test_a_folder_is_made_for_it(tmp_path):
    create_project(tmp_path / "new" / "a.cpstudio").close()
    assert (tmp_path / "new" / "a.cpstudio").exists()


def test_the_second_window_reads_only_and_says_so(path):
    with closing(open_project(path)) as first:
        with closing(open_project(path)) as second:
            assert second.read_only
            assert "is open in another window" in second.read_only_reason
            assert read_state(second.db, "window") == {"image": 1}
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                write_state(second.db, "window", {})
        write_state(first.db, "window", {"image": 5})
    with closing(open_project(path)) as third:
        assert not third.read_only
        assert not third.crashed
        assert read_state(third.db, "window") == {"image": 5}


def test_another_process_keeps_it_too(path, elsewhere):
    assert locked_by_another(path)
    with closing(open_project(path)) as file:
        assert "is open in another window" in file.read_only_reason
        assert read_state(file.db, "window") == {"image": 2}


@pytest.mark.skipif(sys.platform == "win32", reason="no kill -9")
def test_a_killed_process_frees_it_and_loses_nothing(path, elsewhere):
    elsewhere.send_signal(signal.SIGKILL)
    elsewhere.wait(LONG)
    assert not locked_by_another(path)
    with closing(open_project(path)) as file:
        assert file.crashed
        assert not file.read_only
        assert read_state(file.db, "window") == {"image": 2}
    assert list(path.parent.iterdir()) == [path]
    with closing(open_project(path)) as file:
        assert not file.crashed


def test_a_crash_that_left_damage_is_told(filled, tmp_path):
    path = shutil.copyfile(filled.path, tmp_path / "a.cpstudio")
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE meta SET value = '0' WHERE key = 'clean'")
        db.commit()
        root = db.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'journal'"
        ).fetchone()[0]
    data = bytearray(path.read_bytes())
    data[(root - 1) * 4096 : root * 4096] = bytes(4096)
    path.write_bytes(data)
    with pytest.raises(ProjectDamaged, match=r"is damaged.*File > Rescue") as told:
        open_project(path)
    assert told.value.in_command_line().endswith("saved with 'cellpose-studio rescue'.")
    assert list(tmp_path.iterdir()) == [path]


def test_reading_beside_the_writer_sees_what_is_committed(path):
    with closing(open_project(path)) as writer, closing(read_project(path)) as view:
        write_state(writer.db, "window", {"image": 8})
        assert read_state(view.db, "window") == {"image": 8}
        assert view.read_only


def test_a_lost_connection_can_be_made_again(path):
    file = open_project(path)
    file.db.close()
    reconnect(file)
    assert read_state(file.db, "window") == {"image": 1}
    file.close()
    assert list(path.parent.iterdir()) == [path]


def test_a_newer_version_can_only_be_looked_at(path):
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 7")
        db.execute("CREATE TABLE invention (id INTEGER PRIMARY KEY)")
        db.execute("ALTER TABLE image ADD COLUMN invention TEXT")
    before = path.read_bytes()
    with closing(open_project(path)) as file:
        assert "made by a newer version of Cellpose Studio" in file.read_only_reason
        assert read_state(file.db, "window") == {"image": 1}
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"", b"GIF89a", bytes(5000)], ids=len)
def test_what_is_no_project_is_refused(content, tmp_path):
    path = tmp_path / "a.cpstudio"
    path.write_bytes(content)
    with pytest.raises(ProjectUnusable, match=r"is not a project of Cellpose Studio"):
        open_project(path)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(ProjectUnusable, match=r"a\.cpstudio does not exist in "):
        open_project(tmp_path / "a.cpstudio")
    (tmp_path / "b.cpstudio").mkdir()
    with pytest.raises(ProjectUnusable, match=r"b\.cpstudio cannot be opened"):
        open_project(tmp_path / "b.cpstudio")


def test_the_database_of_another_program_is_refused(tmp_path):
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE image (id INTEGER)")
    with pytest.raises(ProjectUnusable, match="is not a project"):
        open_project(path)


@pytest.mark.parametrize("length", [50, 100, 4096, 5000, 20000])
def test_a_truncated_file_is_refused(length, path):
    os.truncate(path, length)
    with pytest.raises(ProjectUnusable) as refusal:
        open_project(path)
    assert refusal.value.message.startswith("a.cpstudio is")
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    "attack",
    [
        "CREATE TRIGGER t AFTER UPDATE ON meta BEGIN DELETE FROM image; END",
        "CREATE TRIGGER t AFTER INSERT ON journal BEGIN "
        "UPDATE chunk SET data = zeroblob(1000000000); END",
        "CREATE VIEW v AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
        "SELECT i + 1 FROM n) SELECT * FROM n",
        "DROP TABLE preset",
        "ALTER TABLE image ADD COLUMN other TEXT DEFAULT (load_extension('/x'))",
        "CREATE VIRTUAL TABLE v USING fts5(x)",
    ],
)
def test_a_file_that_acts_is_refused(attack, path):
    with closing(sqlite3.connect(path)) as db:
        try:
            db.execute(attack)
        except sqlite3.OperationalError as error:
            pytest.skip(str(error))
        db.commit()
    before = path.read_bytes()
    for opened in (open_project, read_project):
        with pytest.raises(ProjectDamaged):
            opened(path)
    assert path.read_bytes() == before


def test_a_newer_file_with_a_view_is_refused_too(path):
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 7")
        db.execute("DROP TABLE preset")
        db.execute("CREATE VIEW preset AS SELECT 1")
    with pytest.raises(ProjectDamaged):
        open_project(path)


@pytest.mark.skipif(sys.platform == "win32", reason="needs file modes")
def test_a_read_only_folder_is_said_to_be_one(path):
    """As a user without rights, which root is not."""
    folder = Path(tempfile.mkdtemp())
    copy = Path(shutil.copy(path, folder))
    copy.chmod(0o444)
    folder.chmod(0o555)
    code = (
        "import os, pathlib, sys\n"
        "from cellpose_studio.io.project.file import open_project\n"
        "from cellpose_studio.io.project.tables.window_state import read_state\n"
        "os.geteuid() or os.setuid(65534)\n"
        "file = open_project(pathlib.Path(sys.argv[1]))\n"
        "print(file.read_only_reason, read_state(file.db, 'window'))\n"
        "file.close()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(copy)],
        capture_output=True,
        text=True,
        timeout=LONG,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    folder.chmod(0o755)
    left = list(folder.iterdir())
    shutil.rmtree(folder)
    assert done.stderr == ""
    assert "is read-only. Changes are not saved" in done.stdout
    assert "{'image': 1}" in done.stdout
    assert left == [copy]


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CannotSave, match="cannot be created in"):
        create_project(tmp_path / "file" / "a.cpstudio")


def test_masks_survive_many_openings(reader, tmp_path):
    maker = reader.fill(tmp_path / "a.cpstudio")
    maker.file.close()
    for _ in range(3):
        with closing(open_project(maker.file.path)) as file:
            found = reader.all_of(file)
    for label_set, pixels in maker.filled.present.items():
        np.testing.assert_array_equal(found.present[label_set], pixels)


@pytest.mark.parametrize("end", ["-wal", "-journal"])
def test_no_project_is_made_beside_what_a_crash_left(end, tmp_path):
    (tmp_path / f"a.cpstudio{end}").write_bytes(b"changes")
    with pytest.raises(CannotSave, match="already exists"):
        create_project(tmp_path / "a.cpstudio")
    assert not (tmp_path / "a.cpstudio").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="names are text")
def test_a_project_may_lie_in_a_folder_whose_name_is_no_text(tmp_path):
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/Zell\xfc"))
    folder.mkdir()
    create_project(folder / "a.cpstudio").close()
    open_project(folder / "a.cpstudio").close()
    assert list(folder.iterdir()) == [folder / "a.cpstudio"]


def test_reading_that_was_not_ended_does_not_hold_up_the_end(path, monkeypatch):
    monkeypatch.setattr(database, "_BUSY_SECONDS", HOURS)
    file = open_project(path)
    write_state(file.db, "window", {"image": 3})
    reading = file.db.execute("SELECT name FROM sqlite_schema")
    assert reading.fetchone()
    ended(file.close)
    with closing(ended(lambda: open_project(path))) as file:
        assert read_state(file.db, "window") == {"image": 3}
