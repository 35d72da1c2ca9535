"""What a release says of itself is the same in all places, and in the recipes."""

from __future__ import annotations

import re
import runpy
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

from cellpose_studio import __version__

ROOT = Path(__file__).parents[1]
PACKAGING = ROOT / "packaging"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
RECIPE = yaml.safe_load((PACKAGING / "conda" / "recipe.yaml").read_text("utf-8"))

CONDA = {
    "napari": "napari-base",
    "opencv-python-headless": "py-opencv",
    "pyqt5": "pyqt",
    "torch": "pytorch",
}
"""Names on conda-forge where they are others than on the Python Package Index."""

_HEADING = re.compile(r"^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$", re.MULTILINE)


def releases() -> list[tuple[str, str]]:
    """Return the versions of the changelog with their dates, the newest first."""
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    first, *others = _HEADING.findall(text)
    assert first == ("Unreleased", "")
    return others


def test_the_changelog_has_its_releases_in_order():
    versions = [Version(version) for version, _ in releases()]
    assert versions == sorted(versions, reverse=True)
    assert all(date for _, date in releases())


def test_all_places_name_the_same_release():
    """That of the changelog on top, or the first one, which is still to come."""
    version = CITATION["version"]
    (metainfo,) = (PACKAGING / "linux").glob("*.metainfo.xml")
    newest = ET.parse(metainfo).getroot().find("releases/release")
    assert newest.get("version") == version
    assert RECIPE["context"]["version"] == version
    fallback = PYPROJECT["tool"]["hatch"]["version"]["fallback-version"]
    if releases():
        number, date = releases()[0]
        assert number == version == fallback
        assert newest.get("date") == date == str(CITATION["date-released"])
    else:
        assert fallback == f"{version}.dev0"


def test_a_build_of_a_tag_is_of_that_release():
    built = Version(__version__)
    if built.is_devrelease or built.local:
        pytest.skip(f"{__version__} is not of a tag")
    assert str(built) == CITATION["version"]


def test_licences_and_keywords_are_those_of_the_citation():
    project = PYPROJECT["project"]
    assert project["license"] == CITATION["license"] == RECIPE["about"]["license"]
    assert project["license-files"] == RECIPE["about"]["license_file"]
    assert all((ROOT / one).is_file() for one in project["license-files"])


def test_the_recipe_wants_what_the_project_wants():
    project = PYPROJECT["project"]
    wanted = {f"python {project['requires-python']}"}
    for one in map(Requirement, project["dependencies"]):
        name = CONDA.get(one.name.lower(), one.name.lower())
        wanted.add(f"{name} {one.specifier}".strip())
    python = RECIPE["context"]["python_min"]
    found = {
        line.replace("${{ python_min }}", python)
        for line in RECIPE["requirements"]["run"]
    }
    # Conda's PyQt may be of version 6 as well; the order of bounds does not matter.
    found = {line.replace("pyqt >=5.15.10,<6", "pyqt >=5.15.10") for line in found}
    assert set(map(_sorted, found)) == set(map(_sorted, wanted))
    built_with = {_sorted(one) for one in RECIPE["requirements"]["host"][2:]}
    backends = map(Requirement, PYPROJECT["build-system"]["requires"])
    assert built_with == {_sorted(f"{one.name} {one.specifier}") for one in backends}
    starts = [f"{k} = {v}" for k, v in project["scripts"].items()]
    assert RECIPE["build"]["python"]["entry_points"] == starts


def _sorted(line: str) -> str:
    name, _, bounds = line.partition(" ")
    return f"{name} {','.join(sorted(bounds.split(',')))}"


def test_the_release_is_published_without_a_password():
    file = ROOT / ".github" / "workflows" / "release.yml"
    workflow = yaml.safe_load(file.read_text("utf-8"))
    assert workflow["permissions"] == {}
    build, publish = workflow["jobs"]["build"], workflow["jobs"]["publish"]
    assert publish["needs"] == "build"
    assert publish["permissions"] == {"id-token": "write"}
    assert not any("password" in step.get("with", {}) for step in publish["steps"])
    # Without the history, Git would find no tag.
    assert build["steps"][0]["with"]["fetch-depth"] == 0
    steps = [*build["steps"], *publish["steps"]]
    used = [step["uses"] for step in steps if "uses" in step]
    assert len(used) == 5
    assert all(re.search(r"@[0-9a-f]{40}$", action) for action in used)


@pytest.mark.parametrize(
    ("version", "of_debian"),
    [
        ("1.2.3", "1.2.3"),
        ("1.2.4.dev7", "1.2.4~dev7"),
        ("2.0rc1", "2.0~rc1"),
        ("2.0.post1", "2.0.post1"),
    ],
)
def test_debian_sorts_what_precedes_a_release_before_it(version, of_debian):
    build = runpy.run_path(str(PACKAGING / "build"))
    assert build["of_debian"](version) == of_debian
