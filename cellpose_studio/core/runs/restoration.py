"""The parameters of a restoration, under Cellpose's own names and defaults."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from cellpose_studio.core.runs.parameters import Normalization

UPSAMPLING = "upsample"
"""What the names of networks contain that are made for enlarged images."""

_SMALLEST = 3.0
"""Diameter, px, from which on Cellpose enlarges images."""

NUCLEI_SCALE = 30 / 17
"""How much more the channel of nuclei is enlarged, if it is beside one of cells."""


class RestorationParameters(BaseModel):
    """Everything that changes a restored image, beside the image and the model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    diameter: float | None = Field(
        None,
        gt=0,
        le=5000,
        title="Diameter",
        description="Width of a typical cell, in pixels. The network sees it as wide "
        "as the cells that it was trained on. Automatic leaves the image as it is",
    )
    tile_overlap: float = Field(
        0.1,
        # Cellpose clips the overlap to this range.
        ge=0.05,
        le=0.5,
        title="Tile overlap",
        description="Part of a tile that its neighbour covers too",
    )
    batch_size: int = Field(
        8,
        ge=1,
        le=256,
        title="Tiles at once",
        description="How many tiles the network sees together. Lower it when memory "
        "is short; the result is the same",
    )
    normalization: Normalization = Normalization()


def enlargement(name: str, diam_mean: float, diameter: float | None) -> float:
    """Return how many times as wide as the image the restored one is.

    Parameters
    ----------
    name
        Of the network: one for upsampling enlarges images of small cells, so that
        they become as wide as those that it was trained on.
    diam_mean
        The width of those, px.
    """
    small = diameter is not None and _SMALLEST <= diameter < diam_mean
    return diam_mean / diameter if diameter and small and UPSAMPLING in name else 1.0
