"""Saving a project under another name: all of it, and nothing else."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.errors import CannotSave
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.project import save_as as saving_as
from cellpose_studio.io.project.tables.window_state import read_state, write_state


def masks(value: int, side: int = 70) -> LabelSet:
    labels = np.zeros((side, side), np.uint32)
    labels[2:20, 2:20] = value
    return LabelSet(name="cells", pixels=LabelImage(labels), origin="test", cells=1)


@pytest.fixture
def image(session, cells):
    [image] = session.add(open_images(cells("a.tif", (70, 70))))
    session.replace_masks(image, masks(5), "Run")
    return image


@pytest.fixture
def crashed(qapp, cells, tmp_path) -> Path:
    """Make a project that a crash left in the middle of its work."""
    project = Project.create(tmp_path / "other.cpstudio")
    session = Session(project)
    [image] = session.add(open_images(cells("b.tif", (70, 70))))
    session.replace_masks(image, masks(2), "Run")
    assert project.writer.flush(60)
    folder = tmp_path / "crashed"
    folder.mkdir()
    for end in ("", "-wal"):
        shutil.copy(f"{project.path}{end}", f"{folder / 'x.cpstudio'}{end}")
    project.close()
    return folder / "x.cpstudio"


def values_in(path: Path) -> list[tuple[str, int]]:
    """Return the images of a project, each with the highest of its cells."""
    project = Project.open(path)
    found = [
        (image.source.name, int(image.masks.array.max()))
        for image in Session(project).images
    ]
    project.close()
    return found


@pytest.mark.parametrize("deleted", [False, True])
def test_what_a_crash_left_beside_the_target_stays_out(
    deleted, project, image, crashed
):
    if deleted:
        crashed.unlink()
    project.save_as(crashed)
    project.close()
    others = [file for file in crashed.parent.iterdir() if file != crashed]
    # A log without its project may be all that is left of it.
    assert [file.name[:12] for file in others] == ["x set aside "] * deleted
    assert values_in(crashed) == [("a.tif", 5)]


def test_a_target_that_cannot_be_replaced_keeps_what_is_beside_it(
    project, image, crashed, monkeypatch
):
    def refuse(*_: object) -> None:
        raise PermissionError(13, "open in another program")

    before = {file.name: file.read_bytes() for file in crashed.parent.iterdir()}
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(CannotSave, match="open in another program"):
        project.save_as(crashed)
    assert {f.name: f.read_bytes() for f in crashed.parent.iterdir()} == before


def test_a_copy_that_lacks_something_takes_no_place(
    project, image, tmp_path, monkeypatch
):
    def lossy(target, *_: object) -> None:
        target.execute("DELETE FROM journal")

    project.unnamed = True
    before = project.path
    assert project.writer.flush(60)
    monkeypatch.setattr(saving_as, "rewrite_paths", lossy)
    with pytest.raises(CannotSave, match="is not what was written"):
        project.save_as(tmp_path / "copy.cpstudio")
    assert project.path == before
    assert before.exists()
    assert not (tmp_path / ".copy.cpstudio.lock").exists()


def test_nothing_is_made_where_there_is_no_folder(project, tmp_path):
    with pytest.raises(CannotSave, match="there is no such folder"):
        project.save_as(tmp_path / "nowhere" / "copy.cpstudio")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.skipif(os.name == "nt", reason="needs rights for links")
def test_a_link_that_leads_in_a_circle_gives_way_to_a_project(project, image, tmp_path):
    circle = tmp_path / "circle.cpstudio"
    circle.symlink_to(circle)
    project.save_as(circle)
    project.close()
    assert values_in(circle) == [("a.tif", 5)]


def test_two_windows_do_not_mix_their_changes(project, session, image, tmp_path):
    assert project.writer.flush(60)
    other = Project.open(project.path)
    second = Session(other)
    [same] = second.images
    broken = []
    other.writer.broken.connect(broken.append)
    session.replace_masks(image, masks(11), "Run")
    assert project.writer.flush(60)
    second.replace_masks(same, masks(22), "Run")
    with pytest.raises(CannotSave, match="changed in another window") as refusal:
        other.save_as(tmp_path / "copy.cpstudio")
    assert "Yours are kept" in refusal.value.message
    assert int(same.masks.array.max()) == 22
    assert other.writer.pending > 0
    assert not (tmp_path / "copy.cpstudio").exists()
    assert broken == []
    other.close(0)


def test_what_only_concerns_the_window_keeps_no_other_from_saving(
    project, image, tmp_path
):
    assert project.writer.flush(60)
    other = Project.open(project.path)
    second = Session(other)
    project.remember(lambda db: write_state(db, "window", {"image": 3}))
    assert project.writer.flush(60)
    second.replace_masks(second.images[0], masks(22), "Run")
    other.save_as(tmp_path / "copy.cpstudio")
    assert other.writer.flush(60)
    other.close()
    assert values_in(tmp_path / "copy.cpstudio") == [("a.tif", 22)]


def test_a_project_of_a_newer_version_is_not_saved_elsewhere(
    project, image, tmp_path, qtbot
):
    project.close()
    with closing(sqlite3.connect(project.path)) as db:
        db.execute("PRAGMA user_version = 7")
    newer = Project.open(project.path)
    session = Session(newer)
    failures = []
    newer.writer.failing.connect(failures.append)
    session.replace_masks(session.images[0], masks(22), "Run")
    with pytest.raises(CannotSave, match="was made by a newer version"):
        newer.save_as(tmp_path / "copy.cpstudio")
    qtbot.waitUntil(lambda: bool(failures))
    assert "Ctrl+S" not in failures[0].hint
    assert newer.writer.pending > 0
    assert not (tmp_path / "copy.cpstudio").exists()
    newer.close(0)


def test_images_that_moved_with_the_project_are_found_from_a_copy(
    qapp, cells, tmp_path
):
    first = tmp_path / "first"
    first.mkdir()
    cells("a.tif").rename(first / "a.tif")
    project = Project.create(first / "p.cpstudio")
    Session(project).add(open_images(first / "a.tif"))
    project.close()
    moved = first.rename(tmp_path / "moved")
    (moved / "sub").mkdir()
    project = Project.open(moved / "p.cpstudio")
    project.save_as(moved / "sub" / "q.cpstudio")
    project.close()
    project = Project.open(moved / "sub" / "q.cpstudio")
    [stored] = project.stored_images
    assert stored.image.path == moved / "a.tif"
    project.close()
    # Alone somewhere else, it knows where they are.
    alone = (moved / "sub" / "q.cpstudio").rename(tmp_path / "q.cpstudio")
    project = Project.open(alone)
    assert project.stored_images[0].image.path == moved / "a.tif"
    project.close()


def test_an_image_that_is_written_after_a_move_has_the_path_from_there(
    project, session, cells, tmp_path
):
    (tmp_path / "sub").mkdir()
    assert project.writer.flush(60)
    gate = threading.Event()
    saving = threading.Thread(
        target=project.save_as, args=(tmp_path / "sub" / "q.cpstudio",)
    )
    project.submit(lambda _: held_up(gate))
    saving.start()
    while project.writer._tasks.empty():
        assert saving.is_alive()
        time.sleep(0.01)
    session.add(open_images(cells("a.tif")))
    gate.set()
    saving.join(60)
    assert project.writer.flush(60)
    paths = project.read(lambda db: db.execute("SELECT relative FROM image").fetchall())
    assert paths == [("../a.tif",)]


def held_up(gate: threading.Event) -> None:
    gate.wait(60)


@pytest.mark.parametrize("fails", [False, True])
def test_what_comes_while_a_project_is_copied_is_saved_at_once(
    fails, project, image, tmp_path, monkeypatch
):
    writer, tickets, durable, ran = project.writer, [], [], []
    assert writer.flush(60)
    between, rewrite = writer._commit_between, saving_as.rewrite_paths

    def change(db: sqlite3.Connection) -> None:
        if fails and not durable:
            raise sqlite3.OperationalError("disk I/O error")
        write_state(db, "test", {"n": 1})

    def submit_and_go_on() -> None:
        if not tickets:
            tickets.append(project.submit(change))
            task = threading.Thread(target=writer.run, args=(lambda: ran.append(1),))
            task.start()
            tickets.append(task)
        between()

    def look(*arguments: Any) -> None:
        durable.append(writer.is_durable(tickets[0]))
        assert ran == []
        rewrite(*arguments)

    monkeypatch.setattr(saving_as, "_PAGES", 1)
    monkeypatch.setattr(saving_as, "rewrite_paths", look)
    monkeypatch.setattr(writer, "_commit_between", submit_and_go_on)
    project.save_as(tmp_path / "copy.cpstudio")
    assert durable == [not fails]
    assert writer.flush(60)
    tickets[1].join(60)
    assert ran == [1]
    assert project.read(lambda db: read_state(db, "test")) == {"n": 1}
    project.close()
    assert values_in(tmp_path / "copy.cpstudio") == [("a.tif", 5)]
