"""How much a network has to look at: its tiles, counted without the network."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.models.architecture import ArchitectureInfo
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.runs.tiles import tiles_along


@dataclass(frozen=True, kw_only=True)
class NetworkWork:
    """What a network looks at, of all views of all planes.

    Attributes
    ----------
    tiles
        How many full tiles it runs.
    outputs
        How many pixels it gives flows of.
    share
        Which part of all pixels that is; less with a region.
    """

    tiles: float
    outputs: float
    share: float


def network_work(
    image: ImageSource, model: ModelSpec, parameters: SegmentationParameters
) -> NetworkWork:
    """Return what the network looks at in a run; without looking for empty tiles."""
    known, region = model.architecture_info, parameters.region
    size = seen_size(image, model, parameters)
    frames, spans = image.frames, [float(side) for side in size]
    if region is not None:
        frames = 1 if region.frame is not None else frames
        spans[0] = 1.0 if region.plane is not None else spans[0]
        rows_and_columns = region.rows_and_columns(image.shape[3:])
        for axis, span in enumerate(rows_and_columns, 1):
            # Half a tile around it is seen as well.
            seen = (span.stop - span.start) * scale_of(model, parameters) + known.tile
            spans[axis] = min(seen, spans[axis])
    tiles = outputs = 0.0
    views = ((0, 1, 2), (1, 0, 2), (2, 0, 1)) if parameters.do_3D else ((0, 1, 2),)
    for depth, *sides in views:
        along = [_along(size[n], spans[n], known, parameters) for n in sides]
        planes = frames * spans[depth]
        tiles += planes * math.prod(run for run, _ in along) / known.tile**2
        outputs += planes * math.prod(covered for _, covered in along)
    every = image.frames * math.prod(size) * len(views)
    return NetworkWork(tiles=tiles, outputs=outputs, share=outputs / every)


def scale_of(model: ModelSpec, parameters: SegmentationParameters) -> float:
    """Return how many pixels of the network there are for one of the image.

    Without a diameter, the cells are as large as those that the model was trained on.
    """
    if parameters.diameter is not None:
        return model.diam_mean / parameters.diameter
    if model.architecture_info.scales_images:
        return model.diam_mean / model.diam_labels
    return 1.0


def seen_size(
    image: ImageSource, model: ModelSpec, parameters: SegmentationParameters
) -> tuple[int, int, int]:
    """Return (Z, Y, X) of a time point as the network sees it, at least 1."""
    scale = scale_of(model, parameters)
    z, y, x = image.shape[2:]
    if parameters.do_3D:
        z = int(z * (parameters.anisotropy or image.anisotropy or 1.0) * scale)
    return max(1, z), max(1, int(y * scale)), max(1, int(x * scale))


def restoring_tiles(pixels: float, known: ArchitectureInfo, overlap: float) -> float:
    """Return how many tiles a network that restores runs on pixels as it sees them."""
    return pixels * (1 + 2 * overlap) ** 2 / known.tile**2


def tile_overlap(known: ArchitectureInfo, parameters: SegmentationParameters) -> float:
    """Return about how many pixels two tiles side by side share."""
    share = 1.0 if parameters.augment else 2 * parameters.tile_overlap
    return known.tile * share / (1 + share)


def tile_starts(
    length: int, known: ArchitectureInfo, parameters: SegmentationParameters
) -> tuple[list[int], int]:
    """Return the first pixels of tiles along a side, and their length.

    As `engine.flows.tiles` cuts them, but for the zeros beyond the border.
    """
    if known.pads_to_tile:
        length = max(length, known.tile)
    count, tile = tiles_along(length, known.tile, parameters)
    step = (length - tile) / max(1, count - 1)
    return [max(0, int(n * step)) for n in range(count)], tile


def _along(
    length: int,
    span: float,
    known: ArchitectureInfo,
    parameters: SegmentationParameters,
) -> tuple[float, float]:
    """Return the pixels of tiles along a side, and how many of it they cover.

    Of those tiles that have a pixel in a part of it that is ``span`` long.
    """
    starts, tile = tile_starts(length, known, parameters)
    count, step = len(starts), starts[-1] / max(1, len(starts) - 1)
    if span < length and step > 0:
        count = min(count, int((span + tile) / step) + 1)
    return count * tile, min(length, (count - 1) * step + tile)
