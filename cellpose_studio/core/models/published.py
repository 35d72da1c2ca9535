"""The models that Cellpose has published, as the data file of them lists them.

``resources/published-models.json`` holds what is known of each: facts that nobody has
published, such as the hashes of most files, are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from cellpose_studio.core.models.architecture import ARCHITECTURES, ArchitectureInfo
from cellpose_studio.core.models.model import MODEL_DIAMETERS

DATA_FILE = "published-models.json"
"""Name of the data file among the resources."""

AVERAGE_SUFFIX = ".average.json"
"""End of the name of a file that lists networks whose mean is one model."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
SHA256 = r"^[0-9a-f]{64}$"
"""Pattern of a hash."""


def _plain_name(name: str) -> str:
    # It becomes the name of a file, which must not lead to another folder.
    if not _NAME.fullmatch(name):
        raise ValueError("is no plain file name")
    return name


FileName = Annotated[str, AfterValidator(_plain_name)]
"""A name without a folder."""


def _https(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.username:
        raise ValueError("is no address of HTTPS")
    return url


def _known(architecture: str) -> str:
    if architecture not in ARCHITECTURES:
        raise ValueError(f"is none of {', '.join(ARCHITECTURES)}")
    return architecture


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PublishedFile(_Value):
    """One file of a model on the web."""

    name: FileName = Field(description="in Cellpose's folder of models")
    url: Annotated[str, AfterValidator(_https)]
    size: int | None = Field(None, gt=0, description="bytes; None: not published")
    sha256: str = Field("", pattern=f"{SHA256}|^$", description='"": not published')
    sha256_from: str = Field("", description="who published the hash")


def total_size(files: Iterable[PublishedFile]) -> int | None:
    """Return the size of files, bytes; None if that of one is not published."""
    sizes = [file.size for file in files]
    return None if None in sizes else sum(filter(None, sizes))


class PublishedModel(_Value):
    """A model that Cellpose has published, installed here or not."""

    name: FileName
    title: str = Field(min_length=1)
    generation: Literal["1", "2", "3", "4"] = Field(description="of Cellpose")
    kind: Literal["segmentation", "restoration"]
    architecture: Annotated[str, AfterValidator(_known)]
    input_channels: int = Field(ge=1, le=3)
    diam_mean: float = Field(ge=MODEL_DIAMETERS[0], le=MODEL_DIAMETERS[1])
    purpose: str = Field(min_length=1, description="one or two sentences")
    paper: Literal["1", "2", "3", "sam"] = Field(description="key of `PAPERS`")
    licence: str = Field(min_length=1, description="what is published of it")
    non_commercial: bool
    files: tuple[PublishedFile, ...] = Field(
        min_length=1, description="weights; of several networks, the mean is taken"
    )
    size_model: PublishedFile | None = None
    refused: str = Field(
        "", description="why it does not run here, the end of a sentence; else empty"
    )

    @property
    def architecture_info(self) -> ArchitectureInfo:
        """What is known of its architecture."""
        return ARCHITECTURES[self.architecture]

    @property
    def downloads(self) -> tuple[PublishedFile, ...]:
        """All of its files, the weights first."""
        return (*self.files, *([self.size_model] if self.size_model else []))

    @property
    def size(self) -> int | None:
        """Size of the weights, bytes; None if that of a file is not published."""
        return total_size(self.files)

    @property
    def runs_here(self) -> bool:
        """Whether it can be used for segmentation once it is installed."""
        return not self.refused and self.kind == "segmentation"

    @property
    def weights_name(self) -> str:
        """Name of the file that it is opened by."""
        if len(self.files) > 1:
            return f"{self.name}{AVERAGE_SUFFIX}"
        return self.files[0].name


class _DataFile(_Value):
    models: tuple[PublishedModel, ...]


def parse_published(text: str) -> tuple[PublishedModel, ...]:
    """Return the models that the text of a data file lists.

    Raises
    ------
    ValueError
        If the text is no such file.
    """
    return _DataFile.model_validate_json(text).models
