"""The folders that the application keeps for the user: what they hold, their room."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.paths import (
    cache_dir,
    config_dir,
    data_dir,
    files_in,
    log_dir,
    model_folders,
    resource,
)

FLOWS = "Cache of flows"
THUMBNAILS = "Cache of thumbnails"


@dataclass(frozen=True, kw_only=True)
class Storage:
    """One folder.

    Attributes
    ----------
    title, holds
        Its name for the user, and a sentence about its content.
    path
        The folder, which may not exist.
    ending
        What the names of files and folders end in that can be made again; "" where
        nothing can.
    afterwards
        What is computed again after these files were removed, a sentence.
    """

    title: str
    holds: str
    path: Path
    ending: str = ""
    afterwards: str = ""


@dataclass(frozen=True)
class Cleared:
    """What was removed: files, bytes; and files that could not be."""

    files: int = 0
    size: int = 0
    kept: int = 0


def storages() -> list[Storage]:
    """Return all folders, those with the user's work first."""
    data, cache = data_dir(), cache_dir()
    return [
        Storage(
            title="Projects without a name",
            holds="Your work that was not saved under a name (Ctrl+S).",
            path=data / "projects",
        ),
        Storage(
            title="Settings",
            holds="Settings, keys, recent files and presets.",
            path=config_dir(),
        ),
        Storage(
            title="Logs",
            holds="What went wrong; to be sent with a question.",
            path=log_dir(),
        ),
        Storage(
            title="Sample image",
            holds="The image of File > Open the sample.",
            path=data / "sample",
        ),
        Storage(
            title="Models",
            holds="The models that come with the application. Model files that you "
            "added stay in your own folders.",
            path=resource("models"),
        ),
        Storage(
            title="Models of Cellpose",
            holds="What this application or Cellpose has downloaded. Models… in the "
            "Segment tab deletes them.",
            path=model_folders()[0],
        ),
        Storage(
            title=FLOWS,
            holds="What the networks computed, for the thresholds of earlier runs.",
            path=cache / "flows",
            ending=".flows",
            afterwards="The thresholds of earlier runs need a new run of the model.",
        ),
        Storage(
            title=THUMBNAILS,
            holds="The small pictures in the list of images.",
            path=cache / "thumbnails",
            ending=".png",
            afterwards="Thumbnails are drawn again when they are shown.",
        ),
        Storage(
            title="Decoded images",
            holds="Compressed images that are open. Removed when they are closed.",
            path=cache / "decoded",
        ),
        Storage(
            title="Copies of large images",
            holds="Coarser copies, by which large images are shown.",
            path=cache / "pyramids",
            ending=".zarr",
            afterwards="Large images are read again when they are shown.",
        ),
        Storage(
            title="Masks of large images",
            holds="Masks that are open and too large for the memory. Removed when they "
            "are closed.",
            path=cache / "masks",
        ),
        Storage(
            title="Runs in blocks",
            holds="The state of runs on large images, until they end. One that was "
            "stopped goes on with it; after a week it is removed.",
            path=cache / "blocks",
        ),
        Storage(
            title="Networks for OpenVINO",
            holds="What OpenVINO made of networks, so that they start at once.",
            path=cache / "openvino",
            ending=".zip",
            afterwards="Networks are converted again when OpenVINO runs them.",
        ),
        Storage(
            title="Compiled code",
            holds="What was compiled at the first start, so that later ones are quick.",
            path=cache / "compiled",
        ),
    ]


def storage_named(title: str) -> Storage:
    """Return the folder of a title."""
    return next(one for one in storages() if one.title == title)


def size_of(storage: Storage, checkpoint: Checkpoint | None = None) -> int:
    """Return the bytes of all files in a folder, 0 if it does not exist.

    Links are not followed, and what cannot be read is not counted.
    """
    check = (checkpoint or Checkpoint()).check
    return sum(status.st_size for _, status in files_in(storage.path, check))


def clear(storage: Storage, checkpoint: Checkpoint | None = None) -> Cleared:
    """Remove the files of a folder that can be made again, and no others.

    Raises
    ------
    ValueError
        If it has none, or does not lie in the cache.
    """
    if not storage.ending or cache_dir() not in storage.path.parents:
        raise ValueError(f"{storage.title} is no cache")
    files, size, kept = 0, 0, 0
    check = (checkpoint or Checkpoint()).check
    for path, status in files_in(storage.path, check):
        first = path.relative_to(storage.path).parts[0]
        ours = any(name.endswith(storage.ending) for name in (first, path.name))
        # A dot marks a temporary file, to which another process may be writing.
        if not ours or path.name.startswith("."):
            continue
        try:
            path.unlink()
        # Windows keeps a file that is being read.
        except OSError:
            kept += 1
        else:
            files, size = files + 1, size + status.st_size
    _remove_empty_folders(storage)
    return Cleared(files, size, kept)


def _remove_empty_folders(storage: Storage) -> None:
    """Remove what is left of folders whose files were removed."""
    for folder in storage.path.glob(f"*{storage.ending}"):
        inner = [Path(where) for where, _, _ in os.walk(folder, topdown=False)]
        for each in inner:
            # One with a file stays.
            with suppress(OSError):
                each.rmdir()


def room_text(size: int) -> str:
    """Return a number of bytes for the user: "1.2 GB"."""
    for power, unit in ((3, "GB"), (2, "MB"), (1, "KB")):
        if size >= 1000**power:
            return f"{size / 1000**power:.1f} {unit}"
    return f"{size} bytes"
