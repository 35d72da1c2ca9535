"""Which distributions and which other files a bundle is made of."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

Placed = tuple[str, str]
"""A file of a bundle: its place in it, and where it was copied from."""

_KEPT_METADATA = ("METADATA", "PKG-INFO", "entry_points.txt", "top_level.txt")


@cache
def owners() -> dict[str, str]:
    """Return the name of the distribution of each installed file, by its real path."""
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        # To ask for a name reads the metadata: once, not for each file.
        name = distribution.name
        for file in distribution.files or ():
            found[_real(str(distribution.locate_file(file)))] = name
    return found


def owner_of(source: str) -> str:
    """Return the name of the distribution a file came with, or ""."""
    return owners().get(_real(source), "") if source else ""


def _real(path: str) -> str:
    """Return a path without links; each folder is looked up only once."""
    folder, name = os.path.split(path)
    return f"{_real_folder(folder)}{os.sep}{name}"


@cache
def _real_folder(folder: str) -> str:
    return os.path.realpath(folder)


def distributions_in(files: Iterable[Placed]) -> list[metadata.Distribution]:
    """Return the distributions that the files of a bundle came with, by name."""
    names = {owner_of(source) for _, source in files} - {"", "cellpose-studio"}
    return sorted(map(metadata.distribution, names), key=lambda d: d.name.lower())


def of_the_system(files: Iterable[Placed]) -> list[Placed]:
    """Return the libraries that came with the machine it was built on."""
    python = (Path(sys.base_prefix).resolve(), Path(__file__).resolve().parents[2])
    return sorted(
        (place, source)
        for place, source in files
        if Path(source).is_file()
        and not owner_of(source)
        and not any(Path(source).resolve().is_relative_to(p) for p in python)
        and ".so" in Path(source).name
    )


def of_each(files: Iterable[Placed]) -> dict[str, list[Placed]]:
    """Return the files by the name of their distribution."""
    found: dict[str, list[Placed]] = defaultdict(list)
    for place, source in files:
        found[owner_of(source)].append((place, source))
    return dict(found)


def wanted_metadata(
    bundled: Iterable[metadata.Distribution],
) -> list[tuple[str, str, str]]:
    """Return the metadata that libraries ask for at run time, as entries of a TOC.

    The application's own comes with them: its version.
    """
    studio = _distribution("cellpose-studio")
    return [entry for one in [*bundled, *studio] for entry in _metadata_of(one)]


def _distribution(name: str) -> list[metadata.Distribution]:
    try:
        return [metadata.distribution(name)]
    except metadata.PackageNotFoundError:
        return []


def _metadata_of(one: metadata.Distribution) -> Iterator[tuple[str, str, str]]:
    for file in one.files or ():
        if file.parent.suffix == ".dist-info" and file.name in _KEPT_METADATA:
            source = Path(one.locate_file(file))
            yield str(file), str(source), "DATA"
