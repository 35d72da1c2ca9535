"""Measure 10,000 cells of a large image, beside scikit-image, and print a table.

PYTHONPATH=. python tests/bench/measure.py

With --large it measures an image of 16 times as many pixels in a Zarr array instead,
part by part, and prints the memory that this takes.

Both measure the same columns of the same image in the same run; all columns but Feret's
diameter, which takes scikit-image by far the longest. Times are the best of three, for
scikit-image of one. The values are compared.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import numba
import numpy as np
import numpy.typing as npt
import skimage
import zarr
from skimage.measure import regionprops_table

from cellpose_studio.core.measure.definition import GROUPS
from cellpose_studio.core.measure.inputs import Channel
from cellpose_studio.core.measure.measure import measure_cells
from cellpose_studio.core.measure.scale import Scale

SIZE, ACROSS, TILES = 4096, 100, 4
SAME = {
    "area_px": "area",
    "centroid_y_px": "centroid-0",
    "centroid_x_px": "centroid-1",
    "bbox_y_min_px": "bbox-0",
    "bbox_x_min_px": "bbox-1",
    "bbox_y_max_px": "bbox-2",
    "bbox_x_max_px": "bbox-3",
    "perimeter_px": "perimeter_crofton",
    "axis_major_px": "axis_major_length",
    "axis_minor_px": "axis_minor_length",
    "eccentricity": "eccentricity",
    "solidity": "solidity",
    **{
        f"{ours}_{name}": f"{theirs}-{number}"
        for number, name in enumerate("ab")
        for ours, theirs in {
            "mean": "intensity_mean",
            "min": "intensity_min",
            "max": "intensity_max",
            "sd": "intensity_std",
            "median": "intensity_median",
        }.items()
    },
}
"""Columns by the names of scikit-image."""


def image() -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint16]]:
    """Return labels (Y, X) of 10,000 ellipses, and pixels (Y, X, 2)."""
    random = np.random.default_rng(0)
    pitch = SIZE / ACROSS
    y, x = np.indices((SIZE, SIZE), np.float32)
    row, column = (y // pitch).astype(int), (x // pitch).astype(int)
    v, u = y - (row + 0.5) * pitch, x - (column + 0.5) * pitch
    angle = random.uniform(0, np.pi, (ACROSS, ACROSS))[row, column]
    long, short = random.uniform(12, 20, (2, ACROSS, ACROSS))[:, row, column]
    along = (u * np.cos(angle) + v * np.sin(angle)) / long
    across = (v * np.cos(angle) - u * np.sin(angle)) / short
    inside = along**2 + across**2 <= 1
    labels = np.where(inside, row * ACROSS + column + 1, 0).astype(np.uint32)
    means = np.where(inside, 2000, 200)[..., None] * np.array([1, 2])
    return labels, random.poisson(means).astype(np.uint16)


def best(call: Callable[[], object], times: int) -> tuple[float, float]:
    """Return the shortest time by the clock, and that of the processors then, s."""
    found = []
    for _ in range(times):
        clock, busy = perf_counter(), process_time()
        call()
        found.append((perf_counter() - clock, process_time() - busy))
    return min(found)


def processor() -> str:
    """Return the name of the processor."""
    about = Path("/proc/cpuinfo")
    lines = about.read_text().splitlines() if about.exists() else []
    names = [line.split(": ", 1)[1] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def large(threads: int) -> None:
    """Measure a Zarr array, and print the time and the memory."""
    labels, pixels = image()
    with TemporaryDirectory() as folder:
        shape, chunks = (TILES * SIZE, TILES * SIZE), (1024, 1024)
        paths = Path(folder, "labels.zarr"), Path(folder, "a.zarr")
        whole = [
            zarr.open(path, mode="w", shape=shape, chunks=chunks, dtype=dtype)
            for path, dtype in zip(paths, ("u4", "u2"), strict=True)
        ]
        cells = np.uint32(labels.max())
        for n, (y, x) in enumerate(np.ndindex(TILES, TILES)):
            at = tuple(slice(i * SIZE, (i + 1) * SIZE) for i in (y, x))
            whole[0][at] = np.where(labels > 0, labels + n * cells, 0)
            whole[1][at] = pixels[..., 0]
        # A process of its own, since the memory of this one held a tile.
        code = (
            "import psutil, sys, threading, time, zarr\n"
            "from cellpose_studio.core.measure.inputs import Channel\n"
            "from cellpose_studio.core.measure.measure import measure_cells\n"
            "labels, pixels = (zarr.open(path, mode='r') for path in sys.argv[1:3])\n"
            "process, most = psutil.Process(), [0]\n"
            "def watch():\n"
            "    while True:\n"
            "        most[0] = max(most[0], process.memory_info().rss)\n"
            "        time.sleep(0.02)\n"
            "threading.Thread(target=watch, daemon=True).start()\n"
            "channels, threads = [Channel(pixels=pixels, name='a')], int(sys.argv[3])\n"
            "started, busy = time.perf_counter(), time.process_time()\n"
            "found = measure_cells(labels, channels, threads=threads)\n"
            "clock, used = time.perf_counter() - started, time.process_time() - busy\n"
            "held = (labels.nbytes + pixels.nbytes) / 1e9\n"
            "print(f'{len(found):,} cells of {labels.shape}, {held:.1f} GB: '\n"
            "    f'{clock:.1f} s, processors {used:.1f} s, '\n"
            "    f'at most {most[0] / 1e9:.1f} GB')\n"
        )
        words = [sys.executable, "-c", code, *map(str, (*paths, threads))]
        subprocess.run(words, check=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--large", action="store_true")
    options = parser.parse_args()
    threads = options.threads
    if options.large:
        large(threads)
        return
    labels, pixels = image()
    channels = [Channel(pixels=pixels[..., n], name="ab"[n]) for n in range(2)]
    scale = Scale(um=0.5)

    def ours(groups: tuple[str, ...] = GROUPS) -> dict[str, npt.NDArray[np.float64]]:
        return measure_cells(
            labels, channels, scale=scale, groups=groups, threads=threads
        ).values

    properties = sorted({name.split("-")[0] for name in SAME.values()})

    def theirs() -> dict[str, npt.NDArray[np.float64]]:
        return regionprops_table(labels, pixels, properties=properties)

    ours()  # compiles
    clock, busy = best(ours, 3)
    started, used = perf_counter(), process_time()
    expected = theirs()
    slow, slow_busy = perf_counter() - started, process_time() - used
    found = ours()
    for name, other in SAME.items():
        np.testing.assert_allclose(found[name], expected[other], rtol=1e-6, atol=1e-6)
    print(f"{processor()}, {threads} threads; numba {numba.__version__}, ", end="")
    print(f"NumPy {np.__version__}, scikit-image {skimage.__version__}")
    cells = len(found["area_px"])
    print(f"{cells:,} cells, {SIZE} × {SIZE} px, 2 channels, {len(found)} columns\n")
    print("| | clock, s | processors, s |\n|-|-:|-:|")
    print(f"| measure_cells, all of {len(found)} columns | {clock:.2f} | {busy:.2f} |")
    print(f"| regionprops_table, {len(SAME)} of them | {slow:.1f} | {slow_busy:.1f} |")
    print(f"| times as fast | {slow / clock:.0f} | {slow_busy / busy:.0f} |")


if __name__ == "__main__":
    main()
