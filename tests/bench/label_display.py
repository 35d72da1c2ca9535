"""Time the ways in which napari can show masks; docs/label-display.md has the result.

xvfb-run -a -s "-screen 0 1600x1000x24" python tests/bench/label_display.py
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
from label_options import OPTIONS, RADIUS, Labels, Option
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from cellpose_studio.app.images.large_images import LargeImages
from cellpose_studio.app.jobs import JobQueue
from cellpose_studio.core.images.levels import PlaneLimits
from cellpose_studio.paths import cache_dir
from cellpose_studio.ui.canvas import Canvas, isolate_napari

Times = npt.NDArray[np.float64]

PITCH = 36
STEPS = {
    "first show": 4,
    "new masks": 5,
    "outlines on": 3,
    "outlines off": 3,
    "brush dab, filled": 60,
    "brush dab, outlines": 60,
    "undo a stroke": 15,
    "frame, all in view": 10,
    "frame, 1:1": 10,
}


class Stage:
    """A shown viewer; it tells work, upload and drawing of a change apart."""

    def __init__(self) -> None:
        from vispy.gloo import gl

        self._gl = gl
        self._frames = 0
        large = LargeImages(JobQueue(), JobQueue(), cache_dir() / "pyramids")
        # All of it is drawn here, at any size.
        large.limits = PlaneLimits(pixels=2**40)
        self.canvas = Canvas("dark", large)
        self.viewer = self.canvas.model
        self.canvas.widget.resize(1200, 800)
        self.canvas.widget.show()
        self._scene = self.canvas.widget.canvas._scene_canvas
        self._visuals = self.canvas.widget.canvas.layer_to_visual
        self._scene.events.draw.connect(self._on_draw, position="last")
        self.settle()

    def timed(self, change: Callable[[], object]) -> tuple[float, float, float]:
        """Return the ms of ``change``, of what it sends to OpenGL, and until drawn."""
        self.settle()
        times = [perf_counter()]
        for step in (change, self._upload, self._draw):
            step()
            times.append(perf_counter())
        work, upload, draw = np.diff(times) * 1000
        return float(work), float(upload), float(draw)

    def settle(self) -> None:
        """Let everything that is due be done and drawn."""
        QApplication.processEvents()
        self._draw()

    def look(self, centre: tuple[float, float], zoom: float) -> None:
        """Move the camera."""
        self.viewer.scene.camera.center = (0, *centre)
        self.viewer.scene.camera.zoom = zoom

    def _upload(self) -> None:
        self._scene.set_current()
        for visual in self._visuals.values():
            # What replaces a whole texture waits for the next frame otherwise.
            if visual.node._need_texture_upload:
                visual.node._build_texture()
        self._scene.context.flush_commands()
        self._gl.glFinish()

    def _draw(self) -> None:
        before = self._frames
        self._scene.native.update()
        while self._frames == before:
            QApplication.processEvents()

    def _on_draw(self, _: Any) -> None:
        # Mesa draws in threads of its own: without waiting, its time is nobody's.
        self._gl.glFinish()
        self._frames += 1


def measure(stage: Stage, option: Option, repeats: dict[str, int]) -> dict[str, Times]:
    """Return for each step the (repeat, 3) ms of work, upload and drawing."""
    height, width = option.labels.shape
    middle = height // 2, width // 2
    rng = np.random.default_rng(0)

    def run(step: str, change: Callable[[int], object]) -> None:
        rows = [stage.timed(partial(change, i)) for i in range(repeats[step])]
        found[step] = np.array(rows)

    def dab(_: int) -> None:
        option.dab(*(middle + rng.integers(-150, 150, 2)))

    found: dict[str, Times] = {}
    rows = []
    for _ in range(repeats["first show"]):
        rows.append(stage.timed(option.show))
        option.remove()
    found["first show"] = np.array(rows)
    option.show()
    stage.viewer.reset_view()
    run("new masks", lambda _: option.renew())
    switches = [
        stage.timed(partial(option.outlines, on))
        for on in (True, False) * repeats["outlines on"]
    ]
    found["outlines on"], found["outlines off"] = map(
        np.array, (switches[::2], switches[1::2])
    )
    whole = stage.viewer.scene.camera.zoom
    run("frame, all in view", lambda i: stage.look(middle, whole * (1 + i / 100)))
    run("frame, 1:1", lambda i: stage.look((middle[0] + 5 * i, middle[1]), 1))
    run("brush dab, filled", dab)
    option.outlines(True)
    run("brush dab, outlines", dab)
    option.outlines(False)
    found["undo a stroke"] = np.array(
        [stage.timed(_stroke(option, middle)) for _ in range(repeats["undo a stroke"])]
    )
    option.remove()
    return found


def measure_planes(stage: Stage, option: Option) -> Times:
    """Return the (plane, 3) ms of going through a stack plane by plane."""
    option.show()
    stage.viewer.reset_view()
    stage.viewer.dims.set_current_step(0, 0)
    rows = [
        stage.timed(partial(stage.viewer.dims.set_current_step, 0, z))
        for z in range(1, len(option.labels))
    ]
    option.remove()
    return np.array(rows)


def measure_memory(stage: Stage, option: Option) -> tuple[float, float]:
    """Return the MiB that showing takes while shown and at most, outlines included."""
    gc.collect()
    stage.settle()
    before, _ = _resident()
    # Linux: let the peak start from here.
    Path("/proc/self/clear_refs").write_text("5")
    option.show()
    stage.settle()
    option.outlines(True)
    stage.settle()
    shown, peak = _resident()
    option.remove()
    return shown - before, peak - before


def cells(height: int, width: int) -> Labels:
    """Return labels (height, width) of ellipses on a jittered grid."""
    rng = np.random.default_rng(0)
    labels = np.zeros((height, width), np.uint32)
    half = PITCH // 2
    down, right = np.ogrid[-half:half, -half:half]
    corners = [
        (y, x)
        for y in range(0, height - PITCH + 1, PITCH)
        for x in range(0, width - PITCH + 1, PITCH)
    ]
    for cell, (y, x) in enumerate(corners, start=1):
        tall, wide = rng.uniform(10, 17, 2)
        dy, dx = rng.uniform(-4, 4, 2)
        inside = ((down - dy) / tall) ** 2 + ((right - dx) / wide) ** 2 <= 1
        labels[y : y + PITCH, x : x + PITCH][inside] = cell
    return labels


def table(title: str, columns: Iterable[str], rows: dict[str, list[str]]) -> None:
    """Print Markdown."""
    names = list(columns)
    print(f"\n| {title} | {' | '.join(names)} |")
    print("|---" * (len(names) + 1) + "|")
    for step, values in rows.items():
        print(f"| {step} | {' | '.join(values)} |")


def main() -> None:
    """Measure all options on a small image, a large one and a stack."""
    isolate_napari(None)
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    app = QApplication([])
    stage = Stage()
    once = dict.fromkeys(STEPS, 1)
    titles = [kind.title for kind in OPTIONS]
    small, large = cells(512, 512), cells(8192, 8192)
    for kind in OPTIONS:  # imports and compilations
        measure(stage, kind(stage.viewer, small.copy()), once)
    for labels in (small, large):
        found = [
            measure(stage, kind(stage.viewer, labels.copy()), STEPS) for kind in OPTIONS
        ]
        name = f"{labels.shape[0]}², {labels.max()} cells"
        for part, columns in (("work and upload", 2), ("until drawn", 3)):
            table(
                f"{name}: {part} (ms, median / p95)",
                titles,
                {step: [_brief(f[step], columns) for f in found] for step in STEPS},
            )
    plane = cells(2048, 2048)
    stack = np.stack([np.roll(plane, 7 * z, axis=1) for z in range(20)])
    planes = [measure_planes(stage, kind(stage.viewer, stack)) for kind in OPTIONS]
    memory = [measure_memory(stage, kind(stage.viewer, large)) for kind in OPTIONS]
    table(
        "20 × 2048², and memory of 8192²",
        titles,
        {
            "next plane, work and upload (ms)": [_brief(times, 2) for times in planes],
            "next plane, until drawn (ms)": [_brief(times, 3) for times in planes],
            "memory, shown / peak (MiB)": [f"{s:.0f} / {p:.0f}" for s, p in memory],
        },
    )
    print("\nlargest texture:", stage.canvas.widget.canvas.max_texture_sizes)
    stage.canvas.close()
    app.quit()


def _stroke(option: Option, middle: tuple[int, int]) -> Callable[[], None]:
    """Paint a stroke and return what undoes it."""
    y, x = middle
    box = slice(y - RADIUS, y + RADIUS + 1), slice(x - 75 - RADIUS, x + 75 + RADIUS + 1)
    before = option.labels[box].copy()
    for at in range(x - 75, x + 76, 5):
        option.dab(y, at)
    return lambda: option.put_back(box, before)


def _brief(times: Times, columns: int) -> str:
    """Return median and 95th percentile of the sums of the first columns."""
    median, high = np.percentile(times[:, :columns].sum(axis=1), (50, 95))
    return f"{median:.3g} / {high:.3g}" if high < 1000 else f"{median:.0f} / {high:.0f}"


def _resident() -> tuple[float, float]:
    """Return the memory in MiB that the process has now, and its peak (Linux)."""
    status = Path("/proc/self/status").read_text()
    now, peak = (
        int(re.search(rf"{name}:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]
        for name in ("VmRSS", "VmHWM")
    )
    return now, peak


if __name__ == "__main__":
    main()
