"""Sidecar files, which SQLite keeps next to an open database or after a crash."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from cellpose_studio.paths import real_path

_ENDS = ("-wal", "-shm", "-journal")


def sidecar_files(path: Path) -> list[Path]:
    """Return those that exist; SQLite replays them into any file at ``path``."""
    target = real_path(path)
    sides = [target.with_name(f"{target.name}{end}") for end in _ENDS]
    return [side for side in sides if side.exists()]


def is_taken(path: Path) -> bool:
    """Return whether a project, or sidecar files of one, exist at ``path``."""
    return path.exists() or bool(sidecar_files(path))


def free_name(path: Path, what: str) -> Path:
    """Return a name beside ``path`` that no file has, with ``what`` and the time."""
    stem = f"{path.stem} {what} {datetime.now():%Y-%m-%d %H.%M.%S}"
    number, free = 1, path.with_name(f"{stem}{path.suffix}")
    while is_taken(free):
        number += 1
        free = path.with_name(f"{stem} {number}{path.suffix}")
    return free


@contextmanager
def moved_sidecar_files(path: Path) -> Iterator[None]:
    """Move the sidecar files of ``path`` away; restore them if the block raises."""
    free = free_name(real_path(path), "set aside")
    moved: list[tuple[Path, Path]] = []
    try:
        for side in sidecar_files(path):
            away = free.with_name(f"{free.name}-{side.name.rpartition('-')[2]}")
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
