"""The JSON files that list weight files whose networks are averaged.

Such a file lists them by name, without folders, and with their hashes, so that it is
the same on every computer, and its own hash identifies all of the weights.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from cellpose_studio.core.errors import ModelUnusable
from cellpose_studio.core.models.model import MODEL_DIAMETERS
from cellpose_studio.core.models.published import AVERAGE_SUFFIX, SHA256, FileName
from cellpose_studio.paths import find_model_file

_MOST_BYTES = 1 << 16


class Member(BaseModel):
    """One of the weight files."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: FileName
    sha256: str = Field(pattern=SHA256)


class AverageFile(BaseModel):
    """The content of such a file."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    average: tuple[Member, ...] = Field(min_length=2, max_length=16)
    diam_mean: float = Field(ge=MODEL_DIAMETERS[0], le=MODEL_DIAMETERS[1])


def is_average_file(path: Path) -> bool:
    """Return whether a file is one of these, by its name."""
    return path.name.endswith(AVERAGE_SUFFIX)


def read_average_file(path: Path) -> AverageFile:
    """Read such a file.

    Raises
    ------
    ModelUnusable
        If it cannot be read.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError
        return AverageFile.model_validate_json(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ModelUnusable(
            f"{path.name} is damaged, or lists no weight files.",
            "Download the model again.",
        ) from error


def member_files(path: Path) -> list[Path]:
    """Return the weight files of a model: those that ``path`` lists, or itself.

    They lie beside it, or in a folder of Cellpose's models.

    Raises
    ------
    ModelUnusable
        If one is missing.
    """
    if not is_average_file(path):
        return [path]
    found = []
    for member in read_average_file(path).average:
        beside = path.with_name(member.file)
        file = beside if beside.is_file() else find_model_file(member.file)
        if file is None:
            raise ModelUnusable(
                f"{member.file}, one of the networks of {path.name}, is missing.",
                "Download the model again.",
            )
        found.append(file)
    return found
