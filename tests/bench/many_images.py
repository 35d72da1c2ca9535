"""Memory of a training on many images, which are read when they are needed.

    python tests/bench/many_images.py [IMAGES]

Images of 256² with 25 cells each are generated in a folder, and a tiny network is
trained on them for one epoch by the code of `cellpose-studio train`. The table has the
memory of the process (RSS) at each tenth of it. See docs/benchmarks.md.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
import tifffile

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.models.training import TrainingParameters
from cellpose_studio.engine.threads import use_threads
from cellpose_studio.engine.training.image_cache import MOST_BYTES
from cellpose_studio.workflows.training.train import train_on_folders

SIDE = 256
TENTHS = 10


def generate(folder: Path, count: int) -> None:
    """Write images that all differ, with cells in other places."""
    rng = np.random.default_rng(0)
    y, x = np.indices((48, 48))
    disc = np.hypot(y - 23.5, x - 23.5) < 16
    for n in range(count):
        masks = np.zeros((SIDE, SIDE), np.uint16)
        for cell in range(25):
            row, column = 50 * np.array(divmod(cell, 5)) + rng.integers(0, 8, 2)
            masks[row : row + 48, column : column + 48][disc] = cell + 1
        pixels = 60 + 100 * (masks > 0) + rng.integers(0, 40, masks.shape)
        tifffile.imwrite(folder / f"{n:05}.tif", pixels.astype(np.uint8))
        tifffile.imwrite(folder / f"{n:05}_masks.tif", masks, compression="zlib")


def main() -> None:
    """Train, and print the memory over time."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 3750
    use_threads(1)
    process = psutil.Process()
    memory: dict[str, list[int]] = {"reading": [], "training": []}

    def report(_: int, __: int, what: str) -> None:
        memory.setdefault(what, []).append(process.memory_info().rss)

    parameters = TrainingParameters(
        n_epochs=1, widths=(2, 4, 8), bsize=64, batch_size=25, shading=0.3, noise=0.1
    )
    with TemporaryDirectory() as name:
        folder = Path(name)
        generate(folder, count)
        begun, used = time.perf_counter(), time.process_time()
        before = process.memory_info().rss
        train_on_folders(
            [folder], folder / "model", parameters, Checkpoint(report), lambda _: None
        )
        took, used = time.perf_counter() - begun, time.process_time() - used
    needed = count * SIDE**2 * (4 * 4 + 1)
    print(
        f"{count:,} images, {needed >> 20:,} MB with their targets; up to "
        f"{MOST_BYTES >> 20:,} MB are kept. {took / 60:.1f} min of the clock, "
        f"{used / 60:.1f} min of a processor.\n"
    )
    print("| part of the training | memory, MB |\n|---|---|")
    print(f"| before | {before >> 20:,} |")
    print(f"| all images read once | {memory['reading'][-1] >> 20:,} |")
    steps = memory["training"]
    for tenth in range(1, TENTHS + 1):
        now = steps[tenth * len(steps) // TENTHS - 1]
        print(f"| {tenth * 10} % of the epoch | {now >> 20:,} |")
    print(f"| highest | {max(map(max, memory.values())) >> 20:,} |")


if __name__ == "__main__":
    main()
