"""Rows that were changed, and rows that are larger than they look."""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
import tracemalloc
import zlib
from contextlib import closing

import pytest

from cellpose_studio.core.errors import ProjectDamaged
from cellpose_studio.io.project.checksums import label_set_sha256, row_sha256
from cellpose_studio.io.project.file import open_project
from cellpose_studio.io.project.rescue.rescue import rescue
from cellpose_studio.io.project.tables import presets, run_queue
from cellpose_studio.io.project.tables.cells import (
    cell_classes,
    cell_status,
    divisions,
)
from cellpose_studio.io.project.tables.confidence import read_confidence
from cellpose_studio.io.project.tables.delta import unpack_parts
from cellpose_studio.io.project.tables.journal import read_open_edits
from cellpose_studio.io.project.tables.label_chunks import is_intact, read_labels
from cellpose_studio.io.project.tables.training import marks, members, rounds

MEMORY = 100 * 2**20
CHANGES = [
    ("cell", "status = 'rejected'", cell_status.read_all_statuses),
    ("cell", "id = id + 1", cell_status.read_all_statuses),
    ("division", "mother = 4", divisions.read_all_mothers),
    ("division", "daughter = daughter + 9", divisions.read_all_mothers),
    ("cell_class", "name = 'other'", cell_classes.read_classes),
    ("classifier", "record = replace(record, '3', '4')", cell_classes.read_classes),
    ("classified", "probability = 9999", cell_classes.read_classes),
    ("classified", "class = 3 - class", cell_classes.read_classes),
    ("preset", "model = 'other'", presets.read_presets),
    ("preset", "parameters = replace(parameters, '33', '34')", presets.read_presets),
    ("training", "role = 'test'", members.read_members),
    ("training", "revision = 1", members.read_members),
    ("training_round", "record = replace(record, '3f', '4f')", rounds.read_rounds),
    ("training_marks", "marks = '{}'", marks.read_marks),
    ("batch", "state = 'done'", run_queue.read_batch),
    ("batch", "message = 'x'", run_queue.read_batch),
]


@pytest.fixture
def project(filled, tmp_path):
    file = open_project(shutil.copyfile(filled.path, tmp_path / "a.cpstudio"))
    yield file
    file.close()


@pytest.mark.parametrize(("table", "change", "read"), CHANGES)
def test_a_changed_row_is_noticed(table, change, read, project, tmp_path):
    row = f"rowid = (SELECT min(rowid) FROM {table})" if table == "batch" else "1"
    read(project.db)
    project.db.execute(f"UPDATE OR IGNORE {table} SET {change} WHERE {row}")
    with pytest.raises(ProjectDamaged):
        read(project.db)
    project.close()
    rescue(project.path, tmp_path / "new.cpstudio")
    with closing(open_project(tmp_path / "new.cpstudio")) as file:
        read(file.db)


def bomb(size: int = 2**28) -> bytes:
    """Return a few bytes that become very many."""
    packer = zlib.compressobj(1)
    piece = bytes(2**20)
    return b"".join(
        [*(packer.compress(piece) for _ in range(size >> 20)), packer.flush()]
    )


@pytest.fixture(scope="module")
def zeros() -> bytes:
    return bomb()


@pytest.fixture
def little_memory():
    tracemalloc.start()
    yield
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < MEMORY


def many_parts() -> bytes:
    """Return a bomb that looks like an edit: whole chunks, one after another."""
    count = 512 * 512
    body = struct.pack("<I", 0) + struct.pack("<I", 1) * (count - 1) + bytes(8 * count)
    packer = zlib.compressobj(1)
    pieces = [
        packer.compress(struct.pack("<4I", n, 0, 0, count) + body) for n in range(100)
    ]
    return b"".join([*pieces, packer.flush()])


@pytest.mark.parametrize("kind", ["zeros", "parts"])
def test_a_bomb_in_an_edit_ends_in_a_sentence(kind, zeros, project, little_memory):
    db = project.db
    data = zeros if kind == "zeros" else many_parts()
    entry = db.execute(
        "SELECT id, label_set, base FROM journal "
        "WHERE sealed IS NULL AND delta NOT NULL"
    ).fetchone()
    number, label_set, base = entry
    columns = (
        "id, label_set, base, operation, cells, time, undoes, head, statuses, "
        "delta_sha256"
    )
    sha256 = hashlib.sha256(data).digest()
    db.execute(
        "UPDATE journal SET delta = ?, delta_sha256 = ? WHERE id = ?",
        (data, sha256, number),
    )
    row = db.execute(
        f"SELECT {columns} FROM journal WHERE id = ?", (number,)
    ).fetchone()
    db.execute("UPDATE journal SET sha256 = ? WHERE id = ?", (row_sha256(*row), number))
    db.execute(
        "UPDATE label_set SET sha256 = ? WHERE id = ?",
        (label_set_sha256(db, label_set), label_set),
    )
    with pytest.raises(ProjectDamaged, match="the latest edits cannot be read"):
        read_open_edits(db, label_set, base)


def test_a_bomb_of_parts_without_pixels_ends(little_memory):
    empty = zlib.compress(bytes(16) * 10_000)
    with pytest.raises(ValueError, match="more pixels"):
        unpack_parts(empty, 1000)


def test_a_bomb_in_a_chunk_ends_in_a_sentence(zeros, project, little_memory):
    assert not is_intact(zeros, hashlib.sha256(b"").digest())
    project.db.execute("UPDATE chunk SET data = ?", (zeros,))
    number, shape = project.db.execute(
        "SELECT id, shape FROM revision ORDER BY id LIMIT 1"
    ).fetchone()
    with pytest.raises(ProjectDamaged, match="a label image cannot be read"):
        read_labels(project.db, number, tuple(json.loads(shape)))


@pytest.mark.parametrize("cells", [1, 2**27])
def test_a_bomb_in_the_confidence_ends_in_a_sentence(
    cells, zeros, project, little_memory
):
    (number,) = project.db.execute("SELECT min(id) FROM revision").fetchone()
    project.db.execute(
        "INSERT INTO confidence VALUES (?, ?, 1, 0, ?)", (number, cells, zeros)
    )
    with pytest.raises(ProjectDamaged, match="how sure the network was"):
        read_confidence(project.db, number)
