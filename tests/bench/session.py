"""Measure what an edit costs the GUI thread, and when it is durable.

python tests/bench/session.py [--sizes 1024 4096 8192] [--folder FOLDER]

A session without a window, with its writer in a thread of its own; see
docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import tifffile
from application import masks_of
from project import STEP, cells
from qtpy.QtCore import QCoreApplication

from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.io.images.reader import open_images

EDITS = 100


class Bench:
    """Times of actions on one image: in the GUI thread, and until they are durable."""

    def __init__(self, side: int, folder: Path) -> None:
        self.side = side
        tifffile.imwrite(folder / "a.tif", np.zeros((side, side), np.uint8))
        self.project = Project.create(folder / f"{side}.cpstudio")
        self.session = Session(self.project)
        [self.image] = self.session.add(open_images(folder / "a.tif"))
        # Undo belongs to the image that is shown.
        self.session.show(self.image.source.key)
        self.project.writer.flush()
        self.times: dict[str, list[tuple[float, float]]] = {}

    def timed(self, what: str, action) -> None:
        start = perf_counter()
        action()
        handed = perf_counter() - start
        assert self.project.writer.flush(60)
        durable = perf_counter() - start
        self.times.setdefault(what, []).append((handed, durable))

    def run(self) -> None:
        labels = masks_of(cells(self.side))
        self.timed(
            "a run's masks",
            lambda: self.session.replace_masks(self.image, labels, "Run"),
        )
        random = np.random.default_rng(0)
        for n in range(EDITS):
            self.timed("a small edit", self.edit(random, n))
        for _ in range(EDITS // 2):
            self.timed("undo of it", self.session.undo)
        self.timed("a revision of all edits", lambda: self.session.seal(self.image))
        self.project.close()

    def edit(self, random, n):
        y, x = (int(random.integers(self.side - STEP)) for _ in range(2))
        region = (slice(y, y + STEP), slice(x, x + STEP))
        after = np.full((STEP, STEP), 10**6 + n, np.uint32)

        def action() -> None:
            labels = self.image.masks.array
            edit = edit_between("Draw cell", [n], labels, region, after)
            self.session.edit(self.image, edit)

        return action

    def rows(self) -> list[str]:
        rows = []
        for what, pairs in self.times.items():
            handed, durable = (
                1000 * np.array(times) for times in zip(*pairs, strict=True)
            )
            p50, p95 = np.percentile(handed, (50, 95))
            d50, d95 = np.percentile(durable, (50, 95))
            rows.append(
                f"| {self.side:,}² | {what} | {p50:,.1f} | {p95:,.1f} | {d50:,.1f} | "
                f"{d95:,.1f} |"
            )
        return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1024, 4096, 8192])
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    app = QCoreApplication([])  # noqa: F841
    print("| image | action | GUI p50, ms | p95 | durable p50, ms | p95 |")
    print("|---|---|---|---|---|---|")
    for side in options.sizes:
        with TemporaryDirectory(dir=options.folder) as folder:
            bench = Bench(side, Path(folder))
            bench.run()
            print("\n".join(bench.rows()), flush=True)


if __name__ == "__main__":
    main()
