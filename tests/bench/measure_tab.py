"""Time how long the Measure tab holds the event loop with 10,201 cells.

xvfb-run -a -s "-screen 0 1366x768x24" python tests/bench/measure_tab.py

The first number of a row is the longest time on the clock by which a timer of 5 ms was
late, the second the CPU time that the GUI thread used in the longest such time: on a
busy computer, only the second one is ours. The third is its part in the application,
the fourth that in napari and the drawing of the canvas, which a graphics card does
elsewhere, the last the search for garbage; each is the longest by itself. With
--profile, it prints where that goes; --only names parts.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from application import application
from many_cells import write
from pulse import HEADER, until
from qtpy.QtWidgets import QComboBox
from window_bench import WindowBench


class Bench(WindowBench):
    """The window with 10,201 cells, and what is done in its tab."""

    @property
    def content(self) -> Any:
        return self.window.measure.content

    def choose(self, box: QComboBox, data: object) -> None:
        """Choose an entry as a user does."""
        box.setCurrentIndex(box.findData(data))
        box.activated.emit(box.currentIndex())

    def brush(self, cells: Any) -> None:
        self.content._on_brushed(cells)

    def sort(self, name: str, order: Any) -> None:
        names = [one.name for one in self.content.table.model.fields]
        self.content.table.view.sortByColumn(names.index(name), order)


def of_this_image(bench: Bench) -> None:
    """Time what is done with the cells of one image."""
    content, session = bench.content, bench.session
    bench.timed("an edit", lambda: bench.window.tools.edits.delete([5123]))
    half = np.arange(0, len(content.rows) - 1, 2)
    bench.timed("brush over half of the cells", lambda: bench.brush(half))
    bench.timed("brush over others", lambda: bench.brush(half + 1))
    bench.timed("brush over none", lambda: bench.brush(half[:0]))
    bench.timed("filter", lambda: content.table.filter.setText("roundness<0.99"))
    bench.timed("no filter", lambda: content.table.filter.setText(""))
    bench.timed("sort", lambda: bench.sort("roundness", DESCENDING))
    bench.timed("sort by the id", lambda: bench.sort("cell", ASCENDING))
    bench.timed("a scatter plot", lambda: bench.choose(content.plots.kind, "scatter"))
    bench.timed("brush in it", lambda: bench.brush(half))
    bench.timed("brush over none in it", lambda: bench.brush(half[:0]))
    keys = list(content._keys())
    every = [one.key for one in content.rows.fields]
    bench.timed("all columns", lambda: content._set_columns(every))
    bench.timed("the columns as before", lambda: content._set_columns(keys))
    bench.timed("a histogram", lambda: bench.choose(content.plots.kind, "histogram"))
    bench.timed("colour by area", lambda: bench.choose(content.colour, "area_px"))
    bench.timed(
        "colour by roundness", lambda: bench.choose(content.colour, "roundness")
    )
    bench.timed("an edit then", lambda: bench.window.tools.edits.delete([5124]))
    bench.timed("their own colours", lambda: bench.choose(content.colour, ""))
    bench.timed("undo", session.undo)
    bench.timed("undo", session.undo)
    every = bench.content.rows.cells.tolist()
    bench.timed("choose all cells", lambda: bench.brush(np.arange(len(every))))
    actions = bench.window.menus.actions
    bench.timed("accept all", actions["accept"].trigger)
    bench.timed("undo of that", session.undo)
    bench.timed("redo of that", session.redo)
    bench.timed("reject all", actions["reject"].trigger)
    bench.timed("choose none", lambda: bench.brush(half[:0]))


def of_classes(bench: Bench) -> None:
    """Time what is done with classes."""
    from cellpose_studio.app.session.classes import add_class
    from cellpose_studio.app.session.classes import put_into_class as put

    session, measure = bench.session, bench.window.measure
    image = session.shown
    assert image is not None
    one, other = add_class(session, "large"), add_class(session, "small")
    every = bench.content.rows.cells.tolist()
    bench.timed("one cell into a class", lambda: put(session, image, [9], one.id))
    bench.timed("all cells into it", lambda: put(session, image, every, one.id))
    bench.timed("undo of that", session.undo)
    bench.timed("the list of classes", lambda: measure.open_classes())
    bench.timed("colour by class", lambda: measure.classes.colour())
    bench.timed("all cells, with both", lambda: put(session, image, every, one.id))
    bench.timed("undo of that", session.undo)
    put(session, image, every[:40], one.id)
    put(session, image, every[40:80], other.id)
    bench.settle()
    bench.timed("train the classifier", lambda: measure.open_classes().training.train())
    bench.timed("apply it", lambda: measure.open_classes().apply_here())
    bench.timed("undo of that", session.undo)
    bench.timed(
        "apply it everywhere", lambda: measure.open_classes().apply_everywhere()
    )
    content = bench.content
    bench.timed("plot by class", lambda: bench.choose(content.plots.group, "class"))
    bench.timed("plot by none", lambda: bench.choose(content.plots.group, ""))
    bench.timed("own colours", lambda: bench.choose(content.colour, ""))


def of_all_images(bench: Bench, folder: Path) -> None:
    """Time what is done with two images of as many cells."""
    content, session = bench.content, bench.session
    other = write(folder, "b.tif")
    bench.timed("another image", lambda: bench.window.open([other]))
    first, second = session.images
    bench.timed("the first one", lambda: session.show(first.source.key))
    bench.timed("the second one", lambda: session.show(second.source.key))
    bench.timed("cells of all images", lambda: bench.choose(content.scope, "cells"))
    half = np.arange(0, len(content.rows), 2)
    bench.timed("sort", lambda: bench.sort("roundness", DESCENDING))
    bench.timed("filter", lambda: content.table.filter.setText("roundness<0.99"))
    bench.timed("no filter", lambda: content.table.filter.setText(""))
    bench.timed("brush over half of the cells", lambda: bench.brush(half))
    bench.timed("brush over none", lambda: bench.brush(half[:0]))
    bench.timed("plot by image", lambda: bench.choose(content.plots.group, "image"))
    bench.timed("a plot by group", lambda: bench.choose(content.plots.kind, "groups"))
    bench.timed("plot by none", lambda: bench.choose(content.plots.group, ""))
    bench.timed("a scatter plot", lambda: bench.choose(content.plots.kind, "scatter"))
    bench.timed("colour by area", lambda: bench.choose(content.colour, "area_px"))
    bench.timed("an edit", lambda: bench.window.tools.edits.delete([77]))
    bench.timed("undo", session.undo)
    bench.timed("a column of the experiment", lambda: give_condition(bench))
    bench.timed("summary", lambda: bench.choose(content.scope, "summary"))
    bench.timed("this image", lambda: bench.choose(content.scope, "image"))


def give_condition(bench: Bench) -> None:
    """Give images a condition."""
    experiment = bench.content._experiment
    images = enumerate(bench.session.images)
    rows = {image.id: {"condition": "ab"[n % 2]} for n, image in images}
    experiment.set(experiment.columns.merged(rows))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--only", nargs="+", choices=["image", "classes", "all"])
    options = parser.parse_args()
    parts = options.only or ["image", "classes", "all"]
    with application() as (_, folder):
        bench = Bench(folder, options.profile)
        print(HEADER)
        path = write(folder, "a.tif")
        bench.timed("opening, with 10,201 cells beside it", lambda: bench.open(path))

        def show() -> None:
            bench.window.tabs.setCurrentWidget(bench.window.measure)

        bench.timed("first showing of the tab, and measuring", show)
        until(lambda: len(bench.content.rows) > 0)
        if "image" in parts:
            of_this_image(bench)
        if "all" in parts:
            of_all_images(bench, folder)
        if "classes" in parts:
            of_classes(bench)
        bench.window.close()


if __name__ == "__main__":
    from qtpy.QtCore import Qt

    DESCENDING = Qt.SortOrder.DescendingOrder
    ASCENDING = Qt.SortOrder.AscendingOrder
    main()
