"""Other versions of Cellpose, each in a folder of its own that is made here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

_SCRIPT = Path(__file__).with_name("run_other_cellpose.py")
_UNREACHABLE = ("Could not find a version", "No matching distribution", "Connection")


@dataclass
class OtherCellpose:
    """A version of Cellpose that runs in a process of its own.

    Attributes
    ----------
    version
        As on PyPI.
    packages
        Folder that it is installed in.
    """

    version: str
    packages: Path

    @property
    def folder(self) -> Path:
        """Folder for files, also that of its models."""
        return self.packages / "files"

    def python(self, *arguments: str | Path, folder: Path) -> None:
        """Run Python in a folder, where ``import cellpose`` finds this version."""
        subprocess.run(
            [sys.executable, *arguments],
            check=True,
            cwd=folder,
            env={
                **os.environ,
                "PYTHONPATH": str(self.packages),
                # What it would otherwise download lies there.
                "CELLPOSE_LOCAL_MODELS_PATH": str(self.folder),
            },
        )

    def run(self, jobs: list[dict[str, Any]]) -> list[dict[str, np.ndarray]]:
        """Do all jobs of `run_other_cellpose` in one process.

        The arrays among their arguments may be NumPy's.
        """
        number = len([*self.folder.glob("*.json")])
        task = self.folder / f"{number}.json"
        arrays: dict[str, np.ndarray] = {}

        def name_of(value: object) -> str:
            if not isinstance(value, np.ndarray):
                return str(value)
            arrays[f"array{len(arrays)}"] = value
            return f"array{len(arrays) - 1}"

        task.write_text(json.dumps(jobs, default=name_of), encoding="utf-8")
        np.savez(task.with_suffix(".npz"), **arrays)
        self.python(_SCRIPT, task, self.version, folder=self.folder)
        with np.load(task.with_suffix(".out.npz")) as file:
            found = {name: file[name] for name in file.files}
        return [
            {
                name.partition(" ")[2]: value
                for name, value in found.items()
                if name.startswith(f"{n} ")
            }
            for n in range(len(jobs))
        ]


def make_other_cellpose(folder: Path, version: str) -> OtherCellpose:
    """Install a version of Cellpose in a folder, beside this environment's packages.

    The test is skipped where PyPI cannot be reached.
    """
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target"]
    done = subprocess.run(
        [*install, folder, f"cellpose=={version}"], capture_output=True, text=True
    )
    if any(reason in done.stderr for reason in _UNREACHABLE):
        pytest.skip(f"PyPI cannot be reached for Cellpose {version}")
    assert done.returncode == 0, done.stderr
    files = folder / "files"
    files.mkdir()
    return OtherCellpose(version, folder)
