"""The state of a run in blocks on disk, as Zarr, so that it can be resumed."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.errors import CannotSave
from cellpose_studio.io.atomic import cannot_save
from cellpose_studio.io.processes import host_name, is_running, start_time

Array = npt.NDArray[Any]
Box = tuple[slice, ...]

_CHUNK = 512
_OWNER = "owner.json"
_STATE = "state.json"
_ABANDONED = 7 * 24 * 3600.0
"""Seconds after which the state of a run that was stopped is not resumed any more."""


class BlockFolder:
    """A folder with the arrays of blocks, each key with a folder of its own.

    What a key has is written beside it, and moved to its place when it is complete.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._facts: dict[str, dict[str, Any]] = {}

    def has(self, key: str) -> bool:
        """Return whether a key is complete."""
        return key in self._facts or (self._folder / key / _STATE).is_file()

    def put(self, key: str, arrays: Mapping[str, Array], facts: dict[str, Any]) -> None:
        """Store arrays, and facts that JSON can hold.

        Raises
        ------
        CannotSave
            If the disk is full, say. Nothing of it is there then.
        """
        target = self._folder / key
        part = self._folder / f".{key}-{secrets.token_hex(4)}"
        try:
            part.mkdir()
            for name, array in arrays.items():
                _write(part / name, array)
            (part / _STATE).write_text(json.dumps(facts), "utf-8")
            part.replace(target)
        except OSError as error:
            raise _full(self._folder, error) from error
        finally:
            shutil.rmtree(part, ignore_errors=True)
        self._facts[key] = facts

    def facts(self, key: str) -> dict[str, Any]:
        """Return the facts of a key."""
        if key not in self._facts:
            text = (self._folder / key / _STATE).read_text("utf-8")
            self._facts[key] = dict(json.loads(text))
        return self._facts[key]

    def read(self, key: str, name: str, box: Box | None = None) -> Array:
        """Return an array of a key, or a box of it."""
        import zarr

        array = zarr.open_array(self._folder / key / name, mode="r")
        return np.asarray(array[... if box is None else box])


def _write(folder: Path, array: Array) -> None:
    import zarr
    from zarr.codecs import BloscCodec

    chunks = tuple(min(_CHUNK, max(1, length)) for length in array.shape)
    stored: Any = zarr.create_array(
        folder,
        shape=array.shape,
        dtype=array.dtype,
        chunks=chunks,
        # Flows are noisy: what compresses them better takes much longer.
        compressors=BloscCodec(cname="lz4", clevel=1, shuffle="shuffle"),
    )
    if array.size:
        stored[...] = array


def _full(folder: Path, error: OSError) -> CannotSave:
    """Return the error for a store that cannot be written to."""
    failed = cannot_save(folder, error)
    return CannotSave(
        f"The run cannot go on, as its state in {folder.parent} could not be saved: "
        f"{error.strerror or error}.",
        f"{failed.hint} Start it again, and it goes on with the next block.".strip(),
    )


@contextmanager
def block_folder(parent: Path, key: str) -> Iterator[tuple[BlockFolder, bool]]:
    """Yield the store of a run, and whether it has blocks of one that was stopped.

    The folder is removed after the block. If that raises, or the process is killed, the
    same key yields it again. Another process that has it at the same time gets one of
    its own. What nobody has come back to for a week is removed.

    Raises
    ------
    CannotSave
        If it cannot be created.
    """
    folder = parent / key
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(parent)
        if _is_owned(folder):
            folder = parent / f"{key}-{os.getpid()}-{secrets.token_hex(4)}"
        resumed = any(folder.glob(f"*/{_STATE}"))
        folder.mkdir(exist_ok=True)
        for left in folder.glob(".*"):
            shutil.rmtree(left, ignore_errors=True)
        owner = {
            "host": host_name(),
            "process": os.getpid(),
            "start": start_time(),
        }
        (folder / _OWNER).write_text(json.dumps(owner), "utf-8")
    except OSError as error:
        raise _full(folder, error) from error
    try:
        yield BlockFolder(folder), resumed
    except BaseException:
        with suppress(OSError):
            (folder / _OWNER).unlink()
        raise
    shutil.rmtree(folder, ignore_errors=True)


def _is_owned(folder: Path) -> bool:
    """Return whether a process that runs has a folder."""
    try:
        owner = json.loads((folder / _OWNER).read_text("utf-8"))
        if owner["host"] != host_name():
            return True
        return is_running(int(owner["process"]), int(owner["start"]))
    # Without a complete file, nobody has begun.
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _remove_abandoned(parent: Path) -> None:
    for folder in parent.iterdir():
        with suppress(OSError):
            old = folder.stat().st_mtime < time.time() - _ABANDONED
            if old and not _is_owned(folder):
                shutil.rmtree(folder, ignore_errors=True)
