"""Sidecar files, which SQLite keeps next to an open database or after a crash."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_ENDS = ("-wal", "-shm", "-journal")


def sidecar_files(path: Path) -> list[Path]:
    """Return those that exist; SQLite replays them into any file at ``path``."""
    target = path.resolve()
    sides = [target.with_name(f"{target.name}{end}") for end in _ENDS]
    return [side for side in sides if side.exists()]


def is_taken(path: Path) -> bool:
    """Return whether a project, or sidecar files of one, exist at ``path``."""
    return path.exists() or bool(sidecar_files(path))


@contextmanager
def moved_sidecar_files(path: Path) -> Iterator[None]:
    """Move the sidecar files of ``path`` away; restore them if the block raises."""
    mark = secrets.token_hex(6)
    moved: list[tuple[Path, Path]] = []
    try:
        for n, side in enumerate(sidecar_files(path)):
            away = side.with_name(f".saving-{mark}-{n}")
            moved.append((side, side.rename(away)))
        yield
    except BaseException:
        for side, away in moved:
            with suppress(OSError):
                away.rename(side)
        raise
    for _, away in moved:
        with suppress(OSError):
            away.unlink()
