"""The package as it is installed: its files, its versions, and its layers."""

from __future__ import annotations

import importlib
import plistlib
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from cellpose_studio import paths

ROOT = Path(__file__).parents[1]
PACKAGING = ROOT / "packaging"
BUNDLE = PACKAGING / "bundle"
FLAVOURS = ("cpu", "cuda")
HEADLESS = ("cli", "core", "engine", "io", "workflows")


def pinned() -> dict[str, str]:
    """Versions of packaging/constraints.txt by normalised name."""
    lines = (ROOT / "packaging" / "constraints.txt").read_text().splitlines()
    pins = (line.split("==") for line in lines if not line.startswith("#"))
    return {_normal(name): version for name, version in pins}


def required(without: str = "") -> list[str]:
    """Names of all that the project asks for, extras included but for one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"].items()
    extras = [names for extra, names in optional if extra != without]
    wanted = [*project["dependencies"], *(name for extra in extras for name in extra)]
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


def module(name: str) -> ModuleType:
    """Import one of the modules that make the bundle, which are in no package."""
    sys.path.insert(0, str(BUNDLE))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(BUNDLE))


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_requirement_has_an_exact_version():
    missing = {_normal(name) for name in required()} - set(pinned())
    assert not missing


def test_no_version_names_a_build_that_only_one_index_has():
    assert not [version for version in pinned().values() if "+" in version]


SCRIPTS = ("dev", "../.ci/run", "macos/make-dmg", "linux/install.sh")
SCRIPTS += ("linux/uninstall.sh", "linux/AppRun")


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_executable_and_parse(name):
    script = ROOT / "packaging" / name
    assert script.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", script], check=True)


SOURCES = (
    PACKAGING / "build",
    PACKAGING / "check_wheel",
    PACKAGING / "cellpose-studio.spec",
    *BUNDLE.rglob("*.py"),
)


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: file.name)
def test_what_builds_the_bundle_is_python(file):
    compile(file.read_text("utf-8"), str(file), "exec")


def test_the_build_names_its_steps():
    done = subprocess.run(
        [sys.executable, PACKAGING / "build", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "tarball" in done.stdout or sys.platform != "linux"


def test_a_bundle_has_no_tests_and_no_library_of_the_graphics_driver():
    trim = module("trim")
    given = [
        ("PyQt5/Qt5/plugins/platforms/libqxcb.so", "/x/libqxcb.so", "BINARY"),
        ("PyQt5/Qt5/plugins/platforms/libqeglfs.so", "/x/libqeglfs.so", "BINARY"),
        ("PyQt5/Qt5/translations/qtbase_de.qm", "/x/qtbase_de.qm", "DATA"),
        ("libstdc++.so.6", "/usr/lib/x86_64-linux-gnu/libstdc++.so.6", "BINARY"),
        ("libxcb-icccm.so.4", "/usr/lib/x86_64-linux-gnu/libxcb-icccm.so.4", "BINARY"),
        ("libgssapi_krb5.so.2", "/usr/lib/libgssapi_krb5.so.2", "BINARY"),
        ("torch/lib/libgomp.so.1", "/x/torch/lib/libgomp.so.1", "BINARY"),
        ("pandas/tests/data.csv", "/x/pandas/tests/data.csv", "DATA"),
        ("skimage/__init__.pyi", "/x/skimage/__init__.pyi", "DATA"),
        ("libgomp.so.1", "torch/lib/libgomp.so.1", "SYMLINK"),
        ("libqeglfs.so", "PyQt5/Qt5/plugins/platforms/libqeglfs.so", "SYMLINK"),
    ]
    kept = [place for place, *_ in trim.needed(given, linux=True)]
    assert kept == [
        "PyQt5/Qt5/plugins/platforms/libqxcb.so",
        "libxcb-icccm.so.4",
        "libgssapi_krb5.so.2",
        "torch/lib/libgomp.so.1",
        "skimage/__init__.pyi",
        "libgomp.so.1",
    ]
    modules = [("pandas.tests.io", "", ""), ("torch.testing", "", "")]
    assert trim.modules_without_tests(modules) == modules[1:]


def test_every_library_that_is_bundled_has_the_text_of_its_licence():
    notices = module("notices")
    # What only tests need is in no bundle.
    wanted = {_normal(name) for name in required(without="test")} & set(pinned())
    there = [one for one in metadata.distributions() if _normal(one.name) in wanted]
    assert len(there) > 20
    assert not [one.name for one in there if not notices.licence_files(one)]


def test_a_licence_that_asks_for_the_source_is_marked():
    notices = module("notices")
    qt = metadata.distribution("PyQt5")
    assert notices.licence_of(qt) == "GPL v3"
    assert notices.asks_for_source("GPL v3")
    assert notices.asks_for_source("MPL-2.0 AND MIT")
    assert not notices.asks_for_source("BSD-3-Clause")


def test_the_licences_of_libraries_are_written_with_the_offer_of_sources(tmp_path):
    notices = module("notices")
    bundled = [metadata.distribution(name) for name in ("PyQt5", "numpy", "fastremap")]
    assert notices.write_licences(tmp_path, "1.2.3", bundled, [], guide=True) == []
    scripts = (tmp_path / "guide" / "guide.txt").read_text("utf-8")
    for name in ("Martin Donath", "lunr", "RxJS", "Pictogrammers"):
        assert name in scripts
    index = (tmp_path / "INDEX.txt").read_text("utf-8")
    assert "offers, for three" in index
    assert re.search(r"^\* PyQt5 [\d.]+: GPL v3", index, re.MULTILINE)
    assert re.search(r"^  numpy [\d.]+: BSD-3", index, re.MULTILINE)
    assert "LESSER" in (tmp_path / "fastremap" / "fastremap.txt").read_text("utf-8")


def test_macos_opens_projects_with_the_app():
    info = plistlib.loads((PACKAGING / "macos" / "Info.plist").read_bytes())
    (kind,) = info["UTExportedTypeDeclarations"]
    extensions = kind["UTTypeTagSpecification"]["public.filename-extension"]
    assert extensions == ["cpstudio"]
    first = info["CFBundleDocumentTypes"][0]
    assert first["LSItemContentTypes"] == [kind["UTTypeIdentifier"]]
    allowed = plistlib.loads((PACKAGING / "macos" / "entitlements.plist").read_bytes())
    assert allowed["com.apple.security.cs.allow-jit"] is True


def test_windows_keeps_the_users_data_and_forgets_the_file_type():
    script = (PACKAGING / "windows" / "cellpose-studio.iss").read_text("utf-8")
    sections = re.split(r"^\[(\w+)\]$", script, flags=re.MULTILINE)
    rules = dict(zip(sections[1::2], sections[2::2], strict=True))
    assert "PrivilegesRequired=lowest" in rules["Setup"]
    assert ".cpstudio" in rules["Registry"]
    assert "uninsdelete" in rules["Registry"]
    removed = [
        line for line in rules["UninstallDelete"].splitlines() if "Type:" in line
    ]
    assert removed == ['Type: dirifempty; Name: "{app}"']


def test_installers_are_built_on_three_systems_and_tested_there():
    text = (ROOT / ".github" / "workflows" / "installers.yml").read_text("utf-8")
    workflow = yaml.safe_load(text)
    job = workflow["jobs"]["build"]
    built = {
        (one["system"].split("-")[0], one["flavour"])
        for one in job["strategy"]["matrix"]["include"]
    }
    both = {(system, kind) for system in ("ubuntu", "windows") for kind in FLAVOURS}
    assert built == both | {("macos", "cpu")}
    steps = job["steps"]
    assert any("--self-test" in step.get("run", "") for step in steps)
    used = [step["uses"] for step in steps if "uses" in step]
    assert all(re.search(r"@[0-9a-f]{40}$", action) for action in used)


@pytest.fixture
def installation(tmp_path):
    """A folder as of the tarball, with a menu entry and a program that only exists."""
    folder = tmp_path / "my programs $HOME" / "cellpose-studio"
    (folder / "share" / "applications").mkdir(parents=True)
    entry = "[Desktop Entry]\nExec=cellpose-studio %F\nTryExec=cellpose-studio\n"
    (folder / "share/applications/cellpose-studio.desktop").write_text(entry)
    (folder / "cellpose-studio").write_text("#!/bin/sh\n")
    for name in ("install.sh", "uninstall.sh"):
        shutil.copy(PACKAGING / "linux" / name, folder)
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="a script of Linux")
def test_the_tarball_registers_itself_and_takes_that_back(installation, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    subprocess.run([installation / "install.sh"], env=environment, check=True)
    entry = home / ".local/share/applications/cellpose-studio.desktop"
    program = str(installation / "cellpose-studio").replace("$", r"\\$")
    assert entry.read_text() == f'[Desktop Entry]\nExec="{program}" %F\n'
    command = home / ".local/bin/cellpose-studio"
    assert command.resolve() == installation / "cellpose-studio"
    subprocess.run([installation / "uninstall.sh"], env=environment, check=True)
    assert not entry.exists()
    assert not command.is_symlink()


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


@pytest.mark.skipif(not (ROOT / "cellpose_studio").is_dir(), reason="no checkout")
def test_a_checkout_finds_its_resources():
    assert shipped()
    for file in shipped():
        assert paths.resource(file.as_posix()) == ROOT / "resources" / file


def test_a_resource_that_is_not_shipped_is_an_error():
    with pytest.raises(FileNotFoundError, match="nothing"):
        paths.resource("icons/nothing.png")
