"""The runs that are compared, on real images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from cellpose_studio.core.runs.parameters import Normalization, SegmentationParameters
from tests.engine.fidelity.comparing import Case

NUCLEI = "2d_nuclei_fluo/nuc_0c6507.tif"
LARGE = "2d_nuclei_fluo/nuc_1b518c.tif"
COLOURS = "2d_nuclei_histology/histo_65c852.tif"
EMBRYO = "3d_nuclei_mouse_embryo/mouse_embryo_16cell.tif"

VALIDATION = (
    *("033983", "094afe", "0c6507", "13c8ff", "2b50b1", "03b930", "28d33e"),
    *("f728de", "1b518c", "2cfa61", "459696"),
)
TRAIN = ("000711", "003cee", "0280fa", "1b6044", "303115", "483b89", "05a8f6", "06350c")


def pixels_of(path: Path) -> np.ndarray:
    """Return an image as (C, Z, Y, X)."""
    pixels = tifffile.imread(path)
    if pixels.ndim == 2:
        return pixels[None, None]
    if pixels.shape[-1] == 3:
        return pixels.transpose(2, 0, 1)[:, None]
    return pixels[None]


def nucleus_file(data: Path, name: str) -> Path:
    """Return the file of one of `VALIDATION` or `TRAIN`."""
    return data / "2d_nuclei_fluo" / f"nuc_{name}.tif"


def masks_of(path: Path) -> np.ndarray:
    """Return the true masks of an image."""
    return tifffile.imread(path.with_name(f"{path.stem}_masks.tif"))


def width_of_cells(masks: np.ndarray) -> float:
    """Return the median diameter of the cells, to a tenth of a pixel."""
    areas = np.bincount(masks.ravel())[1:]
    return round(float(np.median(2 * np.sqrt(areas[areas > 0] / np.pi))), 1)


def middle(image: np.ndarray, *sides: int) -> np.ndarray:
    """Return the middle of an image, or less of it: tests have to end."""
    starts = [
        max(0, (length - side) // 2)
        for length, side in zip(image.shape[-len(sides) :], sides, strict=True)
    ]
    part = (slice(at, at + side) for at, side in zip(starts, sides, strict=True))
    return image[(..., *part)]


def option_cases(data: Path) -> list[Case]:
    """Return one case for each option that changes flows."""
    nuclei = middle(pixels_of(data / NUCLEI), 160, 160)
    colours = middle(pixels_of(data / COLOURS), 128, 160)
    volume = middle(pixels_of(data / EMBRYO), 8, 48, 56)

    def case(
        name: str, image: np.ndarray = nuclei, channels: Any = (1, None), **options: Any
    ) -> Case:
        normalisation = Normalization(
            **{key: options.pop(key) for key in [*options] if key in _NORMALISING}
        )
        given = {"diameter": 30.0, **options}
        return Case(
            name,
            image,
            SegmentationParameters(
                channels=channels, normalization=normalisation, **given
            ),
        )

    return [
        case("diameter as the network's, 30 px"),
        case("diameter 17 px: enlarged", diameter=17.0),
        case("diameter 48.5 px: made smaller", diameter=48.5),
        case(
            "many tiles",
            middle(pixels_of(data / LARGE), 300, 400),
            diameter=33.0,
        ),
        case("no resampling, 17 px", diameter=17.0, resample=False),
        case("no resampling, 48.5 px", diameter=48.5, resample=False),
        case("flipped tiles averaged", augment=True),
        case("tile overlap 0.3", tile_overlap=0.3, diameter=20.0),
        case("normalised in tiles of 64 px", tile_norm_blocksize=64),
        case("inverted", invert=True),
        case("percentiles 3 and 97.5", percentile=(3.0, 97.5)),
        case("sharpened, radius 4 px", sharpen_radius=4.0),
        case("smoothed, radius 2 px", smooth_radius=2.0),
        case("not normalised", normalize=False),
        case("channels 1 and 3", colours, (1, 3)),
        case("channels 3 and 1", colours, (3, 1)),
        case("channel 2 alone", colours, (2, None)),
        case("mean of all channels", colours, (0, None)),
        case("planes, joined", volume, stitch_threshold=0.2),
        case(
            "planes, joined, normalised one by one",
            volume,
            stitch_threshold=0.2,
            norm3D=False,
        ),
        case("volume", volume, do_3D=True),
        case("volume, anisotropy 2.5", volume, do_3D=True, anisotropy=2.5),
        case(
            "volume, anisotropy 2.5, diameter 24 px",
            volume,
            do_3D=True,
            anisotropy=2.5,
            diameter=24.0,
        ),
        case(
            "volume, flows smoothed over 1 px",
            volume,
            do_3D=True,
            anisotropy=1.5,
            flow3D_smooth=1.0,
        ),
        case(
            "volume, not resampled", volume, do_3D=True, diameter=24.0, resample=False
        ),
    ]


_NORMALISING = frozenset(Normalization.model_fields)
