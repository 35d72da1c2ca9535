"""The model of a run on another computer, which is known by its weights."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from cellpose_studio.core.errors import ModelUnusable
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.paths import find_model_file, sha256_of


def model_here(model: ModelSpec) -> ModelSpec:
    """Return a model of another computer as it is on this one.

    A shipped one may be installed elsewhere, and one of Cellpose's be in another home.

    Raises
    ------
    ModelUnusable
        If it is missing, or has other weights.
    """
    for spec in shipped():
        if spec.sha256 == model.sha256:
            return spec
    path = model.path.absolute()
    if not path.is_file():
        path = find_model_file(path.name) or path
    if not path.is_file():
        raise ModelUnusable(f"The model file {path} is not there.")
    said = path.stat()
    if _sha256(path, said.st_size, said.st_mtime_ns) != model.sha256:
        raise ModelUnusable(f"The model file {path} has other weights there.")
    return model.model_copy(update={"path": path})


@cache
def _sha256(path: Path, size: int, changed: int) -> str:  # noqa: ARG001, the cache's key
    return sha256_of(path)
