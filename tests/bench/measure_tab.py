"""Time how long the Measure tab holds the event loop with 10,201 cells.

xvfb-run -a -s "-screen 0 1366x768x24" python tests/bench/measure_tab.py

The first number of a row is the longest time on the clock by which a timer of 5 ms was
late, the second the CPU time that the GUI thread used in the longest such time: on a
busy computer, only the second one is ours. With --profile, it prints where that goes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile
from application import application
from pulse import Pulse, until, wait
from qtpy.QtWidgets import QApplication

SIDE, ACROSS = 4096, 101
PITCH = SIDE // ACROSS


def write(folder: Path, name: str) -> Path:
    """Write an image of two channels with 10,201 round cells, and their masks."""
    y, x = np.indices((SIDE, SIDE)) // PITCH
    v, u = np.indices((SIDE, SIDE)) % PITCH - PITCH // 2
    inside = (np.hypot(v, u) < 15) & (y < ACROSS) & (x < ACROSS)
    labels = np.where(inside, y * ACROSS + x + 1, 0).astype(np.uint16)
    pixels = np.random.default_rng(0).poisson(np.where(inside, 900, 100))
    both = np.stack([pixels, pixels // 2]).astype(np.uint16)
    path = folder / name
    tifffile.imwrite(path, both, imagej=True, metadata={"axes": "CYX"})
    tifffile.imwrite(path.with_name(f"{path.stem}_masks.tif"), labels)
    return path


class Bench:
    """The window, and what is done in its tab."""

    def __init__(self, app: QApplication, folder: Path, profile: bool) -> None:
        from cellpose_studio.app.project.scratch import new_unnamed
        from cellpose_studio.app.settings import Settings
        from cellpose_studio.ui.window.main_window import MainWindow

        self.app = app
        self.window = MainWindow(Settings.load(folder / "settings.json"), new_unnamed())
        self.window.show()
        wait(1)
        self.pulse = Pulse(profile)

    def idle(self) -> bool:
        return not any(queue.jobs for queue in self.window.services.queues)

    def timed(self, title: str, action: Callable[[], object]) -> None:
        """Print how long the event loop was held until all that began is done."""
        self.pulse.restart()
        action()
        until(self.idle)
        wait(0.5)
        late, cpu = self.pulse.worst
        print(f"| {title} | {late:.0f} | {cpu:.0f} |", flush=True)
        self.pulse.print_worst()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    with application() as (app, folder):
        from cellpose_studio.app.session.classes import add_class
        from cellpose_studio.app.session.classes import put_into_class as put

        bench = Bench(app, folder, options.profile)
        window = bench.window
        window.warm_up()
        until(bench.idle)
        window.open([write(folder, "a.tif")])
        until(bench.idle)
        wait(1)
        print("| longest time, ms | clock | CPU of the GUI thread |\n|---|---|---|")

        def show() -> None:
            window.tabs.setCurrentWidget(window.measure)

        bench.timed("first showing of the tab, and measuring", show)
        content = window.measure.content
        assert content is not None
        session = window.session

        def edit() -> None:
            window.tools.edits.delete([5000 + int(time.time()) % 1000])

        def choose(scope: str) -> None:
            content.scope.setCurrentIndex(content.scope.findData(scope))
            content.scope.activated.emit(content.scope.currentIndex())

        bench.timed("an edit", edit)
        half = np.arange(0, len(content.rows), 2)
        bench.timed("brush over half of the cells", lambda: content._on_brushed(half))
        bench.timed("brush over none", lambda: content._on_brushed(half[:0]))
        bench.timed("filter", lambda: content.table.filter.setText("roundness<0.99"))
        bench.timed("no filter", lambda: content.table.filter.setText(""))
        bench.timed("sort", lambda: content.table.view.sortByColumn(2, SORT))
        bench.timed("cells of all images", lambda: choose("cells"))
        bench.timed("summary", lambda: choose("summary"))
        bench.timed("this image", lambda: choose("image"))
        bench.timed("undo", session.undo)
        image = session.shown
        assert image is not None
        one = add_class(session, "large")
        bench.timed("one cell into a class", lambda: put(session, image, [9], one.id))
        every = content.rows.cells.tolist()
        bench.timed("all cells into it", lambda: put(session, image, every, one.id))
        bench.timed("undo of that", session.undo)
        bench.timed("the list of classes", lambda: window.measure.open_classes())
        bench.timed("all cells, with it", lambda: put(session, image, every, one.id))
        window.close()


if __name__ == "__main__":
    from qtpy.QtCore import Qt

    SORT = Qt.SortOrder.DescendingOrder
    main()
