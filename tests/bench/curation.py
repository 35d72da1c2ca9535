"""Measure what it takes to correct masks, on the real canvas; see docs/benchmarks.md.

xvfb-run -a -s "-screen 0 1366x768x24" python tests/bench/curation.py [--sides SIDE …]

Times are those of the GUI thread until the event is handled, journal and texture
included. The drawing of a frame, which the software renderer does on the CPU, is
apart. napari's own layer does the same on the same masks, in the same run.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import tifffile
from project import STEP, cells
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

MOVES, TIMES = 200, 15


class Bench:
    """A window with large masks, and a user of all tools."""

    def __init__(self, app: QApplication, side: int, folder: Path) -> None:
        from cellpose_studio.app.label_set import LabelImage, LabelSet
        from cellpose_studio.app.project import Project
        from cellpose_studio.app.settings import Settings
        from cellpose_studio.ui.main_window import MainWindow

        self.app, self.side = app, side
        self.random = np.random.default_rng(0)
        tifffile.imwrite(folder / "a.tif", np.zeros((side, side), np.uint8))
        project = Project.create(folder / "a.cpstudio")
        self.window = MainWindow(Settings(folder / "settings.ini"), project)
        self.window.show()
        self.window.open([folder / "a.tif"])
        self.settle(lambda: self.window.session.shown is not None)
        self.entry = self.window.session.shown
        self.rows: list[tuple[str, str, list[float]]] = []
        pixels = cells(side)
        labels = LabelSet("cells", LabelImage(pixels), "bench", int(pixels.max()))
        labels.pixels.sizes()
        self.timed(
            "show the masks",
            lambda: self.window.session.replace_labels(self.entry, labels, "Run"),
            times=1,
        )
        project.writer.flush()

    def settle(self, done: Callable[[], bool] = lambda: True) -> None:
        quiet = perf_counter() + 0.3
        while not done() or perf_counter() < quiet or self.window.quick.jobs:
            self.app.processEvents()

    def timed(
        self, what: str, action: Callable[[], object], times: int = TIMES
    ) -> None:
        seconds = []
        for _ in range(times):
            start = perf_counter()
            action()
            seconds.append(perf_counter() - start)
            self.settle()
        self.rows.append((what, "Cellpose Studio", seconds))

    def run(self) -> None:
        window, session = self.window, self.window.session
        actions = window.menus.actions
        self.timed("outlines on or off", actions["outlines"].toggle)
        self.brush()
        self.timed("delete a cell", lambda: window.tools.hand.delete([self.cell()]))
        self.timed("undo it", session.undo)
        self.timed("merge two cells", self.merge)
        self.timed("undo it", session.undo)
        self.timed("split a cell by a line", self.split)
        self.timed("fill a cell's holes", self.fill)
        window.tabs.setCurrentWidget(window.curate)
        self.settle(lambda: window.curate.reviewer.review is not None)
        self.timed("next cell to review", lambda: window.curate.step(1))
        self.napari()
        window.close()

    def brush(self) -> None:
        """Handle each move of a long stroke."""
        tools, seconds = self.window.tools, []
        tools.take("brush")
        tools.press(self.pointer(self.side // 2, 100))
        for n in range(MOVES):
            pointer = self.pointer(self.side // 2 + 3 * (n % 7), 100 + 5 * n)
            start = perf_counter()
            tools.drag(pointer)
            seconds.append(perf_counter() - start)
            if n % 20 == 0:
                self.app.processEvents()
        self.rows.append(("a move of the brush", "Cellpose Studio", seconds))
        start = perf_counter()
        tools.release(pointer, True)
        self.rows.append(
            ("the end of a stroke", "Cellpose Studio", [perf_counter() - start])
        )
        tools.take("select")
        self.settle()

    def merge(self) -> None:
        from cellpose_studio.core.edits.whole import merge_cells

        hand = self.window.tools.hand
        cell = self.cell()
        hand.edit(merge_cells(hand.labels, hand.table, [cell, self.cell()]))

    def split(self) -> None:
        tools = self.window.tools
        box = tools.hand.table.box(self.cell())
        y = (box[0].start + box[0].stop) // 2
        tools.take("split")
        tools.press(self.pointer(y, box[1].start - 1))
        tools.drag(self.pointer(y, box[1].stop))
        tools.release(self.pointer(y, box[1].stop), True)
        tools.take("select")

    def fill(self) -> None:
        self.window.selection.select(self.cell())
        self.window.menus.actions["fillHoles"].trigger()

    def cell(self) -> int:
        return int(self.random.choice(self.window.tools.hand.table.ids()))

    def pointer(self, y: float, x: float):
        from cellpose_studio.ui.pointer import LEFT, Pointer

        return Pointer((float(y), float(x)), LEFT, frozenset(), 3.0)

    def napari(self) -> None:
        """Do what napari's own layer can do, on the same masks."""
        self.window.session.close(self.entry.image.key)
        layer = self.window.canvas.model.add_labels(cells(self.side))
        self.settle()
        layer.brush_size, layer.selected_label = 9, 10**6
        seconds = []
        for n in range(MOVES):
            start = perf_counter()
            layer.paint((self.side // 2 + 3 * (n % 7), 100 + 5 * n), 10**6)
            seconds.append(perf_counter() - start)
        self.rows.append(("a move of the brush", "napari's Labels", seconds))
        seconds = []
        for n in range(5):
            place = (STEP * (5 + n) + STEP // 2, STEP * 5 + STEP // 2)
            start = perf_counter()
            layer.fill(place, 10**6 + n)
            seconds.append(perf_counter() - start)
        self.rows.append(("fill (delete, merge)", "napari's Labels", seconds))
        seconds = []
        for n in range(4):
            start = perf_counter()
            layer.contour = n % 2
            seconds.append(perf_counter() - start)
        self.rows.append(("outlines on or off", "napari's Labels", seconds))

    def table(self) -> str:
        lines = []
        for what, who, seconds in self.rows:
            p50, p95 = (1000 * n for n in np.percentile(seconds, (50, 95)))
            lines.append(
                f"| {self.side:,}² | {what} | {who} | {p50:,.1f} | {p95:,.1f} |"
            )
        return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", type=int, nargs="+", default=[2048, 8192])
    options = parser.parse_args()
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    app = QApplication([])
    print("| image | action | by | p50, ms | p95, ms |\n|---|---|---|---|---|")
    for side in options.sides:
        with TemporaryDirectory() as folder:
            os.environ["CELLPOSE_STUDIO_HOME"] = folder
            from cellpose_studio.ui.canvas import isolate_napari

            isolate_napari(None)
            bench = Bench(app, side, Path(folder))
            bench.run()
            print(bench.table(), flush=True)


if __name__ == "__main__":
    main()
