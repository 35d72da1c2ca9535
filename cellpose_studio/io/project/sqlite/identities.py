"""The identity of a project in single pages of its database, without the rest."""

from __future__ import annotations

from cellpose_studio.io.project.identity import Identity
from cellpose_studio.io.project.sqlite.pages import Pages, Value

_TABLE, _INDEX = 0x0D, 0x0A
_COLUMNS = 5
_MOST_BYTES = 400


def identity_in(page: bytes) -> Identity | None:
    """Return the identity that a page holds; None for a page of anything else.

    Of a project of the first version, the page of settings is asked.
    """
    if not page or page[0] not in (_TABLE, _INDEX):
        return None
    if page[0] == _INDEX and b"commits" not in page and b"id" not in page:
        return None
    if page[0] == _TABLE and int.from_bytes(page[3:5], "big") != 1:
        return None
    rows = [row.values for row in Pages(page, len(page)).rows()]
    if page[0] == _INDEX:
        return _of_settings(rows)
    return _of_row(rows[0]) if rows else None


def _of_row(values: tuple[Value, ...]) -> Identity | None:
    # SQLite leaves the key out of the row: it is beside it.
    if len(values) != _COLUMNS or values[0] is not None:
        return None
    _, project, commits, mark, parent = values
    if (
        isinstance(project, str)
        and isinstance(commits, int)
        and isinstance(mark, str)
        and isinstance(parent, str)
        and len(project) + len(mark) + len(parent) < _MOST_BYTES
    ):
        return Identity(project, commits, mark, parent)
    return None


def _of_settings(rows: list[tuple[Value, ...]]) -> Identity | None:
    found = {row[0]: row[1] for row in rows if len(row) == 2}
    name, commits = found.get("id"), found.get("commits", "0")
    if isinstance(name, str) and isinstance(commits, str) and commits.isdecimal():
        return Identity(name, int(commits))
    return None
