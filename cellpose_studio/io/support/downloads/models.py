"""Cellpose's published models: which are installed, downloading, checking, removing.

The files have the names and folders that Cellpose gives them, so that what one of both
programs has downloaded serves the other.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import CannotSave, ModelUnusable
from cellpose_studio.core.models.published import (
    DATA_FILE,
    PublishedFile,
    PublishedModel,
    parse_published,
)
from cellpose_studio.io.atomic import replacing
from cellpose_studio.io.support.downloads.fetch import (
    Wanted,
    fetch,
    partial_path,
)
from cellpose_studio.io.support.downloads.hashes import record_hash, recorded_hashes
from cellpose_studio.paths import (
    can_write_in,
    find_model_file,
    model_folders,
    resource,
    sha256_of,
)

MIRROR = "CELLPOSE_STUDIO_MODELS_URL"
"""Variable with the address of a folder that has all files, to be asked instead."""

Verdict = Literal["as published", "as downloaded first", "changed", "recorded now"]


@dataclass(frozen=True, kw_only=True)
class CheckedFile:
    """A file, and whether it is the one that it should be."""

    name: str
    path: Path
    sha256: str
    verdict: Verdict


@cache
def published_models() -> tuple[PublishedModel, ...]:
    """Return all published models."""
    return parse_published(resource(DATA_FILE).read_text(encoding="utf-8"))


def published_model(name: str) -> PublishedModel:
    """Return a published model by its name.

    Raises
    ------
    ModelUnusable
        If there is none.
    """
    for model in published_models():
        if model.name == name:
            return model
    raise ModelUnusable(
        f"Cellpose has published no model {name}.",
        "cellpose-studio models --available lists them.",
    )


def installed(model: PublishedModel) -> Path | None:
    """Return the file that an installed model is opened by; None if it is not."""
    if any(find_model_file(file.name) is None for file in model.files):
        return None
    return find_model_file(model.weights_name)


def missing_files(model: PublishedModel) -> list[PublishedFile]:
    """Return the files of a model that a download would fetch."""
    return [file for file in model.downloads if find_model_file(file.name) is None]


def has_partial(model: PublishedModel) -> bool:
    """Return whether a download of a model was interrupted, and would go on."""
    return any(
        partial_path(folder / file.name).exists()
        for folder in model_folders()
        for file in model.downloads
    )


def source_of(file: PublishedFile) -> str:
    """Return the address that a file is downloaded from."""
    mirror = os.environ.get(MIRROR, "").rstrip("/")
    return f"{mirror}/{file.name}" if mirror else file.url


def download(
    model: PublishedModel, checkpoint: Checkpoint, timeout: float = 30.0
) -> Path:
    """Download what is missing of a model; return the file that it is opened by.

    Raises
    ------
    NoAnswer, CannotSave, Cancelled
        As `fetch`; files that are complete stay.
    """
    folder = _folder()
    for file in missing_files(model):
        recorded = recorded_hashes().get(file.name, "")
        wanted = Wanted(
            url=source_of(file),
            what=file.name,
            size=file.size,
            sha256=file.sha256 or recorded,
        )
        found = fetch(wanted, folder / file.name, checkpoint, timeout)
        if not wanted.sha256:
            record_hash(file.name, found)
    path = find_model_file(model.weights_name)
    return path or _write_average(model, folder / model.weights_name, checkpoint)


def check(model: PublishedModel, checkpoint: Checkpoint) -> list[CheckedFile]:
    """Compare the installed files of a model with their published or recorded hashes.

    Raises
    ------
    CannotSave
        If the hash of a file that has none cannot be recorded.
    """
    checked = []
    for file in model.downloads:
        path = find_model_file(file.name)
        if path is None:
            continue
        sha256 = sha256_of(path, checkpoint.check)
        recorded = recorded_hashes().get(file.name)
        verdict: Verdict
        if file.sha256:
            verdict = "as published" if sha256 == file.sha256 else "changed"
        elif recorded:
            verdict = "as downloaded first" if sha256 == recorded else "changed"
        else:
            verdict = "recorded now"
            record_hash(file.name, sha256)
        checked.append(
            CheckedFile(name=file.name, path=path, sha256=sha256, verdict=verdict)
        )
    return checked


def remove(model: PublishedModel) -> int:
    """Delete the files of a model, except those of other models; return the bytes.

    Raises
    ------
    CannotSave
        If a file cannot be deleted.
    """
    kept = {
        file.name
        for other in published_models()
        if other.name != model.name and installed(other)
        for file in other.downloads
    }
    names = [model.weights_name, *(file.name for file in model.downloads)]
    freed = 0
    for name in dict.fromkeys(names):
        path = find_model_file(name)
        if path is None or name in kept:
            continue
        size = path.stat().st_size
        try:
            path.unlink()
        except OSError as error:
            raise CannotSave(
                f"{path} cannot be deleted: {error.strerror or error}.",
                "It may be open in another program.",
            ) from error
        freed += size
    return freed


def _folder() -> Path:
    for folder in model_folders():
        if can_write_in(folder):
            return folder
    raise CannotSave(
        f"Models cannot be saved in {model_folders()[0]}: the folder is read-only.",
        "Set CELLPOSE_LOCAL_MODELS_PATH to another folder.",
    )


def _write_average(model: PublishedModel, path: Path, checkpoint: Checkpoint) -> Path:
    """Write the file that lists the networks of a model."""
    members = []
    for file in model.files:
        found = find_model_file(file.name)
        assert found is not None
        members.append(
            {"file": file.name, "sha256": sha256_of(found, checkpoint.check)}
        )
    content = {"average": members, "diam_mean": model.diam_mean}
    # The hash of this text identifies the model, so it must be the same everywhere.
    with replacing(path) as part:
        part.write_bytes(json.dumps(content, sort_keys=True).encode())
    return path
