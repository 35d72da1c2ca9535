"""Whether images of each format can be read: small ones, written by the check."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import numpy.typing as npt

from cellpose_studio.io.images.reader import open_images
from cellpose_studio.paths import resource
from cellpose_studio.workflows.self_test.check import CheckFailed, Found, Place

Array = npt.NDArray[Any]
Write = Callable[[Path, Array], object]

_LOSSY = 12.0
"""Largest mean difference of grey values after a compression that loses some."""

# Of TIFF: tifffile's names. All are decoded by imagecodecs, or zlib and lzma.
EXACT = ("lzw", "adobe_deflate", "packbits", "lzma", "zstd", "lerc", "png")
LOSSY = ("jpeg", "jpeg2000", "webp", "jpegxl")

# Of Zarr, in the words of its metadata.
_ZARR_2: Mapping[str, dict[str, Any] | None] = {
    "plain": None,
    "gzip": {"id": "gzip", "level": 1},
    "zstd": {"id": "zstd", "level": 1},
    "blosc lz4": {"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1},
    "blosc zstd": {"id": "blosc", "cname": "zstd", "clevel": 5, "shuffle": 1},
}


def check_tiff(place: Place) -> Found:
    """Read plain TIFF, tiled, BigTIFF, ImageJ's and OME's."""
    kinds: dict[str, tuple[Write, tuple[int, ...]]] = {
        "TIFF": (_tiff(), (48, 64)),
        "tiles": (_tiff(tile=(16, 16)), (48, 64)),
        "BigTIFF": (_tiff(bigtiff=True), (48, 64)),
        "ImageJ": (_tiff(imagej=True, metadata={"axes": "ZYX"}), (3, 48, 64)),
        "OME-TIFF": (_tiff(ome=True, metadata={"axes": "CZYX"}), (2, 3, 48, 64)),
    }
    tried = {
        name: lambda write=write, shape=shape, name=name: _compare(
            place.folder / f"{name}.tif", write, _pixels(shape)
        )
        for name, (write, shape) in kinds.items()
    }
    return _told(tried)


def check_compressions(place: Place) -> Found:
    """Read TIFF of each compression, those that lose something within limits."""

    def tried(kind: str) -> Callable[[], None]:
        lossy = kind in LOSSY
        # Those for photographs have 8 bits, or three colours.
        pixels = _pixels((48, 64), np.uint8 if lossy else np.uint16)
        if kind == "webp":
            pixels = np.repeat(pixels[..., None], 3, -1)
        write = _tiff(compression=kind)
        path = place.folder / f"{kind}.tif"
        return lambda: _compare(path, write, pixels, _LOSSY if lossy else 0.0)

    return _told({kind: tried(kind) for kind in (*EXACT, *LOSSY)})


def check_pictures(place: Place) -> Found:
    """Read PNG of 8 and 16 bits, and JPEG."""

    def write(codec: str) -> Write:
        def encode(path: Path, pixels: Array) -> None:
            # A codec that is missing raises when it is asked for.
            import imagecodecs

            path.write_bytes(getattr(imagecodecs, f"{codec}_encode")(pixels))

        return encode

    folder = place.folder
    png, jpeg = write("png"), write("jpeg")
    grey = _pixels((48, 64), np.uint8)
    colour = np.repeat(grey[..., None], 3, -1)
    return _told(
        {
            "PNG of 8 bits": lambda: _compare(folder / "8.png", png, grey),
            "PNG of 16 bits": lambda: _compare(
                folder / "16.png", png, _pixels((48, 64))
            ),
            "JPEG": lambda: _compare(folder / "a.jpg", jpeg, grey, _LOSSY),
            "JPEG in colour": lambda: _compare(folder / "b.jpg", jpeg, colour, _LOSSY),
        }
    )


def check_ome_zarr(place: Place) -> Found:
    """Read OME-Zarr of the formats 2 and 3 with their compressors."""
    pixels = _pixels((3, 48, 64))

    def tried(name: str, write: Write) -> Callable[[], None]:
        return lambda: _compare(place.folder / f"{name}.zarr", write, pixels)

    writers = {f"Zarr 2 ({name})": _zarr_2(kind) for name, kind in _ZARR_2.items()}
    writers["Zarr 3 (zstd)"] = _zarr_3
    return _told({name: tried(name, write) for name, write in writers.items()})


def check_microscopes(place: Place) -> Found:
    """Read a file of each format of microscopes, which the program brings along."""
    with ZipFile(resource("microscopes.zip")) as archive:
        archive.extractall(place.folder)
        names = [name for name in archive.namelist() if not name.endswith(".npy")]

    def tried(name: str) -> Callable[[], None]:
        path = place.folder / name
        right = np.load(path.with_name(f"{name}.npy"))
        return lambda: _refuse_difference(path, right)

    return _told({name.rpartition(".")[2].upper(): tried(name) for name in names})


def _pixels(shape: tuple[int, ...], kind: Any = np.uint16) -> Array:
    """Return a smooth ramp with a square in it, other in each plane."""
    pixels = np.indices(shape).sum(0)
    pixels[..., 10:30, 20:50] += 60
    return pixels.astype(kind)


def _tiff(**options: Any) -> Write:
    def write(path: Path, pixels: Array) -> None:
        import tifffile

        tifffile.imwrite(path, pixels, **options)

    return write


def _zarr_2(compressor: dict[str, Any] | None) -> Write:
    def write(path: Path, pixels: Array) -> None:
        import zarr
        from numcodecs import get_codec

        made = zarr.create_array(
            path / "0",
            shape=pixels.shape,
            dtype=pixels.dtype,
            chunks=(1, 16, 16),
            zarr_format=2,
            compressors=get_codec(compressor) if compressor else None,
        )
        made[:] = pixels
        (path / ".zgroup").write_text('{"zarr_format": 2}', encoding="utf-8")
        (path / ".zattrs").write_text(json.dumps(_multiscales("0.4")), encoding="utf-8")

    return write


def _zarr_3(path: Path, pixels: Array) -> None:
    import zarr

    group = zarr.open_group(path, mode="w", zarr_format=3)
    group.attrs["ome"] = {"version": "0.5", **_multiscales("0.5")}
    made = group.create_array(
        "0", shape=pixels.shape, dtype=pixels.dtype, chunks=(1, 16, 16)
    )
    made[:] = pixels


def _multiscales(version: str) -> dict[str, Any]:
    scale = [{"type": "scale", "scale": [1.0, 1.0, 1.0]}]
    return {
        "multiscales": [
            {
                "version": version,
                "axes": [{"name": name, "type": "space"} for name in "zyx"],
                "datasets": [{"path": "0", "coordinateTransformations": scale}],
            }
        ]
    }


def _compare(path: Path, write: Write, pixels: Array, tolerance: float = 0.0) -> None:
    """Write an image, read it with the application, and compare all values."""
    write(path, pixels)
    (image,) = open_images(path)
    seen = image.volume(0, range(image.channels)).astype(np.float64)
    # Colours come first in an image, and last in its file.
    colours = pixels.ndim == 3 and pixels.shape[2] == 3
    right = np.moveaxis(pixels, -1, 0) if colours else pixels
    difference = np.abs(seen.reshape(right.shape) - right).mean()
    if not difference <= tolerance:
        raise CheckFailed(f"its grey values differ by {difference:.3g}")


def _refuse_difference(path: Path, right: Array) -> None:
    """Compare all values of an image with those in TCZYX order."""
    image = open_images(path)[0]
    channels = range(image.channels)
    seen = np.stack([image.volume(t, channels) for t in range(image.frames)])
    if not np.array_equal(seen, right):
        raise CheckFailed("its grey values differ")


def _told(tried: Mapping[str, Callable[[], None]]) -> Found:
    """Try all, and name each that fails with the reason."""
    wrong = []
    for name, attempt in tried.items():
        try:
            attempt()
        # A decoder that is missing or broken may raise anything.
        except Exception as error:
            wrong.append(f"{name}: {_cause(error)}")
    if wrong:
        raise CheckFailed(f"Cannot be read: {'; '.join(wrong)}.")
    return Found(f"{', '.join(tried)} can be read")


def _cause(error: BaseException) -> str:
    """Return the innermost error, which names the missing library."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(".")
