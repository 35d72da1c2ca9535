"""Time the list of images with 10,000 of them; docs/benchmarks.md has the result.

xvfb-run -a -s "-screen 0 1366x768x24" python tests/bench/image_list.py [IMAGES]

Every image is a file of its own, so every thumbnail is made from pixels. A timer of
5 ms runs in the real window; how much later than that it fires is the delay that a
user feels.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import tifffile
from application import application
from pulse import Pulse, until, wait
from qtpy.QtCore import QEvent, QObject

SIDE = 96  # px


class Painted(QObject):
    """Notes when a list was painted first with something in it."""

    def __init__(self, view: Any) -> None:
        super().__init__()
        self.when = 0.0
        self._view = view
        view.viewport().installEventFilter(self)

    def eventFilter(self, _: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint and self._view.model().rowCount():
            self.when = self.when or perf_counter()
        return False


def make_project(folder: Path, number: int) -> Path:
    """Make a project of small images; a third of them has masks."""
    from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
    from cellpose_studio.app.project.project import Project
    from cellpose_studio.app.session.session import Session
    from cellpose_studio.io.images.reader import open_images

    random = np.random.default_rng(0)
    sources = []
    for n in range(number):
        path = folder / "images" / f"plate {n // 384:02} well {n % 384:03}.tif"
        path.parent.mkdir(exist_ok=True)
        pixels = random.integers(0, 4000, (SIDE, SIDE), np.uint16)
        tifffile.imwrite(path, pixels, photometric="minisblack")
        sources += open_images(path)
    path = folder / "many.cpstudio"
    session = Session(project := Project.create(path))
    images = session.add(sources)
    for n, image in enumerate(images[::3]):
        labels = LabelImage(np.full((SIDE, SIDE), 1, np.uint32))
        session.replace_masks(
            image, LabelSet(name="cells", pixels=labels, origin="made", cells=n), "Run"
        )
    for image in images[::9]:
        session.set_reviewed(image, True)
    project.close()
    return path


class Bench:
    """The window, and what is done with its list."""

    def __init__(self, folder: Path) -> None:
        from cellpose_studio.app.project.scratch import new_unnamed
        from cellpose_studio.app.settings import Settings
        from cellpose_studio.ui.window.main_window import MainWindow

        self.window = MainWindow(Settings.load(folder / "settings.json"), new_unnamed())
        self.window.show()
        self.images = self.window.images
        self.thumbnails = 0
        self.window.background.thumbnails.made.connect(self._on_made)
        wait(1)
        self.pulse = Pulse()

    def _on_made(self, *_: object) -> None:
        self.thumbnails += 1

    def timed(self, title: str, action: Callable[[], Any]) -> None:
        """Print how late the event loop was meanwhile."""
        self.pulse.restart()
        before, start = self.thumbnails, perf_counter()
        end = action() or perf_counter()
        seconds = end - start
        wait(0.3)
        if made := self.thumbnails - before:
            title += f", {made} thumbnails came"
        print(self.pulse.row(title, seconds, digits=2), flush=True)

    def open(self, path: Path) -> float:
        """Open the project; return when its images were painted."""
        painted = Painted(self.images.view)
        self.window.open([path])
        until(lambda: bool(painted.when))
        return painted.when

    def wheel(self) -> None:
        """Scroll by three rows at a time, as fast as a wheel turns."""
        bar = self.images.view.verticalScrollBar()
        for _ in range(150):
            bar.setValue(bar.value() + 144)
            wait(0.03)

    def drag(self) -> None:
        """Jump all over the list, resting here and there."""
        bar = self.images.view.verticalScrollBar()
        random = np.random.default_rng(0)
        for n, place in enumerate(random.random(150)):
            bar.setValue(int(place * bar.maximum()))
            wait(0.2 if n % 10 == 0 else 0.02)

    def filter(self) -> None:
        for text in ("0", "01", "01 w", "01 we", "01 wel", "01 well 2", ""):
            self.images.filter.setText(text)
            wait(0.15)

    def choose_status(self) -> None:
        for row in range(self.images.status.count()):
            self.images.status.setCurrentIndex(row)
            wait(0.15)
        self.images.status.setCurrentIndex(0)

    def badges(self) -> None:
        """Say of all that they wait, as a queue of runs does."""
        for image in self.window.session.images:
            self.images.model.set_badge(image.source.key, "waiting")

    def edit(self) -> None:
        """Say that masks have changed, as a hundred strokes do."""
        from cellpose_studio.app.masks.events import MasksChange

        session = self.window.session
        for image in session.images[:300:3]:
            session.masks_changed.emit(
                MasksChange(image=image, name="cells", kind="loaded")
            )

    def step(self, steps: int = 50) -> None:
        for _ in range(steps):
            self.images.step(1)
            wait(0.01)

    def neighbour(self) -> float:
        """Return how long it takes to find the next image, in ms."""
        images, start = self.window.session.images, perf_counter()
        for image in images[::100]:
            self.images.filtered.neighbour(image.source.key, 1)
        return (perf_counter() - start) * 1000 / len(images[::100])


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with application() as (app, folder):
        path = make_project(folder, number)
        bench = Bench(folder)
        print(f"{number:,} images\n")
        print(
            "| late by, ms | s in all | median | p95 | worst |\n|---|---|---|---|---|"
        )
        bench.timed("from Open to the painted list", lambda: bench.open(path))
        wait(2)
        bench.timed("scrolling by the wheel", bench.wheel)
        bench.timed("jumping about", bench.drag)
        bench.timed("the same again", bench.drag)
        bench.timed("typing into the filter, 7 texts", bench.filter)
        bench.timed("choosing each status", bench.choose_status)
        bench.timed("a badge on every image", bench.badges)
        bench.timed("new masks on 100 images", bench.edit)
        first = bench.window.session.images[0]
        bench.window.session.show(first.source.key)
        wait(1)
        bench.timed("D pressed 50 times, image on the canvas", bench.step)
        print(f"\nFinding the next image takes {bench.neighbour():.3f} ms.")
        bench.window.close()
        app.processEvents()


if __name__ == "__main__":
    main()
