"""Files that take each other's place: what does not belong together is never joined.

Every file is put, in every way, where a project is open or has crashed. The masks that
are read are those of the file that was put there, and not a byte of it changes.
"""

from __future__ import annotations

import shutil
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from cellpose_studio.core.errors import StudioError
from cellpose_studio.io.project import database
from cellpose_studio.io.project.file import ProjectFile, open_project, read_project
from cellpose_studio.io.project.recovery.watch import ProjectReplaced
from cellpose_studio.io.project.rescue.rescue import rescue
from cellpose_studio.io.project.tables.window_state import read_state, write_state
from cellpose_studio.io.project.writing import reconnect, transaction

ENDS = ("", "-wal", "-shm", "-journal")
OTHERS = ("another project", "older", "newer", "diverged")


@dataclass
class Kept:
    """Files of a project at some time, and what they hold."""

    folder: Path
    number: int

    def put(self, target: Path, *ends: str, how: str = "copied over") -> None:
        for end in ends:
            here = self.folder / f"a.cpstudio{end}"
            there = Path(f"{target}{end}")
            if not here.exists():
                continue
            if how == "renamed":
                new = there.with_name("new")
                shutil.copyfile(here, new)
                new.replace(there)
            else:
                shutil.copyfile(here, there)

    def bytes_of(self, end: str = "") -> bytes:
        return (self.folder / f"a.cpstudio{end}").read_bytes()


def commit(file: ProjectFile, number: int) -> None:
    with transaction(file) as db:
        write_state(db, "window", {"image": number})


def number_in(file: ProjectFile) -> int:
    return int(read_state(file.db, "window")["image"])


@pytest.fixture(scope="module")
def kept(reader, tmp_path_factory):
    """Return files of one project at several times, and of another one."""
    root = tmp_path_factory.mktemp("kept")

    def keep(path: Path, name: str, number: int) -> Kept:
        folder = root / name
        folder.mkdir()
        for end in ENDS:
            with suppress(FileNotFoundError):
                shutil.copyfile(f"{path}{end}", folder / f"a.cpstudio{end}")
        return Kept(folder, number)

    def crashed_after(path: Path, name: str, *numbers: int) -> Kept:
        file = open_project(path)
        for number in numbers:
            commit(file, number)
        kept = keep(path, name, numbers[-1])
        file.close()
        return kept

    found = {}
    one, other = root / "one.cpstudio", root / "other.cpstudio"
    for path in (one, other):
        path.with_suffix("").mkdir()
        reader.maker(path).file.close()
    crashed_after(one, "first", 1)
    found["older"] = keep(one, "older", 1)
    copy = root / "copy.cpstudio"
    shutil.copyfile(one, copy)
    crashed_after(one, "second", 2)
    shutil.copyfile(one, root / "before.cpstudio")
    found["crashed"] = crashed_after(one, "crashed", 3, 4)
    found["newer"] = keep(one, "newer", 4)
    crashed_after(copy, "copy 1", 12)
    found["diverged crash"] = crashed_after(copy, "diverged crash", 13, 14)
    found["diverged"] = keep(copy, "diverged", 14)
    found["older crash"] = keep(root / "first" / "a.cpstudio", "older crash", 1)
    crashed_after(other, "other 1", 22)
    found["another project crash"] = crashed_after(other, "other crash", 23, 24)
    found["another project"] = keep(other, "another project", 24)
    return found


def state_after(path: Path) -> int:
    with closing(open_project(path)) as file:
        return number_in(file)


@pytest.mark.parametrize("how", ["copied over", "renamed"])
@pytest.mark.parametrize("other", OTHERS)
def test_a_log_stays_out_of_a_file_put_beside_it(other, how, kept, tmp_path):
    path = tmp_path / "a.cpstudio"
    kept["crashed"].put(path, *ENDS)
    log = path.with_name("a.cpstudio-wal").read_bytes()
    kept[other].put(path, "", how=how)
    with closing(read_project(path)) as view:
        assert number_in(view) == kept[other].number
        assert "does not belong" in " ".join(view.notes)
    assert path.read_bytes() == kept[other].bytes_of()
    file = open_project(path)
    assert number_in(file) == kept[other].number
    assert "does not belong to this a.cpstudio" in " ".join(file.notes)
    file.close()
    [aside] = tmp_path.glob("a set aside *.cpstudio-wal")
    assert aside.read_bytes() == log
    assert aside.name in " ".join(file.notes)
    assert not path.with_name("a.cpstudio-wal").exists()


@pytest.mark.parametrize("index", [True, False])
@pytest.mark.parametrize(
    "log", ["another project crash", "diverged crash", "older crash"]
)
def test_a_log_put_beside_a_closed_file_stays_out(log, index, kept, tmp_path):
    path = tmp_path / "a.cpstudio"
    for name in ("older", "newer"):
        if (log, name) == ("older crash", "older"):
            continue  # it begins before it, and leads to it
        kept[name].put(path, "")
        kept[log].put(path, "-wal", *(["-shm"] if index else []))
        assert state_after(path) == kept[name].number


def test_a_crash_with_its_own_log_recovers_by_itself(kept, tmp_path):
    path = tmp_path / "a.cpstudio"
    for ends in (ENDS, ("", "-wal")):
        kept["crashed"].put(path, *ends)
        with closing(open_project(path)) as file:
            assert file.crashed
            assert file.notes == ()
            assert number_in(file) == 4
        assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("how", ["copied over", "renamed"])
@pytest.mark.parametrize("ends", [("",), ("", "-wal"), ("", "-wal", "-shm"), ("-wal",)])
@pytest.mark.parametrize("other", ["another project", "older", "diverged"])
@pytest.mark.parametrize("network", [False, True])
def test_nothing_is_written_into_a_file_put_where_one_is_open(
    network, other, ends, how, kept, tmp_path, monkeypatch
):
    monkeypatch.setattr(database, "is_on_network", lambda _: network)
    path = tmp_path / "a.cpstudio"
    kept["newer"].put(path, "")
    file = open_project(path)
    commit(file, 5)
    source = kept[f"{other} crash"] if "-wal" in ends else kept[other]
    source.put(path, *ends, how=how)
    for _ in range(2):
        with pytest.raises((ProjectReplaced, OSError)):
            commit(file, 6)
        reconnect(file)
    file.close()
    for end in ends:
        if end == "-shm":
            continue
        there = [path.with_name(f"a.cpstudio{end}")]
        there += tmp_path.glob(f"a set aside *.cpstudio{end}")
        assert source.bytes_of(end) in [f.read_bytes() for f in there if f.exists()]
    if "" in ends:
        assert path.read_bytes() == source.bytes_of()
        assert state_after(path) == source.number


@pytest.mark.parametrize("how", ["copied over", "renamed"])
def test_the_same_state_put_back_is_gone_on_with(how, kept, tmp_path):
    path = tmp_path / "a.cpstudio"
    kept["newer"].put(path, "")
    file = open_project(path)
    commit(file, 5)
    same = Kept(tmp_path / "same", 5)
    same.folder.mkdir()
    shutil.copyfile(path, same.folder / "a.cpstudio")
    same.put(path, "", how=how)
    with suppress(OSError):
        commit(file, 6)
    reconnect(file)
    commit(file, 7)
    file.close()
    assert state_after(path) == 7


@pytest.fixture(scope="module")
def torn(kept, tmp_path_factory):
    """Return files of a transaction that a crash on a network drive cut short."""
    folder = tmp_path_factory.mktemp("torn")
    path = folder / "work" / "a.cpstudio"
    path.parent.mkdir()
    kept["newer"].put(path, "")
    patch = pytest.MonkeyPatch()
    patch.setattr(database, "is_on_network", lambda _: True)
    file = open_project(path)
    commit(file, 30)
    file.db.execute("PRAGMA cache_size = 5")
    with suppress(KeyboardInterrupt), transaction(file) as db:
        for n in range(60):
            write_state(db, f"big {n}", {"n": "x" * 20_000})
        for end in ("", "-journal"):
            shutil.copyfile(f"{path}{end}", folder / f"a.cpstudio{end}")
        raise KeyboardInterrupt
    file.close()
    patch.undo()
    return Kept(folder, 30)


def test_a_torn_transaction_is_taken_back(torn, tmp_path):
    path = tmp_path / "a.cpstudio"
    torn.put(path, "", "-journal")
    with closing(open_project(path)) as file:
        assert file.crashed
        assert file.notes == ()
        assert number_in(file) == 30
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("other", [*OTHERS, "crashed"])
def test_a_journal_stays_out_of_a_file_put_beside_it(other, torn, kept, tmp_path):
    path = tmp_path / "a.cpstudio"
    torn.put(path, "-journal")
    kept[other].put(path, *ENDS[:3])
    with closing(open_project(path)) as file:
        assert number_in(file) == kept[other].number
        assert "a.cpstudio-journal does not belong" in " ".join(file.notes)
    [aside] = tmp_path.glob("a set aside *.cpstudio-journal")
    assert aside.read_bytes() == torn.bytes_of("-journal")


def test_a_journal_put_beside_an_open_project_stays_out(torn, kept, tmp_path):
    path = tmp_path / "a.cpstudio"
    kept["newer"].put(path, "")
    file = open_project(path)
    commit(file, 5)
    torn.put(path, "-journal")
    commit(file, 6)
    file.close()
    assert state_after(path) == 6


@pytest.mark.parametrize("log", ["another project crash", "diverged crash"])
def test_rescue_leaves_a_log_out_that_does_not_belong(
    log, kept, filled, tmp_path, reader
):
    path = tmp_path / "a.cpstudio"
    shutil.copyfile(filled.path, path)
    kept[log].put(path, "-wal")
    report = rescue(path, tmp_path / "new.cpstudio")
    assert "a.cpstudio-wal does not belong" in " ".join(report.lost)
    assert "Nothing was lost" not in str(report)
    with closing(open_project(report.target)) as file:
        found = reader.all_of(file)
    for label_set, pixels in filled.present.items():
        np.testing.assert_array_equal(found.present[label_set], pixels)


def test_a_file_of_anything_beside_a_project_is_kept(kept, tmp_path):
    path = tmp_path / "a.cpstudio"
    for end in ENDS[1:]:
        kept["newer"].put(path, "")
        Path(f"{path}{end}").write_bytes(b"something else")
        with suppress(StudioError):
            assert state_after(path) == 4
        asides = list(tmp_path.glob(f"a set aside *.cpstudio{end}"))
        assert [file.read_bytes() for file in asides] == [b"something else"]
