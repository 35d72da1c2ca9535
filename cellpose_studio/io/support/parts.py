"""The packages that the application is made of, with their licences."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata

from packaging.requirements import InvalidRequirement, Requirement

_LONGEST = 60
"""Characters of a licence's name; some packages put the whole text there."""
_CLASSIFIER = "License :: "


@dataclass(frozen=True, kw_only=True)
class Part:
    """A package.

    Attributes
    ----------
    licence
        As the package names it; empty if it does not.
    """

    name: str
    version: str
    licence: str


def parts(package: str = "cellpose-studio") -> list[Part]:
    """Return the packages that a package needs and that are installed, by name.

    Those of its extras are among them if they are installed. A bundle without the
    metadata of packages has none.
    """
    try:
        wanted = metadata.requires(package) or []
    except metadata.PackageNotFoundError:
        return []
    found = {}
    for text in wanted:
        part = _part(text)
        if part is not None:
            found[part.name.lower()] = part
    return [found[name] for name in sorted(found)]


def licence_of(about: metadata.PackageMetadata) -> str:
    """Return the name of a licence in the metadata of a package."""
    expression = _field(about, "License-Expression")
    classifiers = about.get_all("Classifier") or []
    classified = [one for one in classifiers if one.startswith(_CLASSIFIER)]
    if expression:
        return expression
    if classified:
        return classified[0].rsplit(" :: ", 1)[-1]
    first = _field(about, "License").strip().splitlines()[:1]
    return first[0][:_LONGEST] if first else ""


def _field(about: metadata.PackageMetadata, name: str) -> str:
    return str(about[name]) if name in about else ""


def _part(text: str) -> Part | None:
    try:
        requirement = Requirement(text)
        installed = metadata.distribution(requirement.name)
    except (InvalidRequirement, metadata.PackageNotFoundError):
        return None
    marker = requirement.marker
    if marker is not None and "extra" in str(marker) and _is_tool(str(marker)):
        return None
    return Part(
        name=installed.name,
        version=installed.version,
        licence=licence_of(installed.metadata),
    )


def _is_tool(marker: str) -> bool:
    """Return whether an extra is for those who build or test, not for users."""
    return any(f'"{extra}"' in marker for extra in ("test", "bundle"))
