"""The hashes of downloaded files for which nobody has published one.

That of the first download is recorded, and every later one has to be the same.
"""

from __future__ import annotations

import json
from pathlib import Path

from filelock import FileLock

from cellpose_studio.io.atomic import cannot_save, replacing
from cellpose_studio.paths import data_dir


def recorded_hashes() -> dict[str, str]:
    """Return the SHA-256 by the name of the file; none if the record is damaged."""
    try:
        content = json.loads(_file().read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {str(name): str(value) for name, value in content.items()}


def record_hash(name: str, sha256: str) -> None:
    """Record the SHA-256 of a file, unless one is recorded already.

    Raises
    ------
    CannotSave
    """
    file = _file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_name(f".{file.name}.lock")):
            known = recorded_hashes()
            if name in known:
                return
            with replacing(file) as part:
                text = json.dumps({**known, name: sha256}, indent=1, sort_keys=True)
                part.write_text(text, encoding="utf-8")
    except OSError as error:
        raise cannot_save(file, error) from error


def _file() -> Path:
    return data_dir() / "models" / "sha256.json"
