"""Go through the whole work on an image larger than memory, in the real window.

xvfb-run -a -s "-screen 0 1366x768x24" python tests/bench/large_image.py

An image of 16,384² px with masks of 60,840 cells, most of it empty, is opened, the
masks are corrected, a region is run, then all of it in blocks, cancelled and resumed;
it is saved as a project, opened again, corrected again and exported. Each row has the
time that it took, the longest time by which a timer of 5 ms was late, the CPU time
that the GUI thread used in the longest such time, and the largest resident memory
meanwhile: without and with the pages of files that are mapped, which the system can
put aside. With --profile, it prints where the time of the GUI thread goes; with
--shots, pictures of the window go into a folder, and with --full more of the image has
cells. A smaller --side is run in blocks if there is less --memory.
"""

from __future__ import annotations

import argparse
import threading
from collections.abc import Callable
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import tifffile
from application import application
from pulse import Pulse, until, wait
from qtpy.QtCore import QPointF, Qt, QTimer
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QMessageBox
from scipy.ndimage import gaussian_filter

PIECE, BLOCK = 1024, 2048
PITCH = 26  # px between cells of about 20
WITH_MASKS = 10  # of 64 blocks


def write(path: Path, side: int, full: int) -> Path:
    """Write an image with nuclei in ``full`` blocks, and noise of few values elsewhere.

    Masks of round cells in some blocks go into a file beside it.
    """
    random = np.random.default_rng(3)
    pixels = tifffile.memmap(path, shape=(side, side), dtype=np.uint16, bigtiff=True)
    blocks = side // BLOCK
    order = random.permutation(blocks**2).tolist()
    masks = tifffile.memmap(
        path.with_name(f"{path.stem}_masks.tif"),
        shape=(side, side),
        dtype=np.uint32,
        bigtiff=True,
    )
    y, x = np.indices((PIECE, PIECE))
    across = PIECE // PITCH
    far = np.hypot(y % PITCH - PITCH // 2, x % PITCH - PITCH // 2) > 9
    outside = far | (y >= across * PITCH) | (x >= across * PITCH)
    cells = np.where(outside, 0, y // PITCH * across + x // PITCH + 1).astype(np.uint32)
    count = 0
    for top, left in product(range(0, side, PIECE), repeat=2):
        piece = random.integers(100, 104, (PIECE, PIECE)).astype(np.float32)
        place = order.index(top // BLOCK * blocks + left // BLOCK)
        if place < max(1, WITH_MASKS * blocks**2 // 64):
            part = masks[top : top + PIECE, left : left + PIECE]
            part[cells > 0] = cells[cells > 0] + count
            count += across**2
        if place < full:
            seeds = np.zeros((PIECE, PIECE), np.float32)
            at = np.indices((PIECE // PITCH, PIECE // PITCH)) * PITCH + PITCH // 2
            seeds[tuple(at + random.integers(-3, 4, at.shape))] = 1
            blobs = gaussian_filter(seeds, 5)
            piece += 900 * (blobs / blobs.max()) ** 0.7
            piece += random.normal(scale=12, size=piece.shape)
        pixels[top : top + PIECE, left : left + PIECE] = piece
    pixels.flush()
    masks.flush()
    return path


class Memory:
    """Watches the resident memory of this process, in GB."""

    def __init__(self) -> None:
        self.worst, self.own = 0.0, 0.0
        threading.Thread(target=self._watch, daemon=True).start()

    def restart(self) -> None:
        self.worst = self.own = 0.0

    def _watch(self) -> None:
        pause = threading.Event()
        while not pause.wait(0.05):
            found = {}
            for line in Path("/proc/self/status").read_text().splitlines():
                name, _, value = line.partition(":")
                if name in ("VmRSS", "RssAnon"):
                    found[name] = int(value.split()[0]) * 1024 / 1e9
            self.worst = max(self.worst, found["VmRSS"])
            self.own = max(self.own, found["RssAnon"])


class Bench:
    """The window, and what is done with it."""

    def __init__(
        self, app: QApplication, folder: Path, profile: bool, shots: Path | None
    ) -> None:
        from cellpose_studio.app.project.scratch import new_unnamed
        from cellpose_studio.app.settings import Settings
        from cellpose_studio.ui.window.main_window import MainWindow

        self.app, self.shots, self.number = app, shots, 0
        self.window = MainWindow(Settings.load(folder / "settings.json"), new_unnamed())
        self.window.resize(1366, 768)
        self.window.show()
        wait(1)
        self.window.warm_up()
        until(self.idle)
        self.session = self.window.session
        self.memory = Memory()
        self.pulse = Pulse(profile)

    def idle(self) -> bool:
        return not any(queue.jobs for queue in self.window.services.queues)

    def timed(
        self, title: str, action: Callable[[], Any], until_done: bool = True
    ) -> None:
        """Print what an action took until all that it began is done."""
        self.pulse.restart()
        self.memory.restart()
        start = perf_counter()
        action()
        if until_done:
            until(self.idle)
        seconds = perf_counter() - start
        wait(0.5)
        late, cpu = self.pulse.worst
        memory = self.memory
        print(
            f"| {title} | {seconds:.1f} | {late:.0f} | {cpu:.0f} | {memory.own:.2f} | "
            f"{memory.worst:.2f} |",
            flush=True,
        )
        self.pulse.print_worst()
        self.shoot(title)

    def shoot(self, title: str) -> None:
        """Save a picture of the window, or of the question over it."""
        if self.shots is None:
            return
        self.number += 1
        name = f"{self.number:02}-{title.replace(' ', '-').replace(',', '')}.png"
        screen = self.app.primaryScreen()
        screen.grabWindow(0).save(str(self.shots / name))

    def answer(self) -> None:
        """Agree to the question that appears next."""

        def press() -> None:
            box = self.app.activeModalWidget()
            if not isinstance(box, QMessageBox):
                QTimer.singleShot(50, press)
                return
            print(f"({box.text()} {box.informativeText()})", flush=True)
            self.shoot("question")
            next(b for b in box.buttons() if "Run" in b.text()).click()

        QTimer.singleShot(300, press)

    # The mouse, at y and x of the image

    def at(self, y: float, x: float) -> Any:
        from qtpy.QtCore import QPoint

        ((u, v),) = self.window.canvas.camera.on_screen([(y, x)])
        return QPoint(round(u), round(v))

    def drag(self, places: list[tuple[float, float]]) -> None:
        """Draw a stroke with the left button."""
        native, none = self.window.canvas.surface, Qt.KeyboardModifier.NoModifier
        left = Qt.MouseButton.LeftButton
        QTest.mousePress(native, left, none, self.at(*places[0]))
        for place in places[1:]:
            at = self.at(*place)
            whole = QPointF(native.mapToGlobal(at))
            kind = QMouseEvent.Type.MouseMove
            move = QMouseEvent(
                kind, QPointF(at), whole, Qt.MouseButton.NoButton, left, none
            )
            QApplication.sendEvent(native, move)
            wait(0.01)
        QTest.mouseRelease(native, left, none, self.at(*places[-1]))

    def look_at(self, y: float, x: float, size: float) -> None:
        self.window.canvas.camera.center_on((y, x), size)


def run_all(bench: Bench, folder: Path, side: int, full: int) -> None:
    """Do everything once."""
    path = write(folder / "large.tif", side, full)
    window, session = bench.window, bench.session
    bench.timed("open", lambda: window.open([path]))
    image = session.shown
    print(f"({image.masks.cells:,} cells)")
    # A place with cells.
    rows, columns = place_with_cells(path)
    y, x = (rows.start + rows.stop) // 2, (columns.start + columns.stop) // 2
    bench.timed("zoom in", lambda: bench.look_at(y, x, 40))
    bench.timed("zoom out", window.canvas.reset_view)
    correct(bench, y, x)
    window.segment.parameters.main.set_values({"diameter": 20.0})
    corners = ((columns.start, rows.start), (columns.stop, rows.stop))
    window.tabs.setCurrentWidget(window.segment)
    bench.look_at(y, x, 200)
    bench.timed(
        "run on a region",
        lambda: window.regions.run_on(corners, window.canvas.plane),
    )
    print(f"({image.masks.cells:,} cells)")
    bench.look_at(y, x, 40)
    bench.timed("undo the region", session.undo)
    window.canvas.reset_view()

    def cancelled() -> None:
        bench.answer()
        window.run()
        until(lambda: "masks" in window.jobs.text.text() or bench.idle())
        wait(1)
        bench.shoot("running")
        window.jobs.cancel.click()

    bench.timed("run in blocks, cancelled", cancelled)

    def resumed() -> None:
        bench.answer()
        window.run()

    bench.timed("run in blocks, resumed", resumed)
    print(f"({image.masks.cells:,} cells; {image.masks.record.blocks})")
    for note in image.masks.record.notes:
        print(f"({note})")
    project = folder / "work.cpstudio"
    bench.timed("save the project as", lambda: window.projects.save_as(project))
    bench.timed("close the project", window.projects.close)
    bench.timed("open the project", lambda: window.projects.open(project))
    image = session.shown
    bench.timed("other masks", lambda: session.choose_label_set(image, "masks"))
    print(f"({image.masks.cells:,} cells)")
    correct(bench, y, x)
    bench.timed("undo of an earlier session", session.undo)
    for kind in ("tif", "geojson"):
        bench.timed(
            f"export {kind}",
            lambda kind=kind: window.saver.save([image], [kind], folder / "out"),
        )
    check(folder / "out", image)
    bench.timed("the table of cells", lambda: show_tab(window, window.curate))
    bench.timed("measure", lambda: show_tab(window, window.measure))
    bench.timed("leave", window.projects.close)


def show_tab(window: Any, tab: Any) -> None:
    window.tabs.setCurrentWidget(tab)


def check(out: Path, image: Any) -> None:
    """Compare the label image that was written with the masks."""
    [file] = out.glob("*_masks.tif")
    written = tifffile.imread(file)
    assert np.array_equal(written, image.masks.array)


def place_with_cells(path: Path) -> tuple[slice, slice]:
    """Return rows and columns of 1500 px in the first block with cells."""
    pixels = tifffile.memmap(path, mode="r")
    for top, left in product(range(0, len(pixels), BLOCK), repeat=2):
        if pixels[top : top + BLOCK : 4, left : left + BLOCK : 4].max() > 300:
            return slice(top + 200, top + 1700), slice(left + 200, left + 1700)
    raise AssertionError


def correct(bench: Bench, y: int, x: int) -> None:
    """Correct masks by hand around a place, and undo half of it."""
    window, session = bench.window, bench.session
    image = session.shown
    bench.timed("look at cells", lambda: bench.look_at(y, x, 40))
    near = np.unique(image.masks.array[y - 60 : y + 60, x - 60 : x + 60])
    first, second, third, *_ = near[near > 0].tolist()
    before = image.masks.array[y - 200 : y + 200, x - 200 : x + 200].copy()
    window.tools.take("brush")
    stroke = [(y + n, x + 2 * n) for n in range(-20, 21, 2)]
    bench.timed("brush", lambda: bench.drag(stroke))
    window.tools.take("select")
    bench.timed("delete", lambda: window.tools.edits.delete([first]))
    bench.timed("merge", lambda: window.tools.edits.merge([second, third]))
    after = image.masks.array[y - 200 : y + 200, x - 200 : x + 200].copy()
    assert (before != after).any()
    bench.timed("undo", session.undo)
    bench.timed("undo again", session.undo)
    bench.timed("undo the stroke", session.undo)
    now = image.masks.array[y - 200 : y + 200, x - 200 : x + 200]
    assert np.array_equal(now, before)
    for n in range(3):
        bench.timed(f"redo {n + 1}", session.redo)
    assert np.array_equal(now, after)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", type=int, default=16384)
    parser.add_argument("--full", type=int, default=1, help="blocks with cells")
    parser.add_argument("--memory", type=float, help="free memory to reckon with, GB")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--shots", type=Path)
    options = parser.parse_args()
    with application() as (app, folder):
        if options.memory:
            from cellpose_studio.app.runs import runner

            runner.free_memory = lambda: int(options.memory * 1e9)
        bench = Bench(app, folder, options.profile, options.shots)
        print(
            "| what | s | late, ms | CPU, ms | memory, GB | with mapped files, GB |\n"
            "|---|---|---|---|---|---|"
        )
        run_all(bench, folder, options.side, options.full)
        bench.window.close()


if __name__ == "__main__":
    main()
