"""The guide: each page has its place, and its examples of Python run."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import tifffile
import yaml

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.engine.networks.catalogue import find
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


def run_examples(trainings: bool, names: dict[str, object]) -> None:
    """Run those of docs/python.md that train a model, or all others."""
    examples = _EXAMPLE.findall((DOCS / "python.md").read_text("utf-8"))
    chosen = [one for one in examples if ("train_on_folders" in one) == trainings]
    assert len(chosen) == (1 if trainings else len(examples) - 1)
    for example in chosen:
        exec(compile(example, "python.md", "exec"), names)


def write_sample(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    shutil.copyfile(sample_path(), folder / "nuclei.tif")
    tifffile.imwrite(folder / "nuclei_masks.tif", draw_nuclei()[1].astype("uint16"))


def test_the_examples_of_python_run(tmp_path, monkeypatch, capsys, earlier_project):
    write_sample(tmp_path)
    for file in earlier_project.parent.iterdir():
        shutil.copyfile(file, tmp_path / file.name)
    (tmp_path / "before.cpstudio").rename(tmp_path / "work.cpstudio")
    monkeypatch.chdir(tmp_path)
    run_examples(trainings=False, names={})
    first, second, *rest = capsys.readouterr().out.splitlines()
    assert int(first.split()[0]) >= int(second.split()[0]) > 20
    progress = [one for one in rest if re.fullmatch(r"[a-z ]+: \d+ of \d+", one)]
    assert progress
    score, measured, *images = rest[len(progress) :]
    assert float(score.partition(": ")[2].split()[0]) > 0.8
    found = re.fullmatch(r"(\d+) cells, mean area ([\d.]+) µm²", measured)
    assert found[1] == first.split()[0]
    assert 30 < float(found[2]) < 200
    assert len(images) > 1
    assert all(re.match(r"\w\.tif \w+ \(\d+, ", one) for one in images)
    assert len(tifffile.imread(tmp_path / "nuclei_cp_masks.tif").shape) == 2


@pytest.mark.slow
def test_the_example_of_training_runs(tmp_path, monkeypatch, capsys):
    write_sample(tmp_path / "corrected")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"Path": Path, "Checkpoint": Checkpoint, "find": find}
    run_examples(trainings=True, names=names)
    *epochs, last = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in epochs] == [["epoch", "1"], ["epoch", "2"]]
    assert last == "trained on 1 images: my-nuclei"
    assert (tmp_path / "my-nuclei.json").is_file()
