"""Rescue: what is intact comes through, what is not never passes for it."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from cellpose_studio.core.errors import CannotSave, ProjectUnusable, StudioError
from cellpose_studio.io.project.database import ALONE, connect
from cellpose_studio.io.project.file import open_project
from cellpose_studio.io.project.rescue.rescue import rescue
from cellpose_studio.io.project.rescue.source import TABLES as SALVAGED
from cellpose_studio.io.project.schema import VERSION, migrate, tables
from tests.quick import quick_first

PAGE = 4096
TABLES = ("meta", "image", "run", "label_set", "revision", "chunk", "revision_chunk")
INDICES = ("sqlite_autoindex_chunk_1", "revision_of_label_set", "journal_of_label_set")


@pytest.fixture(scope="module")
def root(_filled):
    """Return a function that says where the first page of a table lies."""
    with closing(sqlite3.connect(_filled.path)) as db:
        pages = dict(db.execute("SELECT name, rootpage FROM sqlite_schema"))
    return lambda name: (pages[name] - 1) * PAGE


@pytest.fixture
def damaged(filled, tmp_path):
    """Return a function that writes a damaged copy: bytes from, and how many zeros."""

    def write(*places, keep=1.0):
        data = bytearray(filled.path.read_bytes())
        for at, length in places:
            data[at : at + length] = bytes(length)
        path = tmp_path / "damaged.cpstudio"
        path.write_bytes(data[: int(len(data) * keep)])
        return path

    return write


@pytest.fixture
def rescued(reader):
    """Return a function that rescues a file and reads all of the new one."""

    def read(path, name="rescued.cpstudio"):
        before = hashlib.sha256(path.read_bytes()).digest()
        report = rescue(path, path.with_name(name))
        assert hashlib.sha256(path.read_bytes()).digest() == before
        file = open_project(report.target)
        try:
            found = reader.all_of(file)
            assert file.db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            assert file.db.execute("PRAGMA foreign_key_check").fetchall() == []
        finally:
            file.close()
        found.report = report
        return found

    return read


def assert_is_subset(found, filled):
    """Check that revisions are whole, and that no pixel has a value it never had."""
    for revision, pixels in found.masks.items():
        np.testing.assert_array_equal(pixels, filled.masks[revision])
    for label_set, pixels in found.present.items():
        was_so = np.zeros(pixels.shape, bool)
        for state in filled.states[label_set]:
            was_so |= np.frombuffer(state, np.uint32).reshape(pixels.shape) == pixels
        assert was_so.all()
        if not found.report.lost:
            np.testing.assert_array_equal(pixels, filled.present[label_set])


def test_all_of_an_undamaged_project_is_saved(damaged, rescued, filled, reader):
    path = damaged()
    found = rescued(path)
    assert found.report.lost == ()
    assert "Nothing was lost." in str(found.report)
    file = open_project(path)
    original = reader.all_of(file)
    file.close()
    for name in (
        "runs",
        "members",
        "rounds",
        "presets",
        "statuses",
        "mothers",
        "classes",
        "state",
        "batch",
    ):
        assert getattr(found, name) == getattr(original, name), name
    assert found.journal == original.journal
    assert found.revisions == original.revisions
    assert [s.head.id for s in found.label_sets] == [
        s.head.id for s in original.label_sets
    ]
    for label_set, pixels in filled.present.items():
        np.testing.assert_array_equal(found.present[label_set], pixels)
    assert_is_subset(found, filled)


def test_a_lost_start_costs_nothing(damaged, rescued, filled):
    found = rescued(damaged((0, PAGE)))
    assert found.report.lost == ()
    assert found.masks.keys() == filled.masks.keys()
    for label_set, pixels in filled.present.items():
        np.testing.assert_array_equal(found.present[label_set], pixels)


@pytest.mark.parametrize("table", [*TABLES, "journal", *INDICES])
def test_a_lost_root_costs_that_table_at_most(table, damaged, rescued, filled, root):
    found = rescued(damaged((root(table), PAGE)))
    assert_is_subset(found, filled)
    assert len(found.images) == 5
    assert len(found.label_sets) == 7
    if table == "revision_chunk":  # in a small project, all of it is on this page
        assert "The masks of" in str(found.report)
        return
    assert len(found.masks) >= len(filled.masks) - 2
    if table in ("journal", "revision"):
        return
    for label_set, pixels in found.present.items():
        np.testing.assert_array_equal(pixels, filled.present[label_set])


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9])
def test_the_part_before_the_end_is_saved(keep, damaged, rescued, filled):
    found = rescued(damaged(keep=keep))
    assert_is_subset(found, filled)
    assert found.report.lost
    assert len(found.images) >= 1


def test_lost_pixels_of_the_head_are_drawn_again_from_the_edits(
    filled, rescued, tmp_path, reader
):
    path = shutil.copyfile(filled.path, tmp_path / "a.cpstudio")
    file = open_project(path)
    db = file.db
    heads = [s.head for s in reader.all_of(file).label_sets]
    assert {head.kind for head in heads} == {"edit"}
    # Chunks that the head alone has.
    db.execute("PRAGMA foreign_keys = OFF")
    db.execute(
        "UPDATE chunk SET data = x'00' WHERE sha256 IN "
        "(SELECT chunk FROM revision_chunk WHERE revision = ?) AND sha256 NOT IN "
        "(SELECT chunk FROM revision_chunk WHERE revision <> ?)",
        (heads[0].id, heads[0].id),
    )
    file.close()
    found = rescued(path)
    assert heads[0].id not in found.masks
    assert found.label_sets[0].head.id == heads[0].parent
    np.testing.assert_array_equal(found.present[1], filled.present[1])
    assert any("earlier version" in line for line in found.report.lost)
    assert_is_subset(found, filled)


def test_changes_that_a_crash_left_beside_the_file_are_saved(tmp_path, rescued, reader):
    maker = reader.fill(tmp_path / "a.cpstudio")
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for name in ("a.cpstudio", "a.cpstudio-wal"):
        shutil.copyfile(tmp_path / name, crashed / name)
    maker.file.close()
    with closing(connect(crashed / "a.cpstudio", ALONE)) as db:
        assert db.execute("SELECT count(*) FROM image").fetchone() == (0,)
    found = rescued(crashed / "a.cpstudio")
    assert found.report.lost == ()
    assert found.masks.keys() == maker.filled.masks.keys()
    for label_set, pixels in maker.filled.present.items():
        np.testing.assert_array_equal(found.present[label_set], pixels)


@pytest.mark.parametrize("seed", quick_first(20, range(60)))
def test_random_damage_leaves_a_true_part(seed, filled, damaged, rescued):
    random = np.random.default_rng(seed)
    size = filled.path.stat().st_size
    places = [
        (int(random.integers(size)), int(random.integers(1, 2 * PAGE)))
        for _ in range(int(random.integers(1, 4)))
    ]
    places = [(at, min(length, size - at)) for at, length in places]
    path = damaged(*places, keep=1.0 if seed % 3 else random.uniform(0.3, 1))
    try:
        found = rescued(path)
    except StudioError:
        if seed % 3:
            raise
        return
    assert_is_subset(found, filled)


@pytest.mark.parametrize("seed", range(20))
def test_after_mild_damage_most_is_saved(seed, filled, damaged, rescued):
    random = np.random.default_rng(seed)
    at = int(random.integers(filled.path.stat().st_size - 64))
    found = rescued(damaged((at, int(random.integers(1, 64)))))
    assert_is_subset(found, filled)
    assert len(found.images) == 5
    assert len(found.label_sets) == 7
    assert len(found.masks) >= len(filled.masks) - 8


def test_a_file_with_nothing_in_it_leaves_nothing_behind(tmp_path):
    for name, content in (("a", b""), ("b", bytes(9 * PAGE)), ("c", b"no project")):
        path = tmp_path / f"{name}.cpstudio"
        path.write_bytes(content)
        with pytest.raises(ProjectUnusable, match=r"Nothing in .* can be read"):
            rescue(path, tmp_path / "new.cpstudio")
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "a.cpstudio",
        "b.cpstudio",
        "c.cpstudio",
    ]


def test_nothing_is_overwritten(filled, tmp_path):
    there = tmp_path / "there.cpstudio"
    there.write_bytes(b"mine")
    with pytest.raises(CannotSave, match="already exists"):
        rescue(filled.path, there)
    assert there.read_bytes() == b"mine"


def test_nothing_is_rescued_beside_what_a_crash_left(filled, tmp_path):
    (tmp_path / "new.cpstudio-wal").write_bytes(b"changes")
    with pytest.raises(CannotSave, match="already exists"):
        rescue(filled.path, tmp_path / "new.cpstudio")
    assert not (tmp_path / "new.cpstudio").exists()


def test_a_project_that_is_open_is_not_rescued(tmp_path, reader):
    maker = reader.maker(tmp_path / "a.cpstudio")
    with pytest.raises(ProjectUnusable, match="open in another window"):
        rescue(maker.file.path, tmp_path / "b.cpstudio")
    maker.file.close()


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(ProjectUnusable, match=r"a\.cpstudio does not exist in "):
        rescue(tmp_path / "a.cpstudio", tmp_path / "b.cpstudio")


def test_settings_survive(damaged, rescued):
    found = rescued(damaged((0, PAGE)))
    assert [preset.name for preset in found.presets] == ["mine"]
    assert found.state == {"image": 2}


def test_every_table_is_known():
    with closing(sqlite3.connect(":memory:")) as db:
        migrate(db, 0)
        for table, kinds in SALVAGED.items():
            columns = db.execute(f"PRAGMA table_info({table})").fetchall()
            assert len(columns) == len(kinds), table
            for (_, name, kind, needed, *_), letter in zip(columns, kinds, strict=True):
                assert letter.upper() in (kind[0], "K"), name
                assert letter in "KTIB" if needed else letter in "Ktib", name
        names = {name for kind, name, *_ in tables(VERSION) if kind == "table"}
        assert names - SALVAGED.keys() == {"chunk", "identity"}
