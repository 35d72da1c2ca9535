"""What the pages for developers name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import cellpose_studio

PACKAGE = Path(cellpose_studio.__file__).parent
ROOT = Path(__file__).parents[1]
PAGES = ("docs/layout.md", "docs/extending.md")

_CODE = re.compile(r"`([\w./]+)`")
_LAYERS = 6
"""Columns that the names of layers begin at, at most; rooms stand further right."""
_LINK = re.compile(r"\]\(([\w./-]+)\)")


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def paths_in(text: str) -> set[str]:
    """Return what is written as a path: with a slash, or as the name of a module."""
    return {name for name in _CODE.findall(text) if "/" in name or name.endswith(".py")}


def rooms(text: str) -> set[str]:
    """Return the paths in the drawing of the tree."""
    found, layer = set(), ""
    for line in text.splitlines():
        drawn = re.match(r" {4}[ │]*([\w.]+/?) {2,}\S", line)
        if drawn is None:
            continue
        name = drawn[1]
        if line.index(name) <= _LAYERS:
            layer = name
            found.add(name)
        else:
            found.add(layer + name)
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_is_named_exists(page):
    named = paths_in(text_of(page))
    assert len(named) > 10
    bases = (PACKAGE, PACKAGE.parent, ROOT)
    assert [n for n in sorted(named) if not any((b / n).exists() for b in bases)] == []


@pytest.mark.parametrize("page", [*PAGES, "README.md"])
def test_every_link_leads_somewhere(page):
    folder = (ROOT / page).parent
    links = _LINK.findall(text_of(page))
    assert links
    assert [link for link in links if not (folder / link).exists()] == []


def test_the_tree_shows_every_room():
    shown = rooms(text_of("docs/layout.md"))
    assert [name for name in sorted(shown) if not (PACKAGE / name).exists()] == []
    layers = [path for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()]
    inside = [
        room
        for layer in layers
        for room in layer.iterdir()
        if (room / "__init__.py").is_file()
    ]
    there = {f"{path.relative_to(PACKAGE).as_posix()}/" for path in (*layers, *inside)}
    assert there <= shown
