"""The pictures of the guide: what they are checked for, where they are, how large."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SHOWN = runpy.run_path(str(ROOT / "packaging" / "pictures" / "shown.py"))
FOLDER: Path = SHOWN["FOLDER"]
NAMES = sorted(SHOWN["PICTURES"])

_LARGEST, _ALL = 150_000, 1_500_000  # bytes
_USED = re.compile(r"!\[([^\]]+)\]\(pictures/([\w-]+)\.png\)")

MODULE = '''
"""A panel."""

_WIDTH = 40


class Panel(QWidget):
    """Shows cells."""

    def __init__(self) -> None:
        self.run = QPushButton("Run", objectName="run", toolTip="Run the model.")
        self.run.setToolTip("Find cells.")
        self.layout().addWidget(self.run, 2)
        self._count = self._counted(3)

    def _counted(self, factor: int) -> int:
        """Return a number."""
        if factor < 0:
            raise ValueError("negative")
        return factor * 7
'''

UNSEEN = [
    ('"""A panel."""', '"""Another text."""'),
    ('toolTip="Run the model."', 'toolTip="Run it."'),
    ("Find cells.", "Find all cells."),
    ('objectName="run"', 'objectName="start"'),
    ("factor * 7", "factor * 8  # more"),
    ('"negative"', '"below 0"'),
    ("_counted", "_number"),
]
SEEN = [
    ('QPushButton("Run"', 'QPushButton("Start"'),
    ("QPushButton", "QToolButton"),
    ("_WIDTH = 40", "_WIDTH = 60"),
    ("addWidget(self.run, 2)", "addWidget(self.run, 3)"),
    ("addWidget", "insertWidget"),
]


@pytest.mark.parametrize(("old", "new"), UNSEEN)
def test_a_picture_stays_while_nothing_on_it_changes(old, new):
    assert old in MODULE
    fingerprint = SHOWN["fingerprint"]
    assert fingerprint(MODULE.replace(old, new)) == fingerprint(MODULE)


@pytest.mark.parametrize(("old", "new"), SEEN)
def test_a_picture_is_old_when_its_panel_looks_different(old, new):
    assert old in MODULE
    fingerprint = SHOWN["fingerprint"]
    assert fingerprint(MODULE.replace(old, new)) != fingerprint(MODULE)


def test_changes_of_a_panel_are_named():
    name = "palette"
    now = SHOWN["fingerprints"](name)
    assert list(now) == ["ui/commands/palette.py"]
    changed_since = SHOWN["changed_since"]
    assert changed_since(name, now) == []
    assert changed_since(name, {}) == ["ui/commands/palette.py"]
    gone = {**now, "ui/commands/gone.py": "0"}
    assert changed_since(name, gone) == ["ui/commands/gone.py"]


def test_every_picture_is_small_and_used_with_words_for_who_cannot_see_it():
    files = {file.stem: file.stat().st_size for file in FOLDER.glob("*.png")}
    assert sorted(files) == NAMES == sorted(SHOWN["recorded"]())
    assert max(files.values()) < _LARGEST
    assert sum(files.values()) < _ALL
    used = [
        (words, name)
        for page in DOCS.glob("*.md")
        for words, name in _USED.findall(page.read_text("utf-8"))
    ]
    assert sorted({name for _, name in used}) == NAMES
    assert all(len(words.split()) > 2 for words, _ in used)
