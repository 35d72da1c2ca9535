"""What happens when the disk refuses: it is told, kept, and written later."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QCoreApplication

from cellpose_studio.app.images.experiment import Experiment
from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.compartments import Compartments
from cellpose_studio.app.session.held_copy import save_held
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.edits.whole import delete_cells
from cellpose_studio.core.errors import CannotSave, ProjectUnusable
from cellpose_studio.core.measure.compartments.choice import CompartmentChoice
from cellpose_studio.core.measure.experiment.columns import ExperimentColumns
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.project import database
from cellpose_studio.io.project.reading import snapshot
from cellpose_studio.io.project.save_as import ContentLost
from cellpose_studio.io.project.tables.window_state import read_state, write_state

KEPT = "Your work is kept"
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


class Heard:
    """What the writer of a project said."""

    def __init__(self, project: Project) -> None:
        self.failures, self.saved = [], 0
        project.writer.failing.connect(self.failures.append)
        project.writer.saved.connect(self._on_saved)

    def _on_saved(self) -> None:
        self.saved += 1


def masks(seed: int, side: int = 600) -> LabelSet:
    labels = np.random.default_rng(seed).integers(0, 2**31, (side, side), np.uint32)
    return LabelSet(
        name="cells", pixels=LabelImage(labels), origin="test", cells=side * side
    )


@pytest.fixture
def image(session, cells):
    [image] = session.add(open_images(cells("a.tif", (600, 600))))
    return image


def test_a_change_is_written_without_a_pause(project, monkeypatch):
    """So what a kill costs is what the disk has not taken yet."""
    writer, pauses = project.writer, []
    assert writer.flush(60)
    wait = writer._wake.wait
    monkeypatch.setattr(writer._wake, "wait", lambda *t: pauses.append(t) or wait(*t))
    for n in range(5):
        ticket = project.submit(lambda db, n=n: write_state(db, "test", {"n": n}))
        # Nobody asks for it.
        with writer._idle:
            assert writer._idle.wait_for(lambda t=ticket: writer.is_durable(t), 60)
    assert pauses == []


def test_changes_that_wait_together_are_written_in_their_order(project, qtbot):
    heard, gate = Heard(project), threading.Event()
    project.submit(lambda _: gate.wait(60))
    for n in range(200):
        project.submit(lambda db, n=n: write_state(db, "test", {"n": n}))
    gate.set()
    assert project.writer.flush(60)
    assert project.writer.pending == 0
    assert project.read(lambda db: read_state(db, "test")) == {"n": 199}
    qtbot.waitUntil(lambda: heard.saved > 0)
    QCoreApplication.processEvents()
    # The image of the project, what held the writer up, and all that waited then.
    assert heard.saved <= 3
    assert heard.failures == []


def test_a_full_disk_is_told_and_loses_nothing(project, session, image, qtbot):
    heard = Heard(project)
    project.writer.flush(60)
    project.writer.run(lambda: limit_pages(project, now=True))
    session.replace_masks(image, masks(1), "Run")
    qtbot.waitUntil(lambda: bool(heard.failures))
    failure = heard.failures[0]
    assert "the disk is full" in failure.message
    assert KEPT in failure.message
    assert "Ctrl+S" in failure.hint
    assert project.writer.pending > 0
    assert image.masks.array.any()
    project.writer.run(lambda: limit_pages(project, now=False))
    assert project.writer.flush(60)
    [revision] = [labels.revision for labels in image.label_sets.values()]
    np.testing.assert_array_equal(project.labels(revision), masks(1).array)


def test_a_project_that_cannot_be_written_goes_on_elsewhere(
    project, session, image, qtbot, tmp_path
):
    heard = Heard(project)
    project.writer.flush(60)
    project.writer.run(lambda: limit_pages(project, now=True))
    session.replace_masks(image, masks(2), "Run")
    qtbot.waitUntil(lambda: bool(heard.failures))
    (tmp_path / "elsewhere").mkdir()
    project.save_as(tmp_path / "elsewhere" / "b.cpstudio")
    assert project.writer.flush(60)
    assert project.path.name == "b.cpstudio"
    revision = image.masks.revision
    np.testing.assert_array_equal(project.labels(revision), masks(2).array)


def limit_pages(project: Project, now: bool) -> None:
    db = project.writer.file.db
    pages = db.execute("PRAGMA page_count").fetchone()[0] if now else 2**30
    db.execute(f"PRAGMA max_page_count = {pages}")


@linux
def test_a_network_drive_that_goes_away_and_comes_back(
    qapp, cells, tmp_path, qtbot, monkeypatch
):
    # Only the choice of the journal's kind: this disk is none of a network.
    monkeypatch.setattr(database, "is_on_network", lambda _: True)
    folder = tmp_path / "share"
    folder.mkdir()
    project = Project.create(folder / "p.cpstudio")
    session = Session(project)
    [image] = session.add(open_images(cells("a.tif", (600, 600))))
    heard = Heard(project)
    assert project.writer.flush(60)
    # What a share that is gone leaves behind: no folder, and handles that are dead.
    nothing = os.open("/dev/null", os.O_RDONLY)
    for handle in [h for h, file in open_files() if file == project.path]:
        os.dup2(nothing, handle)
    folder.rename(tmp_path / "away")
    session.replace_masks(image, masks(3), "Run")
    qtbot.waitUntil(lambda: bool(heard.failures))
    assert KEPT in heard.failures[0].message
    assert image.masks.array.any()
    (tmp_path / "away").rename(folder)
    assert project.writer.flush(60)
    revision = image.masks.revision
    np.testing.assert_array_equal(project.labels(revision), masks(3).array)
    project.close()
    assert [path.name for path in folder.iterdir()] == ["p.cpstudio"]


@pytest.mark.parametrize("first", ["reading", "writing"])
def test_on_a_network_drive_reading_and_writing_wait_for_each_other(
    first, qapp, tmp_path, monkeypatch
):
    # As long as it takes: SQLite would give up after a moment.
    monkeypatch.setattr(database, "is_on_network", lambda _: True)
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.1)
    project = Project.create(tmp_path / "p.cpstudio")
    heard, begun, found = Heard(project), threading.Event(), []
    assert project.writer.flush(60)

    def read(db: sqlite3.Connection) -> None:
        with snapshot(db):
            found.append(read_state(db, "test"))
            if first == "reading":
                begun.set()
                time.sleep(1)

    def write(db: sqlite3.Connection) -> None:
        # More than fits into the memory of SQLite: it locks readers out already.
        db.execute("PRAGMA cache_size = 10")
        for n in range(300 if first == "writing" else 1):
            write_state(db, f"big {n}", {"n": "x" * 20_000})
        begun.set()
        time.sleep(1 if first == "writing" else 0)

    reader = threading.Thread(target=project.read, args=(read,))
    if first == "reading":
        reader.start()
        assert begun.wait(60)
        project.submit(write)
    else:
        monkeypatch.setattr(project.writer, "flush", lambda *_: True)
        project.submit(write)
        assert begun.wait(60)
        reader.start()
    reader.join(60)
    monkeypatch.undo()
    assert project.writer.flush(60)
    assert len(found) == 1
    # What the writer has said is in the queue of events by now.
    QCoreApplication.processEvents()
    assert heard.failures == []
    project.close()


def open_files() -> list[tuple[int, Path]]:
    found = []
    for handle in Path("/proc/self/fd").iterdir():
        try:
            found.append((int(handle.name), handle.readlink()))
        except OSError:
            continue
    return found


@linux
def test_a_file_that_may_not_grow_is_a_full_disk(cells, tmp_path):
    """The kernel refuses the write, as it does on a disk that is full."""
    image = cells("a.tif", (600, 600))
    code = f"""
import resource, signal, sys
from pathlib import Path
from qtpy.QtCore import QCoreApplication
import numpy as np
from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.session import Session
from cellpose_studio.io.images.reader import open_images
app = QCoreApplication([])
project = Project.create(Path({str(tmp_path / "p.cpstudio")!r}))
session = Session(project)
[entry] = session.add(open_images(Path({str(image)!r})))
assert project.writer.flush(60)
said = []
project.writer.failing.connect(said.append)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
labels = np.random.default_rng(0).integers(0, 2**31, (600, 600), np.uint32)
cells = LabelSet(name="cells", pixels=LabelImage(labels), origin="x", cells=1)
session.replace_masks(entry, cells, "Run")
while not said:
    app.processEvents()
print(said[0].message)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
assert project.writer.flush(60)
assert (project.labels(entry.masks.revision) == labels).all()
project.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "cannot be saved" in done.stdout
    assert KEPT in done.stdout


def test_a_change_that_is_a_mistake_does_not_hold_up_the_rest(project, qtbot):
    broken = []
    project.writer.broken.connect(broken.append)

    def mistake(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO revision_chunk VALUES (99, 0, 0, 0, x'00')")

    for change in (mistake, lambda db: write_state(db, "test", {"n": 1})):
        project.submit(change)
    assert project.writer.flush(60)
    assert project.read(lambda db: read_state(db, "test")) == {"n": 1}
    qtbot.waitUntil(lambda: bool(broken))
    assert "A change could not be saved in project.cpstudio" in broken[0].message
    assert "what builds on it" in broken[0].message
    assert "Nothing was lost" not in broken[0].hint


@linux
@pytest.mark.parametrize("damage", ["cut", "garbled"])
def test_a_file_that_is_damaged_while_open_keeps_the_changes(
    damage, project, session, image, qtbot
):
    heard, broken = Heard(project), []
    project.writer.broken.connect(broken.append)
    session.replace_masks(image, masks(6), "Run")
    assert project.writer.flush(60)
    before = project.path.read_bytes()
    db = project.writer.file.db
    project.writer.run(lambda: db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
    before = project.path.read_bytes()
    with project.path.open("r+b") as file:
        file.seek(4096)
        if damage == "cut":
            file.truncate()
        else:
            file.write(os.urandom(len(before) - 4096))
    project.writer.run(lambda: db.execute("PRAGMA shrink_memory").fetchall())
    session.replace_masks(image, masks(7), "Run")
    assert not project.writer.flush(1)
    qtbot.waitUntil(lambda: bool(heard.failures))
    assert "was damaged" in heard.failures[0].message
    assert "Rescue" in heard.failures[0].hint
    assert broken == []
    with project.path.open("r+b") as file:
        file.write(before)
    assert project.writer.flush(60)
    np.testing.assert_array_equal(project.labels(image.masks.revision), masks(7).array)


@pytest.mark.skipif(sys.platform == "win32", reason="open files stay where they are")
@pytest.mark.parametrize("moved", [False, True])
def test_a_file_that_is_taken_away_while_open_keeps_the_changes(
    moved, project, session, image, qtbot, tmp_path
):
    heard = Heard(project)
    assert project.writer.flush(60)
    old = project.path
    if moved:
        old.rename(tmp_path / "moved.cpstudio")
    else:
        for file in tmp_path.glob("project.cpstudio*"):
            file.unlink()
    session.replace_masks(image, masks(8), "Run")
    assert not project.writer.flush(1)
    qtbot.waitUntil(lambda: bool(heard.failures))
    assert f"it is not in {tmp_path} any more" in heard.failures[0].message
    project.save_as(tmp_path / "again.cpstudio")
    assert project.writer.flush(60)
    project.close()
    again = Project.open(tmp_path / "again.cpstudio")
    [same] = Session(again).images
    np.testing.assert_array_equal(same.masks.array, masks(8).array)
    again.close()
    assert not old.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="open files stay where they are")
def test_a_file_that_goes_during_a_commit_does_not_count_as_saved(project, tmp_path):
    assert project.writer.flush(60)
    real = project.writer.file.check_place
    asked = []

    def check() -> None:
        asked.append(1)
        if len(asked) == 3:
            project.path.rename(tmp_path / "away")
        real()

    project.writer.file.check_place = check
    project.submit(lambda db: write_state(db, "test", {"n": 1}))
    assert not project.writer.flush(1)
    (tmp_path / "away").rename(project.path)
    assert project.writer.flush(60)
    assert project.read(lambda db: read_state(db, "test")) == {"n": 1}


@pytest.mark.skipif(sys.platform == "win32", reason="open files stay where they are")
@pytest.mark.parametrize("other", ["another project", "an earlier copy"])
def test_another_project_in_its_place_is_not_written_to(
    other, project, session, image, tmp_path, qapp
):
    new = tmp_path / "other.cpstudio"
    assert project.writer.flush(60)
    if other == "another project":
        Project.create(new).close()
    else:
        project.writer.run(
            lambda: project.writer.file.db.execute("PRAGMA wal_checkpoint").fetchall()
        )
        new.write_bytes(project.path.read_bytes())
        session.replace_masks(image, masks(9), "Run")
        assert project.writer.flush(60)
    (tmp_path / "away").mkdir()
    for file in tmp_path.glob("project.cpstudio*"):
        file.rename(tmp_path / "away" / file.name)
    before = new.read_bytes()
    new.rename(project.path)
    session.replace_masks(image, masks(10), "Run")
    assert not project.writer.flush(3)
    assert project.path.read_bytes() == before
    project.save_as(tmp_path / "mine.cpstudio")
    assert project.writer.flush(60)
    assert (tmp_path / "project.cpstudio").read_bytes() == before
    np.testing.assert_array_equal(project.labels(image.masks.revision), masks(10).array)


@pytest.mark.skipif(sys.platform == "win32", reason="open files stay where they are")
def test_the_same_project_brought_back_as_a_new_file_is_gone_on_with(
    project, session, image, tmp_path
):
    project.writer.run(
        lambda: project.writer.file.db.execute(
            "PRAGMA wal_checkpoint(TRUNCATE)"
        ).fetchall()
    )
    copy = tmp_path / "copy"
    copy.write_bytes(project.path.read_bytes())
    copy.replace(project.path)
    session.replace_masks(image, masks(11), "Run")
    assert project.writer.flush(60)
    np.testing.assert_array_equal(project.labels(image.masks.revision), masks(11).array)


def test_what_waits_behind_a_commit_is_written_before_the_end(qapp, tmp_path):
    project = Project.create(tmp_path / "p.cpstudio")
    gate, begun = threading.Event(), threading.Event()

    def held_up(_: sqlite3.Connection) -> None:
        begun.set()
        gate.wait(60)

    project.submit(held_up)
    assert begun.wait(60)
    project.submit(lambda db: write_state(db, "test", {"n": 2}))
    threading.Timer(0.2, gate.set).start()
    project.writer.close()
    again = Project.open(project.path)
    assert again.read(lambda db: read_state(db, "test")) == {"n": 2}
    again.close()


def test_a_second_window_reads_and_can_go_on_elsewhere(
    project, session, image, qtbot, tmp_path
):
    session.replace_masks(image, masks(4), "Run")
    project.writer.flush(60)
    other = Project.open(project.path)
    assert "open in another window" in other.read_only_reason
    second = Session(other)
    [same] = second.images
    np.testing.assert_array_equal(same.masks.array, masks(4).array)
    heard = Heard(other)
    second.replace_masks(same, masks(5), "Run")
    qtbot.waitUntil(lambda: bool(heard.failures))
    other.save_as(tmp_path / "mine.cpstudio")
    assert other.writer.flush(60)
    np.testing.assert_array_equal(other.labels(same.masks.revision), masks(5).array)
    other.close()
    np.testing.assert_array_equal(project.labels(image.masks.revision), masks(4).array)


def test_a_project_is_not_saved_over_one_that_is_open(project, tmp_path, qapp):
    other = Project.create(tmp_path / "other.cpstudio")
    with pytest.raises(CannotSave, match="open in another window"):
        project.save_as(other.path)
    other.close()
    project.save_as(other.path)
    assert project.path == other.path


def test_saving_under_a_name_moves_an_unnamed_project(qapp, tmp_path, cells):
    folder = tmp_path / "data"
    folder.mkdir()
    project = Project.create(folder / "unnamed.cpstudio", unnamed=True)
    session = Session(project)
    session.add(open_images(cells("a.tif")))
    project.save_as(tmp_path / "named.cpstudio")
    assert not project.unnamed
    assert list(folder.iterdir()) == []
    project.close()
    again = Project.open(tmp_path / "named.cpstudio")
    assert [stored.image.name for stored in again.stored_images] == ["a.tif"]
    again.close()


def test_an_empty_unnamed_project_leaves_nothing(qapp, tmp_path):
    project = Project.create(tmp_path / "unnamed.cpstudio", unnamed=True)
    project.close()
    assert list(tmp_path.iterdir()) == []


def test_a_project_that_is_overwritten_while_open_stays_what_it_became(
    project, session, image, tmp_path, qtbot
):
    other = tmp_path / "other.cpstudio"
    Project.create(other).close()
    before = other.read_bytes()
    heard = Heard(project)
    session.replace_masks(image, masks(12), "Run")
    assert project.writer.flush(60)
    project.path.write_bytes(before)
    session.replace_masks(image, masks(13), "Run")
    assert not project.writer.flush(1)
    qtbot.waitUntil(lambda: bool(heard.failures))
    assert "another program replaced its content" in heard.failures[0].message
    assert KEPT in heard.failures[0].message
    assert "Save what is open here as a new project" in heard.failures[0].hint
    with pytest.raises(CannotSave, match="was overwritten with another file"):
        project.save_as(tmp_path / "mine.cpstudio")
    project.close(0)
    assert project.path.read_bytes() == before
    Project.open(project.path).close()


@pytest.mark.parametrize("content", [b"no project " * 4000, b"", "other database"])
def test_a_project_overwritten_with_anything_is_told_and_left_as_it_is(
    project, session, image, content, tmp_path, qtbot
):
    if content == "other database":
        with closing(sqlite3.connect(tmp_path / "other.db")) as db:
            db.execute("CREATE TABLE notes (text)")
            db.commit()
        content = (tmp_path / "other.db").read_bytes()
    heard = Heard(project)
    session.replace_masks(image, masks(12), "Run")
    assert project.writer.flush(60)
    project.path.write_bytes(content)
    with pytest.raises(ProjectUnusable, match="Another program replaced the content"):
        project.labels(image.masks.revision)
    session.replace_masks(image, masks(13), "Run")
    assert not project.writer.flush(1)
    qtbot.waitUntil(lambda: bool(heard.failures))
    assert "another program replaced its content" in heard.failures[0].message
    with pytest.raises(ContentLost):
        project.save_as(tmp_path / "mine.cpstudio")
    project.close(0)
    assert project.path.read_bytes() == content


def test_what_is_open_of_an_overwritten_project_is_saved_as_a_new_one(
    project, session, cells, image, tmp_path
):
    [other] = session.add(open_images(cells("b.tif", (600, 600))))
    session.replace_masks(other, masks(11), "Run")
    session.replace_masks(image, masks(12, 600), "Run")
    assert project.writer.flush(60)
    session.set_reviewed(image, True)
    cell = int(image.masks.array[3, 4])
    session.set_cell_status(image, [cell], "accepted")
    table = image.masks.pixels.cell_table()
    session.edit(image, delete_cells(image.masks.array, table, [cell]))
    wanted = image.masks.array.copy()
    columns = ExperimentColumns(
        names=("day",), values={other.id: {"day": "2"}, image.id: {"day": "1"}}
    )
    Experiment(session).set(columns)
    choice = CompartmentChoice(nuclei="nuclei")
    Compartments(session).set(choice)
    other.label_sets["cells"] = session.masks.stored.unloaded(other.masks)
    project.path.write_bytes(b"another program's " * 3000)
    held = save_held(session, tmp_path / "mine.cpstudio")
    assert held.text == (
        "Saved what is open as mine: masks of 1 image. Masks of b.tif were not in "
        "memory: they are not in it."
    )
    held.project.close(60)
    again = Project.open(tmp_path / "mine.cpstudio")
    read = Session(again)
    assert [one.source.name for one in read.images] == ["a.tif", "b.tif"]
    np.testing.assert_array_equal(read.images[0].masks.array, wanted)
    assert read.images[0].reviewed
    assert Experiment(read).columns.of(read.images[1].id)["day"] == "2"
    assert Experiment(read).columns.of(read.images[0].id)["day"] == "1"
    assert Compartments(read).choice == choice
    assert read.images[0].statuses["cells"] == {cell: "accepted"}
    assert read.images[1].masks is None
    again.close()
    # What is left for the file that is gone is not waited for.
    project.close(patience=0)
