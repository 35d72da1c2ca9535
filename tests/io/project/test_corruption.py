"""Damaged files: each gives a sentence, and no damaged pixel passes for a true one."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from cellpose_studio.core.errors import ProjectUnusable, StudioError
from cellpose_studio.io.project.file import open_project
from tests.quick import quick_first

PAGE = 4096
EACH = 21


def flipped(data, random):
    for _ in range(int(random.integers(1, 9))):
        at = int(random.integers(len(data)))
        data[at] ^= 1 << int(random.integers(8))


def cut_out(data, random):
    at = int(random.integers(len(data)))
    del data[at : at + int(random.integers(1, 3 * PAGE))]


def zeroed(data, random):
    at, length = int(random.integers(len(data))), int(random.integers(1, 3 * PAGE))
    length = min(length, len(data) - at)
    data[at : at + length] = bytes(length)


def truncated(data, random):
    del data[int(random.integers(len(data))) :]


def swapped(data, random):
    a, b = (int(n) * PAGE for n in random.integers(0, len(data) // PAGE, 2))
    data[a : a + PAGE], data[b : b + PAGE] = data[b : b + PAGE], data[a : a + PAGE]


def flipped_in_rows(data, random):
    """Flip bits where the tables of rows are, not in the pixels."""
    pages = [
        at for at in range(0, len(data), PAGE) if at == 0 or data[at] in (2, 5, 10, 13)
    ]
    for _ in range(int(random.integers(1, 4))):
        at = pages[int(random.integers(len(pages)))] + int(random.integers(PAGE))
        data[at % len(data)] ^= 1 << int(random.integers(8))


KINDS = (flipped, cut_out, zeroed, truncated, swapped, flipped_in_rows)


@pytest.fixture(scope="module")
def content(_filled):
    return _filled.path.read_bytes()


@pytest.fixture(scope="module")
def crashed(reader, tmp_path_factory):
    """Return the folder of a project that was not closed, and what was in it."""
    folder = tmp_path_factory.mktemp("crashed")
    maker = reader.fill(folder / "original" / "a.cpstudio")
    for name in ("a.cpstudio", "a.cpstudio-wal"):
        shutil.copyfile(folder / "original" / name, folder / name)
    maker.file.close()
    return folder, maker.filled


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("seed", quick_first(2, range(4)))
def test_damage_gives_sentences_and_no_false_pixel(
    kind, seed, filled, content, reader, tmp_path
):
    path = tmp_path / "damaged.cpstudio"
    random = np.random.default_rng([seed, *kind.__name__.encode()])
    for _ in range(EACH):
        data = bytearray(content)
        kind(data, random)
        path.write_bytes(data)
        check(path, filled, reader)


def check(path, filled, reader):
    try:
        file = open_project(path)
    except ProjectUnusable as error:
        assert_is_a_sentence(error)
        return
    try:
        found = reader.what_can_be_read(file)
    finally:
        file.close()
    for error in found.said:
        assert_is_a_sentence(error)
    for revision, pixels in found.masks.items():
        if pixels is not None:
            np.testing.assert_array_equal(pixels, filled.masks[revision])
    for label_set, pixels in found.present.items():
        if pixels is not None:
            np.testing.assert_array_equal(pixels, filled.present[label_set])


def assert_is_a_sentence(error: StudioError):
    assert " " in error.message
    assert error.message.endswith(".")
    assert "Error" not in str(error)


def test_the_undamaged_file_is_all_there(filled, reader, tmp_path):
    path = tmp_path / "good.cpstudio"
    shutil.copyfile(filled.path, path)
    file = open_project(path)
    found = reader.all_of(file)
    file.close()
    assert found.masks.keys() == filled.masks.keys()
    assert found.present.keys() == filled.present.keys()
    check(path, filled, reader)


@pytest.mark.parametrize("seed", range(30))
def test_damage_beside_a_crashed_file_leaves_an_earlier_state(
    seed, crashed, reader, tmp_path
):
    folder, filled = crashed
    path = tmp_path / "a.cpstudio"
    log = path.with_name("a.cpstudio-wal")
    shutil.copyfile(folder / path.name, path)
    data = bytearray((folder / log.name).read_bytes())
    random = np.random.default_rng(seed)
    KINDS[seed % len(KINDS)](data, random)
    log.write_bytes(data)
    try:
        file = open_project(path)
    except ProjectUnusable as error:
        assert_is_a_sentence(error)
        return
    assert file.crashed
    found = reader.what_can_be_read(file)
    file.close()
    for revision, pixels in found.masks.items():
        np.testing.assert_array_equal(pixels, filled.masks[revision])
    for label_set, pixels in found.present.items():
        assert pixels.tobytes() in filled.states[label_set]
