"""Time how long new ids hold the event loop, for cells that have statuses and classes.

xvfb-run -a -s "-screen 0 1366x768x24" python tests/bench/renaming.py

*Match ids* and *Restore* on an image of 4096² with 10,201 cells and as many nuclei, and
*Link over time* on four time points of 2048² with 10,404 cells. Columns as of
measure_tab.py. With --profile, it prints where the time goes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import tifffile
from application import application
from measure_tab import write
from pulse import Pulse, until, wait
from qtpy.QtWidgets import QApplication

SIDE, PITCH, FRAMES = 2048, 40, 4
STATUSES = "accepted", "rejected", "later"


def write_film(folder: Path) -> Path:
    """Write a film in which cells move, and have other ids in each time point."""
    across = SIDE // PITCH
    y, x = np.indices((SIDE, SIDE))
    frames = []
    for n in range(FRAMES):
        v, u = y % PITCH - PITCH // 2, (x - 2 * n) % PITCH - PITCH // 2
        number = (y // PITCH * across + (x - 2 * n) // PITCH) % across**2
        inside = (np.hypot(v, u) < 15) & (x > 2 * n) & (y < across * PITCH)
        frames.append(np.where(inside, number + 1 + n * across**2, 0))
    path, masks = folder / "film.tif", np.stack(frames).astype(np.uint16)
    tifffile.imwrite(path, (masks > 0) * np.uint16(900), metadata={"axes": "TYX"})
    tifffile.imwrite(path.with_name("film_masks.tif"), masks)
    return path


class Bench:
    """The window, and what is done in it."""

    def __init__(self, app: QApplication, folder: Path, profile: bool) -> None:
        from cellpose_studio.app.project.scratch import new_unnamed
        from cellpose_studio.app.settings import Settings
        from cellpose_studio.ui.window.main_window import MainWindow

        self.app = app
        self.window = MainWindow(Settings.load(folder / "settings.json"), new_unnamed())
        self.window.show()
        wait(1)
        self.window.warm_up()
        until(self.idle)
        self.session = self.window.session
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

    def open(self, path: Path) -> None:
        self.window.open([path])
        until(self.idle)
        wait(1)

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
        until(self.idle)
        wait(1)


def match_ids(bench: Bench, folder: Path) -> None:
    """Give nuclei the ids of their cells, undo it, and restore what was before."""
    path = write(folder, "a.tif")
    cells = tifffile.imread(path.with_name("a_masks.tif"))
    v, u = (np.indices(cells.shape) % 40) - 20
    nuclei = np.where((cells > 0) & (np.hypot(v, u) < 8), cells.max() + 1 - cells, 0)
    tifffile.imwrite(path.with_name("a_cp_masks.tif"), nuclei.astype(np.uint16))
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
    until(bench.idle)
    wait(1)
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
    with application() as (app, folder):
        from cellpose_studio.app.session.classes import add_class

        bench = Bench(app, folder, options.profile)
        print("| longest time, ms | clock | CPU of the GUI thread |\n|---|---|---|")
        add_class(bench.session, "large")
        match_ids(bench, folder)
        link(bench, folder)
        bench.window.close()


if __name__ == "__main__":
    main()
