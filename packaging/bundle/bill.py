"""A bill of materials of a bundle: CycloneDX, from the files that are in it."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections import defaultdict
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import notices
import system_packages
from contents import of_the_system, owner_of
from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    XsUri,
)
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

NAME = "Cellpose Studio"


def write(
    path: Path,
    folder: Path,
    manifest: dict[str, Any],
    bundled: Iterable[metadata.Distribution],
) -> None:
    """Write the bill of the bundle in ``folder``."""
    inside = _inside(folder)
    owners = {place: owner_of(source) for place, source in manifest["files"]}
    files: dict[str, list[Component]] = defaultdict(list)
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not file.is_symlink() and file != path:
            place = _place(file, inside)
            files[_owner(place, owners)].append(_file(file, folder))
    libraries = _libraries(manifest, files, folder, inside)
    bom = Bom()
    studio = Component(
        type=ComponentType.APPLICATION,
        name=NAME,
        version=manifest["version"],
        bom_ref="cellpose-studio",
        licenses=[LicenseFactory().make_from_string("GPL-3.0-or-later")],
        components=files.pop("", []),
    )
    bom.metadata.component = studio
    parts = [_python(), *libraries]
    parts += [_distribution(one, files.pop(one.name, [])) for one in bundled]
    for part in parts:
        bom.components.add(part)
    bom.register_dependency(studio, parts)
    text = JsonV1Dot6(bom).output_as_string(indent=1)
    errors = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if errors:
        sys.exit(f"the bill of materials is not valid: {errors}")
    path.write_text(text, "utf-8")


def _inside(folder: Path) -> Path:
    """Return where PyInstaller puts the files of a bundle in ``folder``."""
    return next(
        (p for p in (folder / "_internal", folder.parent / "Frameworks") if p.is_dir()),
        folder,
    )


def _place(file: Path, inside: Path) -> str:
    return str(file.relative_to(inside)) if file.is_relative_to(inside) else ""


def _owner(place: str, owners: dict[str, str]) -> str:
    return owners.get(place, "")


def _file(file: Path, folder: Path) -> Component:
    digest = hashlib.file_digest(file.open("rb"), "sha256").hexdigest()
    name = file.relative_to(folder).as_posix()
    return Component(
        type=ComponentType.FILE,
        name=name,
        bom_ref=f"file:{name}",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
    )


def _distribution(one: metadata.Distribution, files: list[Component]) -> Component:
    home = notices.home_of(one)
    link = ExternalReference(type=ExternalReferenceType.WEBSITE, url=XsUri(home))
    return Component(
        type=ComponentType.LIBRARY,
        name=one.name,
        version=one.version,
        bom_ref=f"pypi:{one.name}",
        purl=PackageURL("pypi", None, one.name.lower(), one.version),
        licenses=[LicenseFactory().make_from_string(notices.licence_of(one))],
        external_references=[link] if home else [],
        components=files,
    )


def _python() -> Component:
    version = platform.python_version()
    return Component(
        type=ComponentType.PLATFORM,
        name="Python",
        version=version,
        bom_ref="python",
        purl=PackageURL("generic", None, "python", version),
        licenses=[LicenseFactory().make_from_string("PSF-2.0")],
    )


def _libraries(
    manifest: dict[str, Any],
    files: dict[str, list[Component]],
    folder: Path,
    inside: Path,
) -> list[Component]:
    """Return the packages of the system, and take their files from the rest."""
    placed = of_the_system([tuple(pair) for pair in manifest["files"]])
    places = {source: place for place, source in placed}
    rest = {one.name: one for one in files[""]}
    found = []
    for package in system_packages.owning(places):
        names = [
            (inside / places[source]).relative_to(folder).as_posix()
            for source in package.files
        ]
        own = [rest.pop(name) for name in names if name in rest]
        found.append(
            Component(
                type=ComponentType.LIBRARY,
                name=package.name,
                version=package.version,
                bom_ref=f"deb:{package.name}",
                purl=PackageURL("deb", None, package.name, package.version),
                components=own,
            )
        )
    files[""] = list(rest.values())
    return found
