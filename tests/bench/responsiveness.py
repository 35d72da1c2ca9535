"""Time how late the event loop is while jobs run; docs/benchmarks.md has the result.

xvfb-run -a -s "-screen 0 1366x768x24" python tests/bench/responsiveness.py

A timer of 5 ms runs in the real window; how much later than that it fires is the
delay that a user feels. Cancel is timed from the click to the end of the job.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import tifffile
from application import application
from pulse import Pulse, until, wait
from qtpy.QtWidgets import QApplication


def cells(path: Path, shape: tuple[int, ...], axes: str) -> Path:
    """Write a picture of round cells of 20 px."""
    random = np.random.default_rng(0)
    y, x = np.indices(shape[-2:]) % 32 - 16
    plane = 2000 / (1 + np.exp(np.hypot(y, x) - 10))
    pixels = random.poisson(100 + np.broadcast_to(plane, shape)).astype(np.uint16)
    tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": axes, "spacing": 1})
    return path


def transformer(path: Path) -> Path:
    """Write a Cellpose 4 network of full size with random weights."""
    import torch

    from cellpose_studio.engine.torchvision_ops import make_importable

    make_importable()
    from cellpose import vit

    torch.save(vit.CPSAM().state_dict(), path)
    return path


class Bench:
    """The window, and what is done with it."""

    def __init__(self, app: QApplication, folder: Path) -> None:
        from cellpose_studio.app.project.scratch import new_unnamed
        from cellpose_studio.app.settings import Settings
        from cellpose_studio.ui.window.main_window import MainWindow

        self.app = app
        self.window = MainWindow(Settings.load(folder / "settings.json"), new_unnamed())
        self.window.show()
        wait(1)
        self.pulse = Pulse()

    def idle(self) -> bool:
        return not (
            self.window.services.gpu_jobs.jobs or self.window.services.io_jobs.jobs
        )

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

    def drag(self) -> None:
        """Move the slider of the cell probability, slowly enough to make masks."""
        slider = self.window.segment.result.sliders["cellprob_threshold"]
        for value in np.linspace(-3, 3, 25):
            slider.set_value(float(value))
            wait(0.15)

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


def main() -> None:
    with application() as (app, folder):
        bench = Bench(app, folder)
        large = cells(folder / "large.tif", (2048, 2048), "YX")
        stack = cells(folder / "stack.tif", (24, 256, 256), "ZYX")
        print(
            "| late by, ms | s in all | median | p95 | worst |\n|---|---|---|---|---|"
        )
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
        bench.window.models.add(transformer(folder / "cpsam"))
        until(bench.idle)
        bench.cancelled("Cellpose 4's Transformer, full size, loading", "loading")
        bench.cancelled("the same, network on the CPU", "tile")
        bench.window.close()


if __name__ == "__main__":
    main()
