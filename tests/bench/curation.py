"""Measure what it takes to correct masks, on the real canvas; see docs/benchmarks.md.

xvfb-run -a -s "-screen 0 1366x768x24" python tests/bench/curation.py [--sides SIDE …]

Times are those of the GUI thread until the event is handled, journal included. Drawing
is what the event loop then does at once: upload of the texture, and a frame, which the
software renderer draws on the CPU. napari's own layer and Cellpose's own window do the
same on the same masks, in the same run. Cellpose needs PyQt6 and pyqtgraph, beside the
environment:

packaging/dev test-pyqt6
python -m pip install --target build/cellpose-gui --no-deps pyqtgraph colorama
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import tifffile
from application import masks_of
from project import STEP, cells
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

MOVES, TIMES = 200, 15

BESIDE = [Path("build/pyqt6").resolve(), Path("build/cellpose-gui").resolve()]

EVERYBODY = "Cellpose Studio", "napari's Labels", "Cellpose's window"
STUDIO, NAPARI, CELLPOSE = EVERYBODY

Row = tuple[str, str, list[float], list[float]]
"""What was done, by whom, seconds until it was, and seconds of drawing after each."""


class Bench:
    """A window with large masks, and a user of all tools."""

    def __init__(self, app: QApplication, side: int, folder: Path) -> None:
        from cellpose_studio.app.project.project import Project
        from cellpose_studio.app.settings import Settings
        from cellpose_studio.ui.window.main_window import MainWindow

        self.app, self.side = app, side
        self.random = np.random.default_rng(0)
        tifffile.imwrite(folder / "a.tif", np.zeros((side, side), np.uint8))
        project = Project.create(folder / "a.cpstudio")
        self.window = MainWindow(Settings.load(folder / "settings.json"), project)
        self.window.show()
        self.window.warm_up()
        self.window.open([folder / "a.tif"])
        self.settle(lambda: self.window.session.shown is not None)
        self.image = self.window.session.shown
        self.rows: list[Row] = []
        self.timed("show the masks", self.run_on_it(), times=1)
        project.writer.flush()

    def run_on_it(self) -> Callable[[], None]:
        """Return what gives the image the masks of a run."""
        labels = masks_of(cells(self.side))
        return lambda: self.window.session.replace_masks(self.image, labels, "Run")

    def busy(self) -> bool:
        return any(queue.jobs for queue in self.window.services.queues)

    def settle(self, done: Callable[[], bool] = lambda: True) -> None:
        quiet = perf_counter() + 0.3
        while not done() or perf_counter() < quiet or self.busy():
            self.app.processEvents()

    def timed(
        self,
        what: str,
        action: Callable[[], object],
        times: int = TIMES,
        by: str = STUDIO,
    ) -> None:
        """Do something several times, with a rest after each."""
        seconds, drawing = [], []
        for _ in range(times):
            took, drew = self.once(action)
            seconds.append(took)
            drawing.append(drew)
            self.settle()
        self.rows.append((what, by, seconds, drawing))

    def once(self, action: Callable[[], object]) -> tuple[float, float]:
        """Return the seconds of an action, and those of drawing after it."""
        start = perf_counter()
        action()
        done = perf_counter()
        self.app.processEvents()
        return done - start, perf_counter() - done

    def run(self) -> None:
        window, session = self.window, self.window.session
        actions = window.menus.actions
        another = self.run_on_it()
        self.timed("show those of the next run", another, times=1)
        self.brush("a move of the brush, masks not yet saved")
        session.undo()
        self.timed("undo the run", session.undo, times=1)
        self.timed("outlines on or off", actions["outlines"].toggle)
        self.brush("a move of the brush")
        self.timed("undo the stroke", session.undo, times=1)
        self.timed("delete a cell", lambda: window.tools.edits.delete([self.cell()]))
        self.timed("undo a deletion", session.undo)
        self.timed("merge two cells", self.merge)
        self.timed("undo a merge", session.undo)
        self.timed("merge two far apart", lambda: self.merge(self.cell()))
        self.timed("undo that", session.undo)
        self.timed("split a cell by a line", self.split)
        self.timed("fill a cell's holes", self.fill)
        self.delete_30()
        self.timed("undo 30 deletions", session.undo, times=1)
        window.tabs.setCurrentWidget(window.curate)
        self.settle(lambda: window.background.measurer.review is not None)
        self.timed("next cell to review", lambda: window.curate.step(1))
        self.napari()
        window.close()

    def brush(self, what: str) -> None:
        """Handle each move of a long stroke."""
        tools, seconds, drawing = self.window.tools, [], []
        tools.take("brush")
        tools.press(self.pointer(self.side // 2, 100))
        for n in range(MOVES):
            pointer = self.pointer(self.side // 2 + 3 * (n % 7), 100 + 5 * n)
            took, drew = self.once(partial(tools.drag, pointer))
            seconds.append(took)
            drawing.append(drew)
        self.rows.append((what, STUDIO, seconds, drawing))
        took, drew = self.once(lambda: tools.release(pointer, True))
        end = what.replace("a move of the brush", "the end of a stroke")
        self.rows.append((end, STUDIO, [took], [drew]))
        tools.take("select")
        self.settle()

    def delete_30(self) -> None:
        """Delete cells that lie all over the image."""
        edits = self.window.tools.edits
        some = [self.cell() for _ in range(30)]
        self.timed("delete 30 cells", lambda: edits.delete(some), times=1)

    def merge(self, other: int = 0) -> None:
        """Merge a cell with another, or with the one beside it."""
        from cellpose_studio.core.edits.whole import merge_cells

        context, cell = self.window.tools.context, self.cell()
        if not other:
            other = cell + (1 if cell % (self.side // STEP) else -1)
        context.edit(merge_cells(context.labels, context.table, [cell, other]))

    def split(self) -> None:
        tools = self.window.tools
        box = tools.context.table.box(self.cell())
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
        return int(self.random.choice(self.window.tools.context.table.ids()))

    def pointer(self, y: float, x: float):
        from cellpose_studio.ui.canvas.mouse_event import LEFT, MouseEvent

        return MouseEvent((float(y), float(x)), LEFT, frozenset(), 3.0)

    def napari(self) -> None:
        """Do what napari's own layer can do, on the same masks."""
        self.window.canvas.masks.remove(self.image.active)
        self.settle()
        add, masks = self.window.canvas.model.add_labels, cells(self.side)
        self.timed("show the masks", lambda: add(masks), times=1, by=NAPARI)
        layer = self.window.canvas.model.layers[-1]
        layer.brush_size, layer.selected_label = 9, 10**6
        seconds, drawing = [], []
        for n in range(MOVES):
            place = (self.side // 2 + 3 * (n % 7), 100 + 5 * n)
            took, drew = self.once(partial(layer.paint, place, 10**6))
            seconds.append(took)
            drawing.append(drew)
        self.rows.append(("a move of the brush", NAPARI, seconds, drawing))
        places = iter(
            (STEP * n + STEP // 2, STEP * 5 + STEP // 2) for n in range(5, 20)
        )
        self.timed("delete a cell", lambda: layer.fill(next(places), 0), 5, NAPARI)
        self.timed("undo a deletion", layer.undo, 5, NAPARI)

        def outline() -> None:
            layer.contour = 1 - layer.contour

        self.timed("outlines on or off", outline, 4, NAPARI)


def cellpose(side: int, home: Path) -> list[Row]:
    """Let Cellpose's own window do what it can do, in a process of its own."""
    path = os.pathsep.join(str(folder) for folder in BESIDE)
    (home / ".cellpose").mkdir()
    ran = subprocess.run(
        [sys.executable, Path(__file__).with_name("curation_cellpose.py"), str(side)],
        env={**os.environ, "HOME": str(home), "QT_API": "pyqt6", "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        print(ran.stderr, file=sys.stderr)
        return []
    return [
        (what, CELLPOSE, seconds, drawing)
        for what, seconds, drawing in json.loads(ran.stdout)
    ]


def table(side: int, rows: list[Row]) -> str:
    """Return the rows of the table in docs/benchmarks.md."""
    lines = []
    for what in dict.fromkeys(row[0] for row in rows):
        found = {by: times for name, by, *times in rows if name == what}
        cells = [figures(*found[by]) if by in found else "" for by in EVERYBODY]
        lines.append(f"| {side:,}² | {what} | {' | '.join(cells)} |")
    return "\n".join(lines)


def figures(seconds: list[float], drawing: list[float]) -> str:
    """Return median and p95 of what was done, and the median of drawing, in ms."""
    p50, p95 = (1000 * n for n in np.percentile(seconds, (50, 95)))
    return f"{p50:,.1f} / {p95:,.1f} / {1000 * float(np.median(drawing)):,.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", type=int, nargs="+", default=[2048, 8192])
    options = parser.parse_args()
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    app = QApplication([])
    print(f"load {os.getloadavg()[0]:.1f} at the start\n")
    print(f"| image | p50 / p95 / drawing, ms | {' | '.join(EVERYBODY)} |")
    print("|---|---|---|---|---|")
    for side in options.sides:
        with TemporaryDirectory() as folder:
            os.environ["CELLPOSE_STUDIO_HOME"] = folder
            from cellpose_studio.ui.canvas import isolate_napari

            isolate_napari(None)
            bench = Bench(app, side, Path(folder))
            bench.run()
            bench.rows += cellpose(side, Path(folder))
            print(table(side, bench.rows), flush=True)
    print(f"\nload {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
