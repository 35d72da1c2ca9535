"""Time the export of 10,000 cells in every format; docs/benchmarks.md has the result.

python tests/bench/export.py [CELLPOSE_CELLS]

The image has 4,096² pixels and two channels, the cells touch and have wavy outlines.
Formats of time series get the same cells in 4 time points of 2,048² pixels. Cellpose's
own writer of ImageJ's regions is timed on CELLPOSE_CELLS (300) of the same cells, in
the same process; 0 leaves it out. The time of the CPU counts all threads.
"""

from __future__ import annotations

import platform
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from scipy.ndimage import distance_transform_edt

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.io.masks.exchange.extent import ImageExtent
from cellpose_studio.io.masks.export import save_all
from cellpose_studio.io.masks.export_formats import FORMATS
from cellpose_studio.io.masks.reader import read_masks

SIDE, CELLS_IN_A_ROW = 4096, 100
TIMES = 3
READ = ("rois", "geojson", "coco", "coco-polygons", "ome-zarr")


class Pixels:
    """Serves an array as the pixels of an image."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels

    def read(self, region: tuple[slice, ...]) -> np.ndarray:
        """Return a part of the pixels."""
        return self.pixels[region]


def cells() -> np.ndarray:
    """Return labels of 10,000 cells that fill about half of the plane."""
    random = np.random.default_rng(0)
    step = SIDE / CELLS_IN_A_ROW
    at = (np.mgrid[:CELLS_IN_A_ROW, :CELLS_IN_A_ROW] + 0.5) * step
    at = (at + random.integers(-8, 9, at.shape)).astype(int).reshape(2, -1)
    seeds = np.zeros((SIDE, SIDE), np.uint32)
    seeds[at[0], at[1]] = np.arange(1, at.shape[1] + 1)
    far, nearest = distance_transform_edt(seeds == 0, return_indices=True)
    labels = seeds[tuple(nearest)]
    labels[far > 17 + 3 * np.sin(np.arange(SIDE) / 9)[:, None]] = 0
    return labels


def image_of(pixels: np.ndarray, folder: Path) -> ImageSource:
    """Return an image of pixels, TCZYX."""
    return ImageSource(
        path=folder / "a.tif",
        scene="",
        shape=pixels.shape,
        dtype=pixels.dtype,
        file_axes="TCZYX",
        pixel_size_um=(None, 0.5, 0.5),
        channel_names=tuple(f"Channel {n + 1}" for n in range(pixels.shape[1])),
        rgb=False,
        fingerprint="",
        reader=Pixels(pixels),
    )


def timed(work) -> tuple[float, float]:
    """Return the shortest time on the clock and of the CPU, s."""
    results = []
    for _ in range(TIMES):
        clock, cpu = time.perf_counter(), time.process_time()
        work()
        results.append((time.perf_counter() - clock, time.process_time() - cpu))
    return min(one for one, _ in results), min(one for _, one in results)


def size_of(path: Path) -> float:
    """Return the size of a file, or of what is in a folder, MB."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def report(folder: Path) -> None:
    """Print the table of all formats."""
    labels = cells()
    random = np.random.default_rng(1)
    pixels = random.poisson(200, (1, 2, 1, SIDE, SIDE)) + 500 * (labels > 0)
    plane = image_of(pixels.astype(np.uint16), folder)
    half = SIDE // 2
    tiles = [labels[y : y + half, x : x + half] for y in (0, half) for x in (0, half)]
    film = image_of(np.zeros((4, 2, 1, half, half), np.uint16), folder)
    print(f"{len(np.unique(labels)) - 1:,} cells, {cpu_name()}")
    print("| format | write, s | CPU, s | MB | read, s |\n|---|---|---|---|---|")
    for name, form in FORMATS.items():
        image, masks = (film, np.stack(tiles)) if form.needs_time else (plane, labels)
        base, path = folder / "a", form.path(folder / "a")
        small = masks[..., :64, :64]
        # What is compiled and imported once is not counted.
        few = image_of(np.zeros((*image.shape[:3], 64, 64), np.uint16), folder)
        save_all(folder / "few", small, None, [name], image=few)

        def write(masks=masks, name=name, image=image, base=base) -> None:
            save_all(base, masks, None, [name], image=image)

        clock, cpu = timed(write)
        took = ""
        if name in READ:
            read_masks(form.path(folder / "few"), ImageExtent.of(few))
            seconds, _ = timed(
                lambda path=path: read_masks(path, ImageExtent.of(plane))
            )
            took = f"{seconds:.2f}"
        print(f"| {name} | {clock:.2f} | {cpu:.2f} | {size_of(path):.1f} | {took} |")


def report_cellpose(folder: Path, count: int) -> None:
    """Print how long Cellpose's own writer of regions takes for some of the cells."""
    from cellpose_studio.engine.torchvision_ops import make_importable

    make_importable()
    from cellpose import io

    labels = cells()
    labels[labels > count] = 0
    start = time.perf_counter()
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        io.save_rois(labels, str(folder / "theirs.tif"), multiprocessing=False)
    took = time.perf_counter() - start
    base = folder / "ours"
    few = image_of(np.zeros((1, 1, 1, SIDE, SIDE), np.uint8), folder)
    ours, _ = timed(lambda: save_all(base, labels, None, ["rois"], image=few))
    print(f"{count} regions for ImageJ: Cellpose {took:.1f} s, here {ours:.2f} s")


def cpu_name() -> str:
    """Return what the system says of its CPU."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    return platform.processor()


if __name__ == "__main__":
    with TemporaryDirectory() as place:
        report(Path(place))
        if count := int(sys.argv[1]) if len(sys.argv) > 1 else 300:
            report_cellpose(Path(place), count)
