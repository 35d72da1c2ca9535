"""Damaged logs of a crash: what cannot be read is counted, told and rescued."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellpose_studio.cli.main import run
from cellpose_studio.cli.output.outcome import ALL_DONE, SOME_FAILED
from cellpose_studio.io.project.file import open_project
from cellpose_studio.io.project.recovery.belonging import examine
from cellpose_studio.io.project.rescue.rescue import rescue
from cellpose_studio.io.project.sqlite.wal import Log
from cellpose_studio.io.project.tables.window_state import read_state, write_state
from cellpose_studio.io.project.writing import transaction

COMMITS = 12
FRAME = 4096 + 24
HEADER = 32


@pytest.fixture(scope="module")
def crashed(reader, tmp_path_factory):
    """Return the folder of a crash after some edits, and what there was after each."""
    folder = tmp_path_factory.mktemp("crashed")
    path = folder / "work" / "a.cpstudio"
    path.parent.mkdir()
    maker = reader.maker(path)
    image = maker.image("a.tif", (64, 48))
    label_set = maker.label_set(image)
    maker.result(label_set, reader.blobs((64, 48), 1), maker.run(image))
    maker.file.close()
    maker.file = open_project(path)
    maker.db = maker.file.db
    for number in range(1, COMMITS + 1):
        with transaction(maker.file) as db:
            write_state(db, "window", {"image": number})
            maker.edit(label_set)
    for end in ("", "-wal", "-shm"):
        shutil.copyfile(f"{path}{end}", folder / f"a.cpstudio{end}")
    states = maker.filled.states[label_set]
    maker.file.close()
    return SimpleNamespace(folder=folder, states=states, label_set=label_set)


@pytest.fixture
def damaged(crashed, tmp_path):
    """Return a function that copies the crash, with another log."""

    def write(data: bytes | None = None, index: bool = True) -> Path:
        path = tmp_path / "a.cpstudio"
        for file in tmp_path.glob("a*cpstudio*"):
            file.unlink()
        for end in ("", "-wal", "-shm") if index else ("", "-wal"):
            shutil.copyfile(crashed.folder / f"a.cpstudio{end}", f"{path}{end}")
        if data is not None:
            Path(f"{path}-wal").write_bytes(data)
        return path

    return write


@pytest.fixture(scope="module")
def log(crashed) -> bytes:
    return (crashed.folder / "a.cpstudio-wal").read_bytes()


def flipped(data: bytes, at: int, bit: int) -> bytes:
    new = bytearray(data)
    new[at] ^= 1 << bit
    return bytes(new)


def number_in(path: Path) -> tuple[int, str]:
    with closing(open_project(path)) as file:
        return int(read_state(file.db, "window").get("image", 0)), " ".join(file.notes)


def assert_told(path: Path) -> None:
    before = {f.name: f.read_bytes() for f in path.parent.glob("a.cpstudio*")}
    log = before["a.cpstudio-wal"]
    found = examine(path)
    lost = bool(found.lost or found.cut_off)
    number, notes = number_in(path)
    assert lost == (number < COMMITS), (number, found)
    assert ("cannot be read" in notes) == lost
    if lost:
        if not found.cut_off:
            assert found.lost == COMMITS - number
        [kept] = path.parent.glob("a before recovery *.cpstudio")
        assert kept.read_bytes() == before["a.cpstudio"]
        assert Path(f"{kept}-wal").read_bytes() == log
        assert kept.name in notes


def test_the_undamaged_log_is_all_there(damaged):
    for index in (True, False):
        path = damaged(index=index)
        assert_told(path)
        assert number_in(path) == (COMMITS, "")
        assert list(path.parent.glob("*.cpstudio*")) == [path]


@pytest.mark.parametrize("part", range(6))
def test_a_flipped_bit_is_told(part, damaged, log):
    random = np.random.default_rng(part)
    for _ in range(15):
        at, bit = int(random.integers(len(log))), int(random.integers(8))
        assert_told(damaged(flipped(log, at, bit), index=bool(part % 2)))


@pytest.mark.parametrize("at", range(0, HEADER, 3))
def test_a_damaged_header_is_told(at, damaged, log):
    assert_told(damaged(flipped(log, at, at % 8)))


@pytest.mark.parametrize("at", range(0, 24, 2))
def test_a_damaged_head_of_a_frame_is_told(at, damaged, log):
    frames = len(log) // FRAME
    for frame in (0, frames // 2, frames - 1):
        where = HEADER + frame * FRAME + at
        assert_told(damaged(flipped(log, where, at % 8)))


@pytest.mark.parametrize("seed", range(12))
def test_a_log_that_was_cut_off_is_told(seed, damaged, log):
    length = int(np.random.default_rng(seed).integers(len(log)))
    path = damaged(log[:length])
    lost = examine(path)
    number, notes = number_in(path)
    assert number < COMMITS
    assert lost.lost or lost.cut_off
    assert "cannot be read" in notes


def test_a_log_that_is_gone_is_told(damaged):
    path = damaged(index=False)
    Path(f"{path}-wal").unlink()
    number, notes = number_in(path)
    assert number == 0
    assert "the end of the log is missing" in notes


def test_what_was_never_committed_is_no_loss(crashed, damaged, log):
    path = damaged(log[: -FRAME // 2], index=False)
    frames = Log(Path(f"{path}-wal"))
    if frames.lost_commits() == 0:
        assert number_in(path)[1] == ""


@pytest.mark.parametrize("seed", range(6))
def test_rescue_finds_what_sqlite_does_not_read(
    seed, crashed, damaged, log, reader, tmp_path
):
    random = np.random.default_rng(seed)
    at = HEADER + int(random.integers(len(log) // 2))
    path = damaged(flipped(log, at, int(random.integers(8))))
    before = {f.name: f.read_bytes() for f in tmp_path.glob("a.cpstudio*")}
    lost = examine(path).lost
    report = rescue(path, tmp_path / "new.cpstudio")
    assert {f.name: f.read_bytes() for f in tmp_path.glob("a.cpstudio*")} == before
    with closing(open_project(report.target)) as file:
        pixels = reader.all_of(file).present[crashed.label_set].tobytes()
        steps = len(reader.all_of(file).journal[crashed.label_set])
    assert pixels in crashed.states
    if not lost:
        return
    assert report.lost
    assert "Nothing was lost" not in str(report)
    number, _ = number_in(path)
    # Of one page, there may be no later copy that is intact.
    assert steps - 1 > number


def test_the_exit_code_tells_of_a_loss(damaged, log, tmp_path, capsys):
    middle = HEADER + (len(log) // FRAME // 2) * FRAME + 100
    path = damaged(flipped(log, middle, 3))
    arguments = ["rescue", str(path), "--out", str(tmp_path / "new.cpstudio")]
    assert run(arguments) == SOME_FAILED
    assert "cannot be read." in capsys.readouterr().out
    good = damaged()
    arguments = ["rescue", str(good), "--out", str(tmp_path / "good.cpstudio")]
    assert run(arguments) == ALL_DONE
    assert "Nothing was lost." in capsys.readouterr().out


@settings(max_examples=60)
@given(st.binary(max_size=3 * FRAME), st.integers(0, HEADER))
def test_no_bytes_break_the_reading_of_a_log(data, kept):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "x-wal"
        file.write_bytes(data[:kept] + data)
        log = Log(file)
        assert log.committed == len(list(log.frames()))
        assert log.lost_commits() <= len(list(log.later_frames()))


def test_a_log_that_is_truncated_meanwhile_is_read_to_its_end(crashed, tmp_path):
    """SQLite truncates it when another window closes the project."""
    path = tmp_path / "a.cpstudio-wal"
    shutil.copyfile(crashed.folder / path.name, path)
    before = list(Log(path).frames())
    log = Log(path)
    path.write_bytes(b"")
    assert before
    assert list(log.frames()) == before
