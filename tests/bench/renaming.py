"""Time how long new ids hold the event loop, for cells that have statuses and classes.

xvfb-run -a -s "-screen 0 1366x768x24" python tests/bench/renaming.py

*Match ids* and *Restore* on an image of 4096² with 10,201 cells and as many nuclei, and
*Link over time* on four time points of 2048² with 10,404 cells. Columns as of
measure_tab.py. With --profile, it prints where the time goes.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from application import application
from many_cells import write, write_film, write_nuclei
from pulse import HEADER, until
from window_bench import WindowBench

STATUSES = "accepted", "rejected", "later"


class Bench(WindowBench):
    """The window, and what is done in it."""

    def decide(self) -> None:
        """Give each of the active masks' cells a status and a class."""
        from cellpose_studio.core.provenance.classes.assigned import Assigned
        from cellpose_studio.core.provenance.revision import CellChanges

        image = self.session.shown
        cells = image.masks.pixels.cell_table().ids().tolist()
        assigned = Assigned(number=next(iter(self.session.masks.classes.present)).id)
        changes = CellChanges(
            statuses={cell: (None, STATUSES[cell % 3]) for cell in cells},
            classes=dict.fromkeys(cells, (None, assigned)),
        )
        self.session.change_cells(image, "Decide", changes)
        self.settle()


def match_ids(bench: Bench, folder: Path) -> None:
    """Give nuclei the ids of their cells, undo it, and restore what was before."""
    path = write(folder, "a.tif")
    write_nuclei(path)
    bench.open(path)
    window, session = bench.window, bench.session
    image = session.shown
    session.choose_label_set(image, "cp_masks")
    bench.decide()
    session.choose_label_set(image, "masks")
    window.tabs.setCurrentWidget(window.measure)
    until(bench.idle)
    first = image.label_sets["cp_masks"].revision
    box = window.measure.content.compartments
    box.nuclei.setCurrentIndex(box.nuclei.findData("cp_masks"))
    box.nuclei.activated.emit(box.nuclei.currentIndex())
    until(lambda: box.ids_button.isEnabled() and bench.idle())
    bench.timed("match ids", box.give_ids)
    bench.timed("undo of it", session.undo)
    bench.timed("redo of it", session.redo)
    window.tabs.setCurrentWidget(window.history)
    session.choose_label_set(image, "cp_masks")
    bench.settle()
    bench.timed("restore a revision", lambda: restore(window.history, image, first))
    bench.timed("undo of it", session.undo)


def restore(history: Any, image: Any, revision: Any) -> None:
    """Restore a revision of the active masks."""
    lineage = SimpleNamespace(name=image.active)
    row = SimpleNamespace(lineage=lineage, node=SimpleNamespace(revision=revision))
    history.revisions.restore(row)


def link(bench: Bench, folder: Path) -> None:
    """Link cells over time, and undo that."""
    bench.open(write_film(folder))
    bench.decide()
    links = bench.window.plane_commands.links
    links.ask = lambda least, _: least
    bench.timed("link over time", links.ask_and_link)
    bench.timed("undo of it", bench.session.undo)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    with application() as (_, folder):
        from cellpose_studio.app.session.classes import add_class

        bench = Bench(folder, options.profile)
        print(HEADER)
        add_class(bench.session, "large")
        match_ids(bench, folder)
        link(bench, folder)
        bench.window.close()


if __name__ == "__main__":
    main()
