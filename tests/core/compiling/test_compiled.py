"""Compiled loops, with and without a place for the cache of their code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import cellpose_studio
from cellpose_studio.core.compiling.compiled import compiled

PACKAGE = Path(cellpose_studio.__file__).parent
_MODULE = """
from cellpose_studio.core.compiling.compiled import compiled

@compiled
def double(value):
    return 2 * value
"""


@pytest.fixture
def read_only(tmp_path):
    """Return the folder of a copy of the package beside which no cache can be written.

    Root may write in any folder, but not below a file.
    """
    ignored = shutil.ignore_patterns("__pycache__", "resources")
    copy = Path(shutil.copytree(PACKAGE, tmp_path / PACKAGE.name, ignore=ignored))
    for folder, *_ in os.walk(copy):
        (Path(folder) / "__pycache__").touch()
    return tmp_path


def run_in(folder, *arguments, **environment):
    """Run Python without a home that can be written to, and return what it did."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "NUMBA"))}
    home = {"HOME": "/dev/null/home", "PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env={**kept, **home, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="no path there is below a device")
def test_without_a_home_a_read_only_installation_compiles_without_a_cache(read_only):
    code = (
        "import numpy as np\n"
        "from cellpose_studio.core.masks import map_ids\n"
        "print(map_ids.__file__)\n"
        "print(map_ids.map_ids(np.array([[1, 2]], np.uint32), {1: 5, 2: 7}))"
    )
    done = run_in(read_only, "-c", code)
    assert done.stderr == ""
    assert done.stdout.splitlines()[0].startswith(str(read_only))
    assert done.stdout.splitlines()[1] == "[[5 7]]"


def test_every_command_says_what_it_has_to_say_there(read_only):
    done = run_in(read_only, "-m", "cellpose_studio", "rescue", "gone.cpstudio")
    told = f"cellpose-studio: gone.cpstudio does not exist in {read_only}.\n"
    assert done.stderr == told
    assert done.returncode == 2


@pytest.fixture
def module(tmp_path):
    """Return a folder with a module, and a function that calls what it compiles."""
    (tmp_path / "doubling.py").write_text(_MODULE)
    path = os.pathsep.join([str(PACKAGE.parent), str(tmp_path)])

    def call():
        code = "import doubling; print(doubling.double(4))"
        return run_in(tmp_path, "-B", "-c", code, PYTHONPATH=path)

    return tmp_path, call


def test_numba_is_imported_with_the_first_call(module):
    folder, _ = module
    code = (
        "import sys, doubling, cellpose_studio.core.masks.map_ids\n"
        "print('numba' in sys.modules, doubling.double(4), 'numba' in sys.modules)"
    )
    path = os.pathsep.join([str(PACKAGE.parent), str(folder)])
    done = run_in(folder, "-B", "-c", code, PYTHONPATH=path)
    assert done.stdout.split() == ["False", "8", "True"]


def test_threads_that_call_it_at_once_get_one_compiled_function():
    @compiled
    def half(value):
        return value / 2

    with ThreadPoolExecutor(8) as pool:
        found = {id(made) for made in pool.map(lambda _: half.machine_code, range(16))}
    assert len(found) == 1


def test_a_cache_that_is_damaged_is_made_anew(module):
    folder, call = module
    assert call().stdout == "8\n"
    files = list((folder / "__pycache__").glob("doubling*"))
    assert {file.suffix for file in files} == {".nbi", ".nbc"}
    for file in files:
        file.write_bytes(b"\x80")
        done = call()
        assert (done.stdout, done.stderr) == ("8\n", "")


def test_a_cache_that_cannot_be_written_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path / "cache"))

    @compiled
    def triple(values):
        return values * 3

    assert triple.machine_code
    shutil.rmtree(tmp_path / "cache")
    # In the place of the folder, a file: like a disk that has become read-only.
    (tmp_path / "cache").touch()
    np.testing.assert_array_equal(triple(np.arange(3)), [0, 3, 6])


def test_a_bundle_finds_its_cache_from_any_folder(tmp_path, monkeypatch):
    code = compile("def double(value):\n    return 2 * value\n", "a/module.py", "exec")
    names = {}
    exec(code, names)
    kept = tmp_path / "kept"
    monkeypatch.setattr("numba.core.config.CACHE_DIR", str(kept))
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    places = set()
    for folder in (tmp_path, tmp_path / "a"):
        folder.mkdir(exist_ok=True)
        (folder / "module.py").touch()
        monkeypatch.chdir(folder)
        places.add(compiled(names["double"]).machine_code._cache.cache_path)
    (place,) = places
    assert Path(place).parent == kept
