"""What the desktop of Linux is told: packaging/linux."""

from __future__ import annotations

import configparser
import mimetypes
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from cellpose_studio.io.images.reader import IMAGE_FILES
from cellpose_studio.io.project.file import SUFFIX, create_project
from cellpose_studio.io.project.schema import APPLICATION_ID
from cellpose_studio.ui.window.launch.identity import DESKTOP_FILE

LINUX = Path(__file__).parents[1] / "packaging" / "linux"
PROJECT = "application/x-cellpose-studio-project"
KINDS = (".desktop", ".xml", ".thumbnailer")
MIME = {"m": "http://www.freedesktop.org/standards/shared-mime-info"}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="for Linux")


def tool(name: str) -> str:
    """Return the path of a program; skip without it."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def checked(*command: object, **environment: str) -> str:
    """Return what a program prints; the test fails if the program does."""
    done = subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def entry(file: str, group: str) -> configparser.SectionProxy:
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment]
    parser.read(LINUX / file)
    return parser[group]


@pytest.fixture(scope="module")
def metainfo() -> Path:
    (file,) = LINUX.glob("*.metainfo.xml")
    return file


@pytest.fixture
def installed(tmp_path) -> Path:
    """Return the folder share of a prefix that the files were put into."""
    checked(LINUX / "install", tmp_path / "prefix")
    return tmp_path / "prefix" / "share"


def test_projects_and_all_images_that_can_be_opened_are_named():
    listed = entry("cellpose-studio.desktop", "Desktop Entry")["MimeType"]
    kinds = {mimetypes.guess_type(name)[0] for name in IMAGE_FILES.lower().split()}
    # Desktops take .btf, a large TIFF, for one of these, or for nothing. The endings of
    # microscopes are unknown to them, or those of other programs.
    kinds -= {None, "image/prs.btif", "application/hyperstudio"}
    kinds -= {"application/vnd.ms-ims"}
    assert set(listed.strip(";").split(";")) == {PROJECT, *kinds}


def test_the_window_belongs_to_the_desktop_file():
    desktop = entry("cellpose-studio.desktop", "Desktop Entry")
    assert desktop["StartupWMClass"] == DESKTOP_FILE
    assert (LINUX / f"{DESKTOP_FILE}.desktop").exists()
    assert desktop["Exec"] == "cellpose-studio %F"


def test_a_project_is_told_by_its_name_and_by_its_content():
    root = ET.parse(LINUX / "cellpose-studio-mime.xml").getroot()
    assert root.find("m:mime-type", MIME).get("type") == PROJECT
    assert root.find(".//m:glob", MIME).get("pattern") == f"*{SUFFIX}"
    match = root.find(".//m:match/m:match", MIME)
    assert match.get("offset") == "68"
    assert int(match.get("value"), 16) == APPLICATION_ID


def test_the_thumbnailer_calls_a_command_that_exists(tmp_path, earlier_project):
    thumbnailer = entry("cellpose-studio.thumbnailer", "Thumbnailer Entry")
    assert thumbnailer["MimeType"] == f"{PROJECT};"
    given = {"%s": "64", "%i": earlier_project, "%o": tmp_path / "out"}
    words = [given.get(word, word) for word in thumbnailer["Exec"].split()]
    assert words.pop(0) == "cellpose-studio"
    checked(sys.executable, "-m", "cellpose_studio", *words)
    assert (tmp_path / "out").read_bytes().startswith(b"\x89PNG")


def test_every_file_is_installed_and_each_size_of_the_icons(installed, metainfo):
    files = {file.relative_to(installed) for file in installed.rglob("*.*")}
    assert Path("metainfo", metainfo.name) in files
    icons = {file for file in files if file.suffix in (".png", ".svg")}
    assert len(icons) == 2 * (8 + 1)
    sources = [file for file in LINUX.iterdir() if file.suffix in KINDS]
    assert len(sources) == 4
    assert len({file for file in files - icons if file.suffix in KINDS}) == 4


def test_the_desktop_file_is_valid():
    assert (
        checked(tool("desktop-file-validate"), LINUX / "cellpose-studio.desktop") == ""
    )


def test_the_description_for_software_centres_is_valid(metainfo):
    checked(tool("appstreamcli"), "validate", "--no-net", metainfo)


@pytest.mark.parametrize("name", ["named.cpstudio", "without-suffix"])
def test_the_desktop_recognises_a_project(installed, tmp_path, name):
    gio = tool("gio")
    system = Path("/usr/share/mime/packages/freedesktop.org.xml")
    shutil.copy(system, installed / "mime" / "packages")
    checked(tool("update-mime-database"), installed / "mime")
    create_project(tmp_path / "a.cpstudio").close()
    file = (tmp_path / "a.cpstudio").rename(tmp_path / name)
    told = checked(
        gio,
        "info",
        "-a",
        "standard::content-type,standard::icon",
        file,
        XDG_DATA_HOME=str(tmp_path / "nothing"),
        XDG_DATA_DIRS=str(installed),
    )
    assert f"standard::content-type: {PROJECT}" in told
    assert "standard::icon: cellpose-studio-project" in told
