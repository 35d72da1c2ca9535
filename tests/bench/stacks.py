"""Time planes and 3D of a stack, and a large image; docs/benchmarks.md has the result.

xvfb-run -a -s "-screen 0 1366x768x24" python tests/bench/stacks.py

The window is the real one. CPU time is that of the GUI thread, in which the software
renderer does a part of its work.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter, thread_time
from typing import Any

import numpy as np
import tifffile
from application import application, masks_of
from pulse import until, wait
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication

ROUNDS = 3


class Longest:
    """The longest time that the event loop was held: wall and CPU, ms."""

    def __init__(self) -> None:
        self._timer = QTimer(interval=5)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_timeout)
        self._timer.start()
        self.restart()

    def restart(self) -> None:
        self._last = perf_counter(), thread_time()
        self.held = 0.0, 0.0

    def _on_timeout(self) -> None:
        now = perf_counter(), thread_time()
        self.held = max(
            self.held, ((now[0] - self._last[0]) * 1e3, (now[1] - self._last[1]) * 1e3)
        )
        self._last = now


def masked(path: Path, shape: tuple[int, ...], axes: str) -> Path:
    """Write cells of 20 px and their masks beside them."""
    random = np.random.default_rng(0)
    y, x = np.indices(shape[-2:])
    far = np.hypot(y % 32 - 16, x % 32 - 16)
    number = y // 32 * (shape[-1] // 32) + x // 32 + 1
    plane = 2000 / (1 + np.exp(far - 10))
    pixels = random.poisson(100 + np.broadcast_to(plane, shape)).astype(np.uint16)
    how = {"imagej": True, "metadata": {"axes": axes, "spacing": 1}}
    tifffile.imwrite(path, pixels, **how)
    masks = np.broadcast_to((far < 10) * number, shape)
    np.save(path.with_suffix(".npy"), masks.astype(np.uint32))
    return path


class Bench:
    """The window, and what is done with it."""

    def __init__(self, app: QApplication, folder: Path) -> None:
        from cellpose_studio.app.project.scratch import new_unnamed
        from cellpose_studio.app.settings import Settings
        from cellpose_studio.ui.window.main_window import MainWindow

        self.app, self.times = app, {}
        self.window = MainWindow(Settings.load(folder / "settings.json"), new_unnamed())
        self.window.show()
        self.window.warm_up()
        until(self.idle)
        wait(1)
        self.canvas = self.window.canvas
        self.longest = Longest()

    def idle(self) -> bool:
        return not any(queue.jobs for queue in self.window.services.queues)

    def open(self, path: Path) -> None:
        """Open an image and give it its masks as of a run."""
        self.window.open([path])
        until(self.idle)
        self.put(path)
        until(self.idle)
        wait(0.5)

    def put(self, path: Path) -> None:
        labels = masks_of(np.load(path.with_suffix(".npy")))
        session = self.window.session
        session.replace_masks(session.shown, labels, "Run")

    def timed(self, what: str, action: Callable[[], Any]) -> None:
        """Do something, and draw; note the time of each."""
        start = perf_counter(), thread_time()
        action()
        done = perf_counter(), thread_time()
        self.app.processEvents()
        end = perf_counter(), thread_time()
        row = [
            done[0] - start[0],
            done[1] - start[1],
            end[0] - done[0],
            end[1] - done[1],
        ]
        self.times.setdefault(what, []).append(row)

    def held(self, what: str, action: Callable[[], Any]) -> None:
        """Do something; note the longest time that the event loop was held."""
        self.longest.restart()
        action()
        until(self.idle)
        wait(0.5)
        self.times.setdefault(what, []).append([*self.longest.held, 0, 0])

    def planes(self) -> None:
        self.canvas.step("Z", -30)
        self.app.processEvents()
        for _ in range(23):
            self.timed("next plane", lambda: self.canvas.step("Z", 1))
            wait(0.02)

    def in_3d(self) -> None:
        for what, on in (("enter 3D", True), ("leave 3D", False)):
            self.timed(what, lambda on=on: self.canvas.rendering.set_on(on))
            wait(0.5)

    def print(self) -> None:
        print(
            "| what | times | it, ms: p50 | p95 | CPU p50 | p95 "
            "| drawing, ms: p50 | p95 | CPU p50 | p95 |\n" + "|---" * 10 + "|"
        )
        for what, rows in self.times.items():
            scale = 1 if what.startswith("longest") else 1000
            found = np.percentile(np.array(rows) * scale, (50, 95), axis=0).T.ravel()
            cells = " | ".join(f"{value:.0f}" for value in found)
            print(f"| {what} | {len(rows)} | {cells} |", flush=True)


def main() -> None:
    with application() as (app, folder):
        bench = Bench(app, folder)
        stack = masked(folder / "stack.tif", (24, 512, 512), "ZYX")
        large = masked(folder / "large.tif", (4096, 4096), "YX")
        bench.open(stack)
        bench.open(large)
        session = bench.window.session
        at = {image.source.path: image.source.key for image in session.images}
        for _ in range(ROUNDS):
            session.show(at[stack])
            wait(0.5)
            bench.planes()
            bench.in_3d()
            bench.held("longest hold, 4096² shown", lambda: session.show(at[large]))
        bench.print()
        bench.window.close()


if __name__ == "__main__":
    main()
