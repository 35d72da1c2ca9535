"""The package as it is installed: its files, its versions, and its layers."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

import cellpose_studio
from cellpose_studio import paths

ROOT = Path(__file__).parents[1]
HEADLESS = ("cli", "core", "engine", "io", "workflows")


def pinned() -> dict[str, str]:
    """Versions of packaging/constraints.txt by normalised name."""
    lines = (ROOT / "packaging" / "constraints.txt").read_text().splitlines()
    pins = (line.split("==") for line in lines if not line.startswith("#"))
    return {_normal(name): version for name, version in pins}


def required() -> list[str]:
    """Names of all that the project asks for, tests and PyQt6 included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["test"], *extras["pyqt6"]]
    return [re.split(r"[<>=!\[; ]", one)[0] for one in wanted]


def shipped() -> set[Path]:
    """Every file of resources/, relative to it."""
    return files_below(ROOT / "resources")


def files_below(folder: Path) -> set[Path]:
    return {f.relative_to(folder) for f in folder.rglob("*") if f.is_file()}


def python(code: str, cwd: Path = ROOT) -> str:
    """Run ``code`` in a Python of its own and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_installed_version_is_the_one_in_the_source():
    assert metadata.version("cellpose-studio") == cellpose_studio.__version__


def test_every_requirement_has_an_exact_version():
    missing = {_normal(name) for name in required()} - set(pinned())
    assert not missing


def test_no_version_names_a_build_that_only_one_index_has():
    assert not [version for version in pinned().values() if "+" in version]


@pytest.mark.parametrize("name", ["dev", "../.ci/run"])
def test_scripts_are_executable_and_parse(name):
    script = ROOT / "packaging" / name
    assert script.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", script], check=True)


def test_dev_explains_itself_on_an_unknown_command():
    dev = ROOT / "packaging" / "dev"
    done = subprocess.run(
        [dev, "nonsense"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "usage" in done.stderr


def test_headless_code_loads_neither_qt_nor_a_viewer():
    modules = [f"cellpose_studio.{layer}" for layer in HEADLESS]
    code = f"""
import importlib, pkgutil, sys
for name in {modules}:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        importlib.import_module(module.name)
heavy = {{"qtpy", "PyQt5", "PyQt6", "napari", "vispy", "superqt"}}
print(sorted(heavy & set(sys.modules)))
"""
    assert python(code) == "[]"


def test_the_help_of_a_command_does_not_wait_for_torch():
    code = """
import sys
from cellpose_studio.cli.main import parser
parser().format_help()
print(sorted({"torch", "cellpose"} & set(sys.modules)))
"""
    assert python(code) == "[]"


def test_the_users_folders_are_made_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("CELLPOSE_STUDIO_HOME", str(tmp_path / "stick"))
    kinds = (paths.data_dir, paths.cache_dir, paths.config_dir, paths.log_dir)
    folders = {kind() for kind in kinds}
    assert len(folders) == 4
    assert all(f.is_dir() and f.parent == tmp_path / "stick" for f in folders)


@pytest.mark.skipif(sys.platform != "linux", reason="XDG is Linux's")
def test_without_it_the_users_folders_are_the_systems(tmp_path, monkeypatch):
    monkeypatch.delenv("CELLPOSE_STUDIO_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert paths.data_dir() == tmp_path / "cellpose-studio"
    assert paths.data_dir().is_dir()


def test_a_checkout_finds_its_resources():
    assert shipped()
    for file in shipped():
        assert paths.resource(file.as_posix()) == ROOT / "resources" / file


def test_a_resource_that_is_not_shipped_is_an_error():
    with pytest.raises(FileNotFoundError, match="nothing"):
        paths.resource("icons/nothing.png")


@pytest.mark.slow
def test_a_wheel_carries_the_resources_and_the_licence(tmp_path):
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", str(ROOT)]
    subprocess.run([*build, "-w", str(tmp_path)], check=True)
    (wheel,) = tmp_path.glob("cellpose_studio-*.whl")
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    folder = unpacked / "cellpose_studio" / "resources"
    assert files_below(folder) == shipped()
    assert list(unpacked.glob("*.dist-info/licenses/LICENSE"))
    one = min(shipped()).as_posix()
    where = f"from cellpose_studio.paths import resource; print(resource({one!r}))"
    assert python(where, cwd=unpacked) == str(folder / one)
