"""docs/project-file.md: its example runs, and it knows all tables and columns."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from cellpose_studio.io.project.schema import APPLICATION_ID, VERSION, tables

TEXT = (Path(__file__).parents[3] / "docs" / "project-file.md").read_text("utf-8")


def test_the_example_reads_the_masks(filled, tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert len(code.splitlines()) <= 25
    subprocess.run(
        [sys.executable, "-c", code, str(filled.path)],
        cwd=tmp_path,
        check=True,
        timeout=300,
    )
    with closing(sqlite3.connect(filled.path)) as db:
        heads = db.execute("SELECT name, head FROM label_set").fetchall()
    assert len(heads) == len(list(tmp_path.iterdir())) == 7
    for name, head in heads:
        masks = np.load(tmp_path / f"{name}-{head}.npy")
        np.testing.assert_array_equal(masks, filled.masks[head])


def test_the_file_is_what_it_says():
    assert f"0x{APPLICATION_ID:x}" in TEXT
    assert f"schema version: {VERSION}." in TEXT


NAMES = sorted(name for kind, name, *_ in tables(VERSION) if kind == "table")


@pytest.mark.parametrize("table", NAMES)
def test_every_column_is_described(table, filled):
    (line,) = re.findall(rf"^\| `{table}` \|.*$", TEXT, re.MULTILINE)
    with closing(sqlite3.connect(filled.path)) as db:
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
    for column in columns:
        assert column == "id" or f"`{column}`" in line, column
