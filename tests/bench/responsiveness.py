"""Time how late the event loop is while jobs run; docs/benchmarks.md has the result.

xvfb-run -a -s "-screen 0 1366x768x24" python tests/bench/responsiveness.py

A timer of 5 ms runs in the real window; how much later than that it fires is the
delay that a user feels. Cancel is timed from the click to the end of the job.

With --held, it prints what holds the event loop longest instead: by the clock, by the
CPU time of the GUI thread, which is ours on a busy computer, too, and by that of the
application itself, without napari and drawing; with --profile or --places, also where
that goes. With --busy N, N other processes keep the processor busy
meanwhile.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import tifffile
from application import application
from engine_cases import write_transformer
from load import busy
from pulse import Pulse, until, wait
from qtpy.QtWidgets import QApplication

from cellpose_studio.app.masks.project_image import ProjectImage


def cells(path: Path, shape: tuple[int, ...], axes: str) -> Path:
    """Write a picture of round cells of 20 px."""
    random = np.random.default_rng(0)
    y, x = np.indices(shape[-2:]) % 32 - 16
    plane = 2000 / (1 + np.exp(np.hypot(y, x) - 10))
    pixels = random.poisson(100 + np.broadcast_to(plane, shape)).astype(np.uint16)
    tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": axes, "spacing": 1})
    return path


def with_masks(path: Path) -> Path:
    """Write masks with a round cell of 20 px in each square of 32 beside an image."""
    shape = tifffile.imread(path).shape
    y, x = np.indices(shape[-2:])
    inside = np.hypot(y % 32 - 16, x % 32 - 16) < 10
    labels = np.where(inside, y // 32 * (shape[-1] // 32) + x // 32 + 1, 0)
    masks = np.broadcast_to(labels.astype(np.uint16), shape)
    tifffile.imwrite(path.with_name(f"{path.stem}_masks.tif"), masks)
    return path


class Bench:
    """The window, and what is done with it."""

    def __init__(
        self, app: QApplication, folder: Path, profile: bool, places: bool
    ) -> None:
        from cellpose_studio.app.project.scratch import new_unnamed
        from cellpose_studio.app.settings import Settings
        from cellpose_studio.ui.window.main_window import MainWindow

        self.app = app
        self.window = MainWindow(Settings.load(folder / "settings.json"), new_unnamed())
        self.window.show()
        wait(1)
        self.pulse = Pulse(profile)
        self._places = places

    def idle(self) -> bool:
        return not any(queue.jobs for queue in self.window.services.queues)

    def open(self, path: Path, diameter: float | None) -> None:
        self.window.open([path])
        until(self.idle)
        self.window.segment.parameters.main.set_values({"diameter": diameter})

    def timed(self, title: str, action: Callable[[], Any]) -> None:
        """Print how late the event loop was until all that ``action`` began is done."""
        self.pulse.restart()
        start = perf_counter()
        action()
        until(self.idle)
        seconds = perf_counter() - start
        # The result is painted after the job has ended.
        wait(0.3)
        print(self.pulse.row(title, seconds), flush=True)

    def held(self, title: str, action: Callable[[], Any]) -> None:
        """Print how long the event loop was held, until all is done."""
        self.pulse.restart()
        action()
        until(self.idle)
        # The result is painted after the job has ended.
        wait(0.5)
        late, cpu, own, *_ = self.pulse.worst
        print(f"| {title} | {late:.0f} | {cpu:.0f} | {own:.0f} |", flush=True)
        if self._places:
            self.pulse.print_places()
        self.pulse.print_worst()

    def drag(self) -> None:
        """Move the slider of the cell probability, slowly enough to make masks."""
        slider = self.window.segment.result.sliders["cellprob_threshold"]
        for value in np.linspace(-3, 3, 25):
            slider.set_value(float(value))
            wait(0.15)

    def show_training(self, image: ProjectImage) -> None:
        """Mark an image for training, and show what is trained."""
        self.window.services.training.set_role([image], "train")
        train = self.window.train
        self.window.tabs.setCurrentWidget(train)
        train.pages.setCurrentIndex(1)
        train.build().form.form.set_values({"n_epochs": 3, "validate_every": 1})

    def cancelled(self, title: str, step: str) -> None:
        """Print how long a run goes on after Cancel, in the middle of a step."""
        self.window.run()
        bar = self.window.jobs
        until(lambda: step in bar.text.text())
        wait(0.7)
        start = perf_counter()
        bar.cancel.click()
        until(self.idle)
        print(f"| {title} | {perf_counter() - start:.2f} |", flush=True)


def print_held(bench: Bench, folder: Path) -> None:
    """Print how long the event loop is held by what a user waits for."""
    large = [
        with_masks(cells(folder / f"{name}.tif", (4096, 4096), "YX")) for name in "ab"
    ]
    stack = with_masks(cells(folder / "stack.tif", (64, 512, 512), "ZYX"))
    session, actions = bench.window.session, bench.window.menus.actions
    print(
        "| held, ms | clock | CPU of the GUI thread | of the application itself |\n"
        "|---|---|---|---|"
    )
    bench.held("loading torch and Cellpose", bench.window.warm_up)
    bench.held("opening 4096² with masks", lambda: bench.window.open([large[0]]))
    bench.held("opening another one", lambda: bench.window.open([large[1]]))
    first, second = session.images
    bench.held("the first one again", lambda: session.show(first.source.key))
    bench.held("the second one again", lambda: session.show(second.source.key))
    bench.held("grow all", actions["grow"].trigger)
    bench.held("undo", session.undo)
    bench.held("redo", session.redo)
    bench.held("opening 64 × 512² with masks", lambda: bench.window.open([stack]))
    rendering = bench.window.canvas.rendering
    bench.held("enter 3D", lambda: rendering.set_on(True))
    bench.held("leave 3D", lambda: rendering.set_on(False))
    small = with_masks(cells(folder / "small.tif", (512, 512), "YX"))
    bench.window.open([small])
    until(bench.idle)
    bench.held("the Train tab", lambda: bench.show_training(session.shown))
    start = bench.window.train.build().start
    bench.held("the first training, 512²", start)
    bench.held("another training", start)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--held", action="store_true")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--places", action="store_true")
    parser.add_argument("--busy", type=int, default=0, metavar="N")
    options = parser.parse_args()
    with application() as (app, folder), busy(options.busy):
        bench = Bench(app, folder, options.profile, options.places)
        (print_held if options.held else print_late)(bench, folder)
        bench.window.close()


def print_late(bench: Bench, folder: Path) -> None:
    """Print how late the event loop is during jobs, and how soon Cancel acts."""
    large = cells(folder / "large.tif", (2048, 2048), "YX")
    stack = cells(folder / "stack.tif", (24, 256, 256), "ZYX")
    print("| late by, ms | s in all | median | p95 | worst |\n|---|---|---|---|---|")
    bench.timed("idle, nothing open", lambda: wait(3))
    bench.timed("loading torch and Cellpose", bench.window.warm_up)
    bench.timed("opening 2048²", lambda: bench.open(large, 20.0))
    bench.timed("opening a stack", lambda: bench.open(stack, 20.0))
    bench.open(large, 20.0)
    bench.timed("first run, 2048², 20 px", bench.window.run)
    bench.timed("run again", bench.window.run)
    bench.timed("dragging a threshold", bench.drag)
    bench.open(large, None)
    bench.timed("automatic diameter", bench.window.run)
    bench.open(stack, 20.0)
    bench.timed("volume, 24 × 256², 20 px", bench.window.run)
    print("\n| from Cancel to the end | s |\n|---|---|")
    bench.open(large, 20.0)
    bench.cancelled("the shipped U-Net, 2048², network", "tile")
    bench.cancelled("the same, masks", "masks")
    bench.window.models.add(write_transformer(folder / "cpsam"))
    until(bench.idle)
    bench.cancelled("Cellpose 4's Transformer, full size, loading", "loading")
    bench.cancelled("the same, network on the CPU", "tile")


if __name__ == "__main__":
    main()
