"""The state of a run in blocks on disk, as Zarr, so that it can be resumed."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.errors import CannotSave
from cellpose_studio.io.atomic import cannot_save, replacing
from cellpose_studio.io.cache.block_owner import Ownership, owner_of
from cellpose_studio.io.temporary import remove_leftovers, temporary_name

T = TypeVar("T")
Array = npt.NDArray[Any]
Box = tuple[slice, ...]

_CHUNK = 512
_STATE = "state.json"
_ABANDONED = 7 * 24 * 3600.0
"""Seconds after which the state of a run that was stopped is not resumed any more."""


class BlockFolder:
    """A folder with the arrays of blocks, each key with a folder of its own.

    What a key has is written beside it, and moved to its place when it is complete.
    Several processes, on several computers, may write the same key: the first stays.

    Attributes
    ----------
    path
        The folder.
    token
        What its owner is known by.
    patience
        Seconds to wait for what another computer has written: network drives remember
        for a while that there was nothing.
    """

    def __init__(self, folder: Path, token: str = "", patience: float = 0.0) -> None:
        self.path = folder
        self.token = token
        self._folder = folder
        self.patience = patience
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
        part = self._folder / temporary_name("saving")
        try:
            part.mkdir()
            for name, array in arrays.items():
                _write(part / name, array)
            (part / _STATE).write_text(json.dumps(facts), "utf-8")
            _move(part, target)
        except OSError as error:
            raise _full(self._folder, error) from error
        finally:
            shutil.rmtree(part, ignore_errors=True)
        self._facts[key] = facts

    def facts(self, key: str) -> dict[str, Any]:
        """Return the facts of a key."""
        if key not in self._facts:
            file = self._folder / key / _STATE
            text = self._patiently(lambda: file.read_text("utf-8"))
            self._facts[key] = dict(json.loads(text))
        return self._facts[key]

    def read(self, key: str, name: str, box: Box | None = None) -> Array:
        """Return an array of a key, or a box of it."""
        import zarr

        path = self._folder / key / name
        array = self._patiently(lambda: zarr.open_array(path, mode="r"))
        return np.asarray(array[... if box is None else box])

    def put_bytes(self, name: str, content: bytes) -> None:
        """Store a file; raises `CannotSave`."""
        with replacing(self._folder / name) as part:
            part.write_bytes(content)

    def read_bytes(self, name: str) -> bytes:
        """Return the content of a file."""
        return self._patiently((self._folder / name).read_bytes)

    def _patiently(self, read: Callable[[], T]) -> T:
        ends = time.monotonic() + self.patience
        while True:
            try:
                return read()
            except FileNotFoundError:
                if time.monotonic() > ends:
                    raise
                # Listing a folder makes a network drive look again.
                with suppress(OSError):
                    os.listdir(self._folder)  # noqa: PTH208
                time.sleep(0.2)


def _move(part: Path, target: Path) -> None:
    """Move a complete folder to its place; one that is there already is as good."""
    try:
        part.replace(target)
    except OSError:
        if not (target / _STATE).is_file():
            raise


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
def block_folder(
    parent: Path, key: str, take_over: bool = False
) -> Iterator[tuple[BlockFolder, bool]]:
    """Yield the store of a run, and whether it has blocks of one that was stopped.

    The folder is removed after the block. If that raises, or the process is killed, the
    same key yields it again. Another process of this computer that has it at the same
    time gets one of its own. What nobody has come back to for a week is removed.

    Parameters
    ----------
    take_over
        Whether to take the blocks of a run on another computer that may still go on.

    Raises
    ------
    CannotSave
        If it cannot be created, or another computer has it.
    """
    folder = parent / key
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(parent)
        owner = owner_of(folder)
        if owner and owner.is_here:
            folder = parent / f"{key}-{os.getpid()}-{secrets.token_hex(4)}"
        elif owner and not take_over:
            raise CannotSave(
                f"The same run goes on on the computer {owner.computer}, or was "
                "stopped there less than five minutes ago.",
                "Start it again later.",
                "Start it again later; --take-over takes its blocks over at once.",
            )
        remove_leftovers(folder)
        resumed = has_blocks(folder)
        folder.mkdir(exist_ok=True)
        ours = Ownership(folder)
    except OSError as error:
        raise _full(folder, error) from error
    try:
        yield BlockFolder(folder, ours.token), resumed
        if not ours.is_lost:
            _remove(folder)
    finally:
        ours.leave()
        # One in which nothing was kept, since the disk is too full, say.
        with suppress(OSError):
            folder.rmdir()


def has_blocks(folder: Path) -> bool:
    """Return whether the folder of a run has what is complete of it."""
    return any(folder.glob(f"*/{_STATE}"))


def _remove(folder: Path) -> None:
    """Remove the state of a run; if that is stopped, the rest of it is no state."""
    gone = folder.with_name(temporary_name("saving"))
    with suppress(OSError):
        folder.rename(gone)
        folder = gone
    shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned(parent: Path) -> None:
    remove_leftovers(parent)
    for folder in parent.iterdir():
        with suppress(OSError):
            old = folder.stat().st_mtime < time.time() - _ABANDONED
            if old and owner_of(folder) is None:
                shutil.rmtree(folder, ignore_errors=True)
