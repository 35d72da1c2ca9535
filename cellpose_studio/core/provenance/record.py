"""The record of a run: everything that determines its result."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from cellpose_studio.core.provenance.search_record import SearchRecord
from cellpose_studio.core.runs.parameters import SegmentationParameters

Outcome = Literal["finished", "failed", "cancelled"]


class ImageRecord(BaseModel):
    """The image that a run used."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    path: str
    scene: str
    axes: str = Field(description="in the order of the file, one letter each")
    shape: tuple[int, int, int, int, int] = Field(description="TCZYX")
    dtype: str
    channel_names: tuple[str, ...] = Field(
        (), description="as the image has them; empty in records of earlier versions"
    )
    pixel_size_um: tuple[float | None, float | None, float | None] = Field(
        description="Z, Y, X"
    )
    fingerprint: str = Field(description="of the size and the ends of the file")
    pixels_sha256: str = Field(
        "", description="of all pixels, TCZYX, C order, little-endian; empty: not read"
    )


class ModelRecord(BaseModel):
    """The model that a run used."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    path: str
    sha256: str
    architecture: str
    generation: str = Field(description="of Cellpose: 1-3 or 4")
    diam_mean: float
    source: str


class BlocksRecord(BaseModel):
    """How an image that was run in blocks was cut."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    side: tuple[int, int, int] = Field(description="of a block at most, Z, Y, X, px")
    overlap: int = Field(description="pixels around a block that were read as well")
    count: int
    skipped: int = Field(
        description="showed nothing at a coarse look, and were not run"
    )
    tiles: int = Field(description="of the network, in all blocks")
    skipped_tiles: int


class RunRecord(BaseModel):
    """Provenance of masks; also of runs that failed or were cancelled."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: ImageRecord
    model: ModelRecord
    parameters: SegmentationParameters = Field(
        description="with everything filled in that was automatic, if it finished"
    )
    automatic: tuple[str, ...] | None = Field(
        None,
        description="parameters that were found for this image, not set by the user; "
        "None: unknown, in records of earlier versions",
    )
    measured_diameter: float | None = Field(
        None, description="on the image, px; None: it was not measured"
    )
    device: str = Field("", description='torch\'s name: "cpu", "cuda:0"')
    device_title: str = ""
    precision: str = ""
    threads: int | None = Field(None, description="of the processor")
    engine: str = Field(
        "",
        description='how the threads of the processor ran tiles: "whole-tiles", each '
        'its own, by torch or by "openvino", or "shared-tiles", or "fused-attention", '
        "shared as well; empty: shared, in records of earlier versions, or on a GPU",
    )
    tile_size: int | None = Field(None, description="of the network, px")
    steps: int | None = Field(
        None,
        description="for which pixels followed the flows, or fewer where they came to "
        "rest before; None: unknown, in records of earlier versions",
    )
    steps_needed: int | None = Field(
        None,
        description="after how many of them the last pixel was at rest, within 1.5 px "
        "of where it stayed: at most a quarter too many on the processor, 100 on a "
        "GPU; as many as ``steps``: one was not at rest by then; None: unknown, in "
        "records of earlier versions",
    )
    blocks: BlocksRecord | None = Field(
        None, description="None: the image was run as a whole"
    )
    versions: dict[str, str] = Field(default_factory=dict)
    platform: str = ""
    started: datetime
    seconds: float
    outcome: Outcome
    message: str = Field("", description="why it failed")
    notes: tuple[str, ...] = ()
    cells: int | None = None
    search: SearchRecord | None = Field(
        None, description="how its parameters were found, if by a search"
    )
    masks_sha256: str = Field(
        "", description="of the masks, uint32, C order, little-endian"
    )

    @property
    def engine_used(self) -> str:
        """``engine``, of runs of earlier versions as well; empty on a GPU."""
        if self.device != "cpu":
            return ""
        return self.engine or "shared-tiles"

    @property
    def set_diameter(self) -> float | None:
        """The diameter that the user set, px; None if it was measured."""
        is_measured = "diameter" in (self.automatic or ())
        return None if is_measured else self.parameters.diameter
