"""Measure what it takes to correct masks in Cellpose's own window; for curation.py.

QT_API=pyqt6 PYTHONPATH=build/pyqt6 python tests/bench/curation_cellpose.py SIDE

Prints a JSON list of what was done, the seconds until each call had returned, and the
seconds that the window then took to draw.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import tifffile
from project import STEP, cells
from qtpy import QtCore, QtWidgets

from cellpose_studio.engine.torchvision_ops import make_importable

make_importable()
if not hasattr(QtWidgets.QCheckBox, "checkStateChanged"):  # before Qt 6.7
    QtWidgets.QCheckBox.checkStateChanged = property(lambda box: box.stateChanged)

from cellpose.gui import gui, io  # noqa: E402

MOVES, TIMES = 60, 3


class Bench:
    """Cellpose's window with large masks, and a user of what it offers."""

    def __init__(self, side: int, folder: Path) -> None:
        self.rows: list[tuple[str, list[float], list[float]]] = []
        self.app = QtWidgets.QApplication([])
        self.window = gui.MainW(logger=logging.getLogger("cellpose"))
        self.side = side
        tifffile.imwrite(folder / "a.tif", np.zeros((side, side), np.uint8))
        io._load_image(self.window, filename=str(folder / "a.tif"))
        self.settle()

    def settle(self) -> None:
        quiet = perf_counter() + 0.3
        while perf_counter() < quiet:
            self.app.processEvents()

    def timed(self, what: str, action: Callable[[], object], times: int = 1) -> None:
        seconds, drawing = [], []
        for _ in range(times):
            start = perf_counter()
            action()
            seconds.append(perf_counter() - start)
            start = perf_counter()
            self.app.processEvents()
            drawing.append(perf_counter() - start)
            self.settle()
        self.rows.append((what, seconds, drawing))

    def run(self) -> None:
        window = self.window
        self.timed("show the masks", self.show)
        self.timed("outlines on or off", window.OCheckBox.toggle, 2 * TIMES)
        self.brush()
        for saving in (True, False):
            window.disableAutosave.setChecked(not saving)
            end = "" if saving else ", not saved"
            for _ in range(TIMES):
                self.timed(
                    f"delete a cell{end}", lambda: window.remove_cell(self.cell())
                )
                self.timed(f"undo a deletion{end}", window.undo_remove_cell)
            for _ in range(TIMES):
                self.timed(f"merge two cells{end}", self.merge)

    def show(self) -> None:
        io._masks_to_gui(self.window, cells(self.side)[None])
        self.window.update_layer()

    def brush(self) -> None:
        """Handle each move of an outline, which is all that can be drawn here."""
        layer, seconds, drawing = self.window.layer, [], []
        y, x = self.side // 2, 100
        layer.create_start(QtCore.QPointF(x, y))
        self.window.stroke_appended, self.window.in_stroke = False, True
        for n in range(MOVES):
            at = QtCore.QPointF(x + 5 * n, y + 3 * (n % 7))
            start = perf_counter()
            layer.drawAt(at)
            seconds.append(perf_counter() - start)
            start = perf_counter()
            self.app.processEvents()
            drawing.append(perf_counter() - start)
        self.rows.append(("a move of the brush", seconds, drawing))
        layer.end_stroke(keep_stroke=False)
        self.window.in_stroke = False
        self.settle()

    def merge(self) -> None:
        """Merge a cell, which is selected, with one beside it."""
        window, row = self.window, self.side // STEP
        window.selected = self.cell()
        window.merge_cells(window.selected + (1 if window.selected % row else -1))

    def cell(self) -> int:
        return int(np.random.default_rng(len(self.rows)).integers(1, 100))


def main() -> None:
    sys.stdout, answers = sys.stderr, sys.stdout
    with TemporaryDirectory() as folder:
        bench = Bench(int(sys.argv[1]), Path(folder))
        bench.run()
    joined: dict[str, tuple[list[float], list[float]]] = {}
    for what, seconds, drawing in bench.rows:
        both = joined.setdefault(what, ([], []))
        both[0].extend(seconds)
        both[1].extend(drawing)
    json.dump([(what, *both) for what, both in joined.items()], answers)


if __name__ == "__main__":
    main()
