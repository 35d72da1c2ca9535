"""Time Cancel of a large split in 3D; docs/benchmarks.md has the result.

python tests/bench/cancel_split.py

The split runs in a thread, as the job of the window has it, and is stopped at each
tenth of its way.
"""

from __future__ import annotations

import time
from threading import Thread

import numpy as np

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.core.edits.split import split_by_seeds
from cellpose_studio.core.masks.cell_table import CellTable

SHAPES = ((24, 512, 512),)

TENTHS = np.arange(1, 10) / 10


def two_that_touch(shape: tuple[int, ...]) -> np.ndarray:
    """Return labels of two ellipsoids that overlap and are one cell."""
    z, y, x = np.ogrid[tuple(slice(-1, 1, n * 1j) for n in shape)]
    labels = np.zeros(shape, np.uint32)
    for middle in (-0.45, 0.45):
        labels[z**2 + y**2 + ((x - middle) / 0.55) ** 2 < 1] = 1
    return labels


class Split:
    """A split that runs in a thread."""

    def __init__(self, labels: np.ndarray) -> None:
        self.checkpoint = Checkpoint()
        self.seeds = np.array([labels.shape, labels.shape]) / 2
        self.seeds[:, 2] *= 0.55, 1.45
        self.began = time.perf_counter()
        self.thread = Thread(target=self._work, args=(labels, CellTable.of(labels)))
        self.thread.start()
        self.clock = time.pthread_getcpuclockid(self.thread.ident)

    def cpu(self) -> float:
        """Return the CPU time of the thread while it runs."""
        return time.clock_gettime(self.clock)

    def _work(self, labels: np.ndarray, table: CellTable) -> None:
        self.cancelled = False
        try:
            split_by_seeds(
                labels,
                table,
                1,
                self.seeds,
                spacing=(2.0, 1.0, 1.0),
                checkpoint=self.checkpoint,
            )
        except Cancelled:
            self.cancelled = True
        self.seconds = time.thread_time(), time.perf_counter() - self.began


def cancelled(labels: np.ndarray, after: float) -> tuple[float, float]:
    """Return the CPU time and the time from Cancel to the end, s."""
    split = Split(labels)
    while split.thread.is_alive() and split.cpu() < after:
        time.sleep(0.005)
    cpu, wall = split.cpu(), time.perf_counter() - split.began
    split.checkpoint.stop()
    split.thread.join()
    return split.seconds[0] - cpu, split.seconds[1] - wall


def main() -> None:
    Split(two_that_touch((8, 32, 32))).thread.join()  # compiles
    print(
        "| stack | voxels of the cell | split, s | its CPU time, s "
        "| Cancel, worst, s | its CPU time, s |\n|---|---|---|---|---|---|"
    )
    for shape in SHAPES:
        labels = two_that_touch(shape)
        whole = Split(labels)
        whole.thread.join()
        cpu, wall = whole.seconds
        worst = np.max([cancelled(labels, cpu * part) for part in TENTHS], axis=0)
        millions = np.count_nonzero(labels) / 1e6
        print(
            f"| {shape[0]} × {shape[1]}² | {millions:.1f} million "
            f"| {wall:.2f} | {cpu:.2f} | {worst[1]:.2f} | {worst[0]:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
