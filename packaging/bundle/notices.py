"""Write what a bundle owes: licences, the offer of sources, a bill of materials.

python packaging/bundle/notices.py MANIFEST FOLDER

MANIFEST is what the spec wrote of the build; FOLDER is the bundle. It runs in the
environment that the bundle was built in.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from importlib import metadata
from pathlib import Path, PurePath

sys.path.insert(0, str(Path(__file__).parent))

import system_packages
from contents import Placed, distributions_in, of_the_system

ROOT = Path(__file__).resolve().parents[2]
FALLBACKS = ROOT / "packaging" / "licences"
"""Licences of distributions that bring none: NAME.txt; and of the guide's scripts."""
GUIDE = "cellpose_studio/resources/guide/index.html"

_NAMES = ("licen", "copying", "notice", "authors", "copyright", "eula")
_CODE = (".py", ".pyc", ".so", ".pyd", ".dll", ".h", ".pyi", ".json")
_OURS = ("GPL v3", "GPL-3.0-only", "GPL-3.0-or-later")
_COPYLEFT = ("GPL", "MPL", "GNU", "MOZILLA")

_INTRODUCTION = """\
Cellpose Studio {version} is free software: GNU General Public License, version 3 or
later; see LICENSE. This bundle carries the work of others, listed here with their
licences, whose texts lie in the folders beside this file. sbom.cdx.json has the
hashes.

Sources: everything in this bundle whose licence asks for it (marked *) is
available in source form, under the names and versions below: what is listed as a
Python package from the Python Package Index (pip download --no-binary :all:
NAME==VERSION) or from the project's own page; what is listed as a system library from
the distribution that is named (apt-get source NAME=VERSION). The source of Cellpose
Studio itself, with all that is needed to build this bundle, is in the folder source.
Should a source not be available there, whoever gave you this bundle offers, for three
years from the day you got it, to give any third party a complete machine-readable copy
of the corresponding source for no more than the cost of doing so.
"""


def licence_of(one: metadata.Distribution) -> str:
    """Return the licence that a distribution names, in one line."""
    about = one.metadata
    trove = [
        text.rpartition(" :: ")[2]
        for text in about.get_all("Classifier") or ()
        if text.startswith("License ::")
    ]
    written = (about.get("License") or "").strip()
    short = written if len(written.splitlines()) == 1 else ""
    first = written.splitlines()[0].strip() if written else ""
    named = about.get("License-Expression") or short or ", ".join(trove) or first
    return named or "see its licence file"


def home_of(one: metadata.Distribution) -> str:
    """Return the address of a distribution's project."""
    links = dict(
        text.split(", ", 1)
        for text in one.metadata.get_all("Project-URL") or ()
        if ", " in text
    )
    wanted = ("source", "repository", "source code", "homepage", "home")
    found = {label.strip().lower(): link for label, link in links.items()}
    first = next((found[label] for label in wanted if label in found), "")
    return first or one.metadata.get("Home-page") or ""


def licence_files(one: metadata.Distribution) -> list[Path]:
    """Return the files with the licence of a distribution and of what it carries."""
    found = [
        Path(one.locate_file(file)) for file in one.files or () if _is_licence(file)
    ]
    there = [file for file in found if file.is_file()]
    if not there and licence_of(one) in _OURS:
        return [ROOT / "LICENSE"]
    fallback = FALLBACKS / f"{one.name.lower()}.txt"
    return there or ([fallback] if fallback.exists() else [])


def _is_licence(file: PurePath) -> bool:
    if file.suffix.lower() in _CODE:
        return False
    in_folder = any(
        part.lower() in ("licenses", "licences", "license_files")
        for part in file.parts[:-1]
    )
    return in_folder or file.name.lower().startswith(_NAMES)


def asks_for_source(licence: str) -> bool:
    """Return whether a licence is one that asks for the source."""
    return any(word in licence.upper() for word in _COPYLEFT)


def write_licences(
    folder: Path,
    version: str,
    bundled: list[metadata.Distribution],
    libraries: list[Placed],
    *,
    guide: bool = False,
) -> list[str]:
    """Write the licences of all that is bundled; return what has no text.

    ``guide`` tells whether the guide is, whose pages carry scripts of others.
    """
    lines = [_INTRODUCTION.format(version=version), "Python packages", ""]
    missing = []
    for one in bundled:
        texts = licence_files(one)
        if not texts:
            missing.append(one.name)
        _copy(texts, folder / one.name)
        lines.append(_line(one.name, one.version, licence_of(one), home_of(one)))
    lines += ["", f"Python {sys.version.split()[0]}", ""]
    _copy(_licence_of_python(), folder / "Python")
    lines.append(_line("Python", sys.version.split()[0], "PSF-2.0", "python.org"))
    packages = system_packages.owning([source for _, source in libraries])
    lines += ["", "System libraries", ""]
    for package in packages:
        if not package.copyright.is_file():
            missing.append(package.name)
        _copy([package.copyright], folder / package.name)
        lines.append(_line(package.name, package.version, "*", package.origin))
    if guide:
        _copy([FALLBACKS / "guide.txt"], folder / "guide")
        lines += ["", "Scripts and styles of the guide: see the folder guide."]
    lines += ["", "Fonts, icons and models are listed with their licences in docs.", ""]
    (folder / "INDEX.txt").write_text("\n".join(lines), "utf-8")
    return missing


def _line(name: str, version: str, licence: str, home: str) -> str:
    mark = "*" if asks_for_source(licence) or licence == "*" else " "
    said = "see its folder" if licence == "*" else licence
    return f"{mark} {name} {version}: {said}" + (f" ({home})" if home else "")


def _copy(texts: list[Path], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for text in texts:
        if text.is_file():
            place = folder / text.name
            number = 1
            while place.exists():
                number += 1
                place = folder / f"{text.stem}-{number}{text.suffix}"
            shutil.copyfile(text, place)


def _licence_of_python() -> list[Path]:
    library = Path(sys.base_prefix)
    short = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = (
        library / "lib" / short / "LICENSE.txt",
        library / "LICENSE.txt",
        Path("/usr/share/doc") / short / "copyright",
    )
    return [next(file for file in found if file.exists())]


def main() -> None:
    """Write them into a bundle; end with an error if a licence is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    manifest = json.loads(given.manifest.read_text("utf-8"))
    files: list[Placed] = [tuple(pair) for pair in manifest["files"]]
    bundled = distributions_in(files)
    libraries = of_the_system(files)
    licences = given.folder / "licenses"
    shutil.rmtree(licences, ignore_errors=True)
    licences.mkdir(parents=True)
    shutil.copyfile(ROOT / "LICENSE", licences / "LICENSE")
    missing = write_licences(
        licences,
        manifest["version"],
        bundled,
        libraries,
        guide=any(PurePath(place).as_posix() == GUIDE for place, _ in files),
    )
    if missing:
        sys.exit(f"no licence text for {', '.join(missing)}; see packaging/licences")
    import bill

    bill.write(given.folder / "sbom.cdx.json", given.folder, manifest, bundled)


if __name__ == "__main__":
    main()
