"""Memory and time of `segment` as a whole and in blocks; see docs/benchmarks.md.

python tests/bench/blocks.py [--side PX ...] [--empty] [--whole]

Images are nuclei of random places on uint16, or with ``--empty`` such nuclei in one of
sixteen squares and noise of a few grey values in the others, as on a slide. The command
line runs on each in a process of its own, whose largest resident memory is printed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import tifffile
from scipy.ndimage import gaussian_filter

ROOT = Path(__file__).parents[2]
PIECE = 1024


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", type=int, nargs="+", default=[2048, 4096])
    parser.add_argument("--empty", action="store_true")
    parser.add_argument("--whole", action="store_true")
    options = parser.parse_args()
    print("| image | how | cells | s | peak, GB |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for side in options.side:
            path = write(Path(folder) / f"{side}.tif", side, options.empty)
            hows = [[], ["--block-size", "1000000"]] if options.whole else [[]]
            for how in hows:
                print(row(path, side, how, Path(folder)), flush=True)


def write(path: Path, side: int, empty: bool) -> Path:
    """Write an image piece by piece; nuclei are about 20 px wide."""
    random = np.random.default_rng(3)
    pixels = tifffile.memmap(path, shape=(side, side), dtype=np.uint16, bigtiff=True)
    for y in range(0, side, PIECE):
        for x in range(0, side, PIECE):
            piece = random.integers(100, 104, (PIECE, PIECE)).astype(np.float32)
            if not empty or (y // PIECE % 4 == 0 and x // PIECE % 4 == 0):
                seeds = np.zeros((PIECE, PIECE), np.float32)
                at = random.integers(0, PIECE, (2, PIECE * PIECE // 900))
                seeds[tuple(at)] = 1
                blobs = gaussian_filter(seeds, 5)
                piece += 900 * (blobs / blobs.max()) ** 0.7
                piece += random.normal(scale=12, size=piece.shape)
            pixels[y : y + PIECE, x : x + PIECE] = piece[: side - y, : side - x]
    pixels.flush()
    return path


def row(path: Path, side: int, how: list[str], folder: Path) -> str:
    """Run the command, and return a row of the table."""
    command = [sys.executable, "-m", "cellpose_studio", "segment", path, *how]
    command += ["--diameter", "20", "--out", folder / "out", "--overwrite"]
    started = perf_counter()
    with subprocess.Popen(
        [*map(str, command)], cwd=ROOT, stderr=subprocess.STDOUT, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        said = process.stdout.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
    assert status == 0, said
    found = next(line for line in said.splitlines() if " cell" in line)
    cells = found.split(": ")[1].split(" ")[0]
    how_text = "in blocks" if "blocks, of which" in said else "as a whole"
    seconds, peak = perf_counter() - started, usage.ru_maxrss * 1024 / 1e9
    return f"| {side}² | {how_text} | {cells} | {seconds:.0f} | {peak:.2f} |"


if __name__ == "__main__":
    main()
