"""Label images in chunks: complete, checked, and stored once."""

from __future__ import annotations

import numpy as np
import pytest

from cellpose_studio.core.errors import ProjectDamaged
from cellpose_studio.io.project.tables.label_chunks import read_labels
from cellpose_studio.io.project.tables.revisions import read_revision

SHAPES = [(1, 1), (512, 512), (513, 700), (2, 30, 520), (2, 3, 20, 30)]


@pytest.fixture
def label_set(maker):
    return maker.label_set(maker.image("a.tif", (20, 30)))


def counted(maker, table):
    return maker.db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_what_is_written_comes_back(shape, maker, label_set):
    pixels = np.random.default_rng(0).integers(0, 2**32, shape, np.uint32)
    revision = maker.result(label_set, pixels)
    assert read_revision(maker.db, revision.id) == revision
    np.testing.assert_array_equal(read_labels(maker.db, revision.id, shape), pixels)


def test_an_image_without_cells_takes_no_chunk(maker, label_set):
    revision = maker.result(label_set, np.zeros((600, 600), np.uint32))
    assert counted(maker, "chunk") == 0
    assert not read_labels(maker.db, revision.id, (600, 600)).any()


def test_a_small_edit_adds_only_the_chunk_that_it_changed(maker, label_set):
    pixels = np.random.default_rng(0).integers(1, 99, (1500, 1500), np.uint32)
    first = maker.result(label_set, pixels)
    assert counted(maker, "chunk") == 9
    maker.edit(label_set, size=1)
    second = maker.seal(label_set, first)
    assert counted(maker, "chunk") == 10
    assert counted(maker, "revision_chunk") == 18
    for revision in (first, second):
        np.testing.assert_array_equal(
            read_labels(maker.db, revision.id, pixels.shape),
            maker.filled.masks[revision.id],
        )


def test_chunks_that_are_alike_are_stored_once(maker, label_set):
    pixels = np.ones((1024, 2048), np.uint32)
    maker.result(label_set, pixels)
    maker.result(label_set, pixels)
    assert counted(maker, "chunk") == 1
    assert counted(maker, "revision_chunk") == 16


def test_more_chunks_than_go_at_once(maker, label_set):
    pixels = np.random.default_rng(0).integers(0, 9, (70, 8, 8), np.uint32)
    revision = maker.result(label_set, pixels)
    found = read_labels(maker.db, revision.id, pixels.shape)
    np.testing.assert_array_equal(found, pixels)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE chunk SET data = zeroblob(99) WHERE rowid = 1",
        "DELETE FROM chunk WHERE rowid = 1",
        "UPDATE chunk SET data = (SELECT data FROM chunk WHERE rowid = 2) "
        "WHERE rowid = 1",
        'DELETE FROM revision_chunk WHERE "row" = 1',
        'UPDATE revision_chunk SET "row" = 9 WHERE "row" = 1',
        "UPDATE revision_chunk SET chunk = (SELECT max(sha256) FROM chunk)",
        "UPDATE revision SET chunks_sha256 = zeroblob(32)",
    ],
)
def test_damage_is_refused(damage, maker, label_set):
    pixels = np.random.default_rng(0).integers(1, 99, (600, 100), np.uint32)
    revision = maker.result(label_set, pixels)
    maker.db.execute("PRAGMA foreign_keys = OFF")
    maker.db.execute(damage)
    with pytest.raises(ProjectDamaged, match="a label image cannot be read"):
        read_labels(maker.db, revision.id, pixels.shape)


def test_another_shape_is_refused(maker, label_set):
    revision = maker.result(label_set, np.ones((20, 30), np.uint32))
    for shape in ((30, 20), (2, 20, 30), (10**6, 10**6)):
        with pytest.raises(ProjectDamaged):
            read_labels(maker.db, revision.id, shape)
