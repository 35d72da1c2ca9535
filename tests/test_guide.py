"""The guide: each page has its place, and its examples of Python run."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import tifffile
import yaml

from cellpose_studio.io.images.sample import draw_nuclei, sample_path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SITE = ROOT / "packaging/site/mkdocs.yml"

_LINK = re.compile(r"\]\(([\w./-]+\.md)")
_NESTED = re.compile(r"^( +)(?:[-*+]|\d+\.) ")
_ITEM = re.compile(r"^ *(?:[-*+]|\d+\.) ")
_FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
_EXAMPLE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def pages_in(entry) -> list[str]:
    """Return the files that a part of the navigation names."""
    if isinstance(entry, str):
        return [entry]
    parts = entry.values() if isinstance(entry, dict) else entry
    return [page for part in parts for page in pages_in(part)]


def test_each_page_has_one_place_in_the_navigation():
    named = pages_in(yaml.safe_load(SITE.read_text("utf-8"))["nav"])
    assert sorted(named) == sorted(page.name for page in DOCS.glob("*.md"))


@pytest.mark.parametrize("page", sorted(page.name for page in DOCS.glob("*.md")))
def test_links_between_pages_lead_somewhere(page):
    links = _LINK.findall((DOCS / page).read_text("utf-8"))
    assert [link for link in links if not (DOCS / link).is_file()] == []


@pytest.mark.parametrize("page", sorted(page.name for page in DOCS.glob("*.md")))
def test_lists_are_written_as_the_guide_wants_them(page):
    """Its Markdown is stricter than others: it would join what is not apart.

    A list follows an empty line, and what belongs to an item is indented by 4 or 8.
    """
    text = _FENCED.sub("", (DOCS / page).read_text("utf-8"))
    wrong = []
    for block in re.split(r"\n\s*\n", text):
        lines = block.strip("\n").splitlines() or [""]
        nested = [match[1] for line in lines if (match := _NESTED.match(line))]
        depth = len(lines[0]) - len(lines[0].lstrip())
        bullets = [line for line in lines if line.startswith("- ")]
        if any(len(indent) % 4 for indent in nested) or depth % 4:
            wrong.append(lines[0])
        elif bullets and not _ITEM.match(lines[0]):
            wrong.append(bullets[0])
    assert wrong == []


def test_the_examples_of_python_run(tmp_path, monkeypatch, capsys):
    shutil.copyfile(sample_path(), tmp_path / "nuclei.tif")
    tifffile.imwrite(tmp_path / "nuclei_masks.tif", draw_nuclei()[1].astype("uint16"))
    monkeypatch.chdir(tmp_path)
    examples = _EXAMPLE.findall((DOCS / "python.md").read_text("utf-8"))
    assert len(examples) == 4
    names: dict[str, object] = {}
    for example in examples:
        exec(compile(example, "python.md", "exec"), names)
    first, second, *progress, last = capsys.readouterr().out.splitlines()
    assert int(first.split()[0]) > int(second.split()[0]) > 20
    assert any(re.fullmatch(r"[a-z ]+: \d+ of \d+", line) for line in progress)
    assert float(last.partition(": ")[2].split()[0]) > 0.8
    assert len(tifffile.imread(tmp_path / "nuclei_cp_masks.tif").shape) == 2
