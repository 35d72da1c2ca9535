"""The architectures of networks that can be run: one record each.

What needs torch, reading the weights and building the network, stands under the same
name in `cellpose_studio.engine.networks.loaders`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cellpose_studio.core.models.papers import (
    CELLPOSE_1,
    CELLPOSE_3,
    CELLPOSE_SAM,
    Paper,
)


@dataclass(frozen=True, kw_only=True)
class ArchitectureInfo:
    """What is known of a family of networks, without torch.

    Attributes
    ----------
    name
        In cards, records of runs and the table of loaders.
    label
        On the card of a model, after "File".
    description
        In a paper's methods, with its article.
    paper
        That describes it.
    generation
        Of Cellpose: "1-3" or "4".
    in_cellpose
        Whether the Cellpose that is installed runs it, so that a script of plain
        Cellpose makes the same masks.
    tile
        Side of the tiles that it was trained on, px.
    pads_to_tile
        Whether images smaller than a tile are padded to it.
    scales_images
        Whether it wants cells of one diameter, which is measured where it is not
        given; others see cells of any size.
    bfloat16
        Whether it runs in bfloat16 unless told otherwise, where the hardware computes
        in it.
    channels_last
        Whether its convolutions are faster with the channels last in memory.
    whole_tiles
        Whether each thread of a CPU runs tiles of its own, since a tile is too small
        to be shared by them.
    fuses_attention
        Whether its attention can be computed in one step on a CPU.
    openvino
        Whether OpenVINO can run it instead of torch on a CPU.
    tile_seconds
        About how long a tile takes: one thread if ``whole_tiles``, else all of them.
    outputs
        Channels of its output: dY, dX and cell probability, or a restored image.
    """

    name: str
    label: str
    description: str
    paper: Paper
    generation: str
    in_cellpose: bool
    tile: int
    pads_to_tile: bool
    scales_images: bool
    bfloat16: bool
    channels_last: bool
    whole_tiles: bool
    tile_seconds: float
    fuses_attention: bool = False
    openvino: bool = False
    outputs: int = 3

    @property
    def restores(self) -> bool:
        """Whether it restores images, and finds no cells."""
        return self.outputs == 1


UNET = ArchitectureInfo(
    name="unet",
    label="residual U-Net of Cellpose 1 to 3",
    description="a residual U-Net of Cellpose",
    paper=CELLPOSE_1,
    generation="1-3",
    in_cellpose=False,
    tile=224,
    pads_to_tile=False,
    scales_images=True,
    bfloat16=False,
    channels_last=True,
    whole_tiles=True,
    tile_seconds=0.14,
    openvino=True,
)
UNET_STYLE_OFF = replace(
    UNET,
    name="unet-style-off",
    label="U-Net of Cellpose 1 to 3 without its style vector",
    description="a U-Net of Cellpose without its style vector",
)
UNET_AVERAGE = replace(
    UNET,
    name="unet-average",
    label="mean of several U-Nets of Cellpose 1",
    description="the mean of several residual U-Nets of Cellpose",
    generation="1",
)
UNET_RESTORATION = replace(
    UNET,
    name="unet-restoration",
    label="U-Net of Cellpose 3 that restores images",
    description="an image restoration network of Cellpose 3",
    paper=CELLPOSE_3,
    generation="3",
    openvino=False,
    outputs=1,
)
SAM = ArchitectureInfo(
    name="sam",
    label="Transformer of Cellpose 4",
    description="a Cellpose-SAM Transformer",
    paper=CELLPOSE_SAM,
    generation="4",
    in_cellpose=True,
    tile=256,
    pads_to_tile=True,
    scales_images=False,
    bfloat16=True,
    channels_last=False,
    whole_tiles=False,
    tile_seconds=3.5,
    fuses_attention=True,
)
DINO = ArchitectureInfo(
    name="dino",
    label="Transformer of Cellpose 4, on DINO",
    description="a Cellpose Transformer on DINOv3",
    paper=CELLPOSE_SAM,
    generation="4",
    in_cellpose=True,
    tile=384,
    pads_to_tile=True,
    scales_images=False,
    bfloat16=True,
    channels_last=False,
    whole_tiles=False,
    tile_seconds=3.5,
)

_ALL = (UNET, UNET_STYLE_OFF, UNET_AVERAGE, UNET_RESTORATION, SAM, DINO)

ARCHITECTURES = {info.name: info for info in _ALL}
"""By name."""
