"""The files that SQLite keeps beside a database while it is open, or after a crash."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_ENDS = ("-wal", "-shm", "-journal")


def files_beside(path: Path) -> list[Path]:
    """Return those that are there: SQLite puts them into whatever lies at ``path``."""
    target = path.resolve()
    sides = [target.with_name(f"{target.name}{end}") for end in _ENDS]
    return [side for side in sides if side.exists()]


def is_taken(path: Path) -> bool:
    """Return whether a project is at ``path``, or what a crash left of one."""
    return path.exists() or bool(files_beside(path))


@contextmanager
def set_aside(path: Path) -> Iterator[None]:
    """Take the files beside ``path`` away; bring them back if the block raises."""
    mark = secrets.token_hex(6)
    moved: list[tuple[Path, Path]] = []
    try:
        for n, side in enumerate(files_beside(path)):
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
