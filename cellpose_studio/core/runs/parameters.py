"""The parameters of a segmentation, under Cellpose's own names and defaults.

The panel and the command line show titles, descriptions, limits and groups, so they
are written for a biologist.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from cellpose_studio.core.runs.preparation.steps import Steps
from cellpose_studio.core.runs.region import Region

Postprocessing = Literal["automatic", "clean", "cellpose"]

GREY = 0
"""In ``channels``: the mean of all channels."""

THRESHOLDS = ("flow_threshold", "cellprob_threshold", "min_size")
"""Parameters that can be changed without a new run of the network."""


def _form_hints(group: str, **more: Any) -> dict[str, Any]:
    """Return the hints for the form: where and how it shows a field."""
    return {"group": group, **more}


class Normalization(BaseModel):
    """Scaling of intensities for the network."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    normalize: bool = Field(
        True,
        title="Normalise",
        description="Scale each channel by its own darkest and brightest pixels. Turn "
        "it off only for images that are scaled already.",
        json_schema_extra=_form_hints("normalisation"),
    )
    percentile: tuple[float, float] = Field(
        (1.0, 99.0),
        title="Percentiles",
        description="Intensities that become 0 and 1. Raise the second for images "
        "with few bright pixels; lower it for images with a few far too bright ones.",
        json_schema_extra=_form_hints("normalisation", limits=(0.0, 100.0)),
    )
    tile_norm_blocksize: int = Field(
        0,
        ge=0,
        le=4096,
        title="Tile size",
        description="Normalise in tiles of this size, for uneven light; about 100 "
        "pixels, several cells wide. 0 normalises the whole image at once.",
        json_schema_extra=_form_hints("normalisation", unit="px"),
    )
    tile_norm_smooth3D: float = Field(
        1.0,
        ge=0,
        le=100,
        title="Smooth tiles over planes",
        description="Planes over which the tiles' brightness is smoothed.",
        json_schema_extra=_form_hints("normalisation"),
    )
    norm3D: bool = Field(
        True,
        title="Whole stack at once",
        description="Scale all planes of a stack together. Turn it off when the "
        "brightness changes a lot with depth. Planes run as 3D always go together.",
        json_schema_extra=_form_hints("normalisation"),
    )
    sharpen_radius: float = Field(
        0.0,
        ge=0,
        le=100,
        title="Sharpen",
        description="Radius of a high-pass filter; a quarter to an eighth of the "
        "diameter. 0 is off.",
        json_schema_extra=_form_hints("normalisation", unit="px"),
    )
    smooth_radius: float = Field(
        0.0,
        ge=0,
        le=100,
        title="Smooth",
        description="Radius of a Gaussian filter, for noisy images. 0 is off.",
        json_schema_extra=_form_hints("normalisation", unit="px"),
    )
    invert: bool = Field(
        False,
        title="Invert",
        description="Swap dark and bright, for dark cells on a bright ground if the "
        "model knows bright ones.",
        json_schema_extra=_form_hints("normalisation"),
    )

    @model_validator(mode="after")
    def _sensible(self) -> Normalization:
        low, high = self.percentile
        if not 0 <= low < high <= 100:
            raise ValueError("percentiles must rise, between 0 and 100")
        if self.invert and not self.normalize:
            raise ValueError("only normalised images can be inverted")
        return self


class SegmentationParameters(BaseModel):
    """Everything that changes a segmentation, beside the image and the model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: tuple[Annotated[int, Field(ge=0)] | None, ...] = Field(
        (),
        title="Channels",
        description="Which channel of the image each input of the network sees: 1 is "
        "the first, 0 the mean of all, None nothing. Empty chooses by the image. Those "
        "that steps of the preparation add follow the last one of the image.",
        json_schema_extra=_form_hints("channels"),
    )
    preparation: Steps = Field(
        (),
        title="Prepare input",
        description="What is done with the pixels before the network sees them, step "
        "by step.",
        json_schema_extra=_form_hints("preparation"),
    )
    diameter: float | None = Field(
        None,
        gt=0,
        le=5000,
        title="Diameter",
        description="Width of a typical cell. Larger finds larger cells, and is "
        "faster. Automatic measures it on the image.",
        json_schema_extra=_form_hints("main", unit="px", automatic=30.0),
    )
    flow_threshold: float = Field(
        0.4,
        ge=0,
        le=3,
        title="Flow threshold",
        description="How badly a cell may fit its flows. Raise it when cells are "
        "missing, lower it when shapes are wrong. 0 keeps all.",
        json_schema_extra=_form_hints("result", step=0.05),
    )
    cellprob_threshold: float = Field(
        0.0,
        ge=-6,
        le=6,
        title="Cell probability",
        description="Pixels above this belong to cells. Lower it for more and larger "
        "cells, raise it when there are cells in dim background.",
        json_schema_extra=_form_hints("result", step=0.1),
    )
    min_size: int = Field(
        15,
        # Cellpose takes -1 as no limit.
        ge=-1,
        le=100_000,
        title="Smallest cell",
        description="Cells with fewer pixels are left out. 0 keeps all.",
        json_schema_extra=_form_hints("result", unit="px", slider=500),
    )
    do_3D: bool = Field(
        False,
        title="Run as 3D",
        description="Look at a stack from three sides and make cells of three "
        "dimensions. Slower than planes, better for cells over many planes.",
        json_schema_extra=_form_hints("stack"),
    )
    stitch_threshold: float = Field(
        0.0,
        ge=0,
        le=1,
        title="Join planes",
        description="Overlap (IoU) at which cells of neighbouring planes become one. "
        "0 leaves each plane on its own. Not used in 3D.",
        json_schema_extra=_form_hints("stack", step=0.05),
    )
    anisotropy: float | None = Field(
        None,
        gt=0,
        le=100,
        title="Anisotropy",
        description="Distance of planes over pixel size. Automatic takes it from the "
        "image's metadata, or 1.",
        json_schema_extra=_form_hints("stack", automatic=1.0),
    )
    flow3D_smooth: float = Field(
        0.0,
        ge=0,
        le=50,
        title="Smooth 3D flows",
        description="Width of a Gaussian over the flows, against cells that fall "
        "apart. 0 is off; where cells are cleaned, an eighth of the diameter.",
        json_schema_extra=_form_hints("stack", unit="px"),
    )
    region: Region | None = Field(
        None,
        title="Region",
        description="The rectangle or polygon that the run is limited to. Only cells "
        "of which at least half lies in it are taken.",
        json_schema_extra=_form_hints("region"),
    )
    normalization: Normalization = Field(
        default=Normalization(), json_schema_extra=_form_hints("normalisation")
    )
    resample: bool = Field(
        True,
        title="Full resolution",
        description="Make masks at the size of the image rather than that of the "
        "network: smoother outlines, more time.",
        json_schema_extra=_form_hints("advanced"),
    )
    postprocessing: Postprocessing = Field(
        # A record without it is of a version that did as Cellpose does.
        "cellpose",
        title="Finish cells",
        description="Clean follows pixels until they come to rest, keeps the largest "
        "part of a cell that falls apart, and leaves out what the network is unsure "
        "of, as on a background without cells. Exactly Cellpose does none of it. "
        "Automatic cleans the cells of the models that ship.",
        json_schema_extra=_form_hints(
            "advanced",
            initial="automatic",
            choices={
                "automatic": "Automatic",
                "clean": "Clean",
                "cellpose": "Exactly Cellpose",
            },
        ),
    )
    niter: int | None = Field(
        None,
        ge=1,
        le=100_000,
        title="Steps",
        description="How far pixels follow the flows. Automatic grows with the "
        "diameter, and is ten times as far where cells are cleaned; raise it for "
        "long, thin cells.",
        json_schema_extra=_form_hints("advanced", automatic=200),
    )
    max_size_fraction: float = Field(
        0.4,
        gt=0,
        le=1,
        title="Largest cell",
        description="Cells that cover more than this part of the image are left out.",
        json_schema_extra=_form_hints("advanced", step=0.05),
    )
    exclude_on_edges: bool = Field(
        False,
        title="Leave out cells at the border",
        description="Leave out cells that touch the border of the image; of a volume, "
        "the first and the last plane too.",
        json_schema_extra=_form_hints("advanced"),
    )
    augment: bool = Field(
        False,
        title="Average flipped tiles",
        description="Run overlapping, flipped tiles and average them: a little "
        "better, four times slower.",
        json_schema_extra=_form_hints("advanced"),
    )
    tile_overlap: float = Field(
        0.1,
        # Cellpose clips the overlap to this range.
        ge=0.05,
        le=0.5,
        title="Tile overlap",
        description="Part of a tile that its neighbour covers too.",
        json_schema_extra=_form_hints("advanced", step=0.05),
    )
    batch_size: int = Field(
        8,
        ge=1,
        le=256,
        title="Tiles at once",
        description="How many tiles the network sees together. Lower it when memory "
        "is short; the result is the same.",
        json_schema_extra=_form_hints("advanced"),
    )

    @model_serializer(mode="wrap")
    def _as_before(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values: dict[str, Any] = handler(self)
        # Records without steps stay what they were before there were any.
        if not self.preparation:
            values.pop("preparation", None)
        if self.postprocessing == "cellpose":
            values.pop("postprocessing", None)
        return values

    @property
    def cleans(self) -> bool:
        """Whether cells are cleaned; "automatic" is none of a run yet."""
        return self.postprocessing == "clean"

    @property
    def doubts(self) -> bool:
        """Whether cells of a plane go if the network is sure of hardly any.

        Who chooses a region has seen that there are cells. In stacks, whose planes may
        be noisy or out of focus, a network is less sure of right cells as well.
        """
        planes = not self.do_3D and not self.stitch_threshold
        return self.cleans and self.region is None and planes

    def automatic_again(self, names: Iterable[str]) -> SegmentationParameters:
        """Return the same with the parameters of ``names`` left to the run."""
        left: dict[str, Any] = {"channels": (), "postprocessing": "automatic"}
        return self.model_copy(update={name: left.get(name) for name in names})

    @property
    def cellprob_used(self) -> float:
        """The threshold of the cell probability, as a run for one cell lowered it."""
        found = self.region.cellprob if self.region else None
        threshold = self.cellprob_threshold
        return threshold if found is None else min(threshold, found)

    def without_region(self) -> SegmentationParameters:
        """Return the same for whole images."""
        return self.model_copy(update={"region": None})
