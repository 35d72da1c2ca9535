"""Names of the files of models that are trained; without torch, for the window."""

from __future__ import annotations

from pathlib import Path


def state_path(out: Path) -> Path:
    """Return the file from which a training that was interrupted is resumed."""
    return out.with_name(f"{out.name}.resume")


def free_model_path(folder: Path, name: str) -> Path:
    """Return a path in ``folder`` where no model is: name, name-2 and so on."""
    number, path = 1, folder / name
    while path.exists() or state_path(path).exists():
        number += 1
        path = folder / f"{name}-{number}"
    return path
