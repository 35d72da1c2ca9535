"""Go through the whole work on an image larger than memory, in the real window.

xvfb-run -a -s "-screen 0 1366x768x24" python tests/bench/large_image.py

Copies of a real image of nuclei, tiled with flips to 16,384² px, are opened with true
masks in a part of them. The masks are corrected, a region is run, and all of it is
saved as a project. Then the image is run in blocks: this is cancelled, begun again, and
the process killed. Another one opens the project, lets the run go on to its end,
corrects the masks, closes and opens the project, corrects again and exports. Each row
has the time that it took, the longest time by which a timer of 5 ms was late, the CPU
time that the GUI thread used in the longest such time, and that of the application
itself, without napari and drawing; the largest resident memory meanwhile: without and
with the pages of files that are mapped, which the system can put aside; and the disk
space of runs in blocks and of mapped masks. With --slide, tissue fills that share of
the image, and noise the rest, in a TIFF of tiles.

With --profile, it prints where the time of the GUI thread goes, with --places, where
looks at it find it, which takes no longer; with --shots, pictures
of the window go into a folder. With --full, only so many blocks of 2048² px have cells.
A smaller --side is run in blocks if there is less --memory. With --no-run, only a
region is run.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import tifffile
from application import application
from disk import Disk
from memory import Memory
from pulse import Pulse, until, wait
from qtpy.QtCore import QPointF, Qt, QTimer
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QMessageBox
from tiled import (
    BLOCK,
    DIAMETER,
    SOURCE,
    masks_of,
    random_blocks,
    tissue,
    write_masks,
    write_slide,
    write_tiled,
)

HEAD = (
    "| what | s | late, ms | CPU, ms | own, ms | memory, GB | with mapped files, GB "
    "| disk, GB |\n"
    "|---|---|---|---|---|---|---|---|"
)


class Bench:
    """The window, and what is done with it."""

    def __init__(
        self, app: QApplication, folder: Path, options: argparse.Namespace
    ) -> None:
        from cellpose_studio.app.project.scratch import new_unnamed
        from cellpose_studio.app.settings import Settings
        from cellpose_studio.paths import cache_dir
        from cellpose_studio.ui.window.main_window import MainWindow

        self.app, self.shots = app, options.shots
        self.places = options.places
        self.window = MainWindow(Settings.load(folder / "settings.json"), new_unnamed())
        self.window.resize(1366, 768)
        self.window.show()
        wait(1)
        self.window.warm_up()
        until(self.idle)
        self.session = self.window.session
        self.memory = Memory()
        self.disk = Disk(cache_dir() / "blocks")
        self.pulse = Pulse(options.profile)

    def idle(self) -> bool:
        return not any(queue.jobs for queue in self.window.services.queues)

    def timed(
        self, title: str, action: Callable[[], Any], until_done: bool = True
    ) -> None:
        """Print what an action took until all that it began is done."""
        self.restart()
        start = perf_counter()
        action()
        if until_done:
            until(self.idle)
        self.row(title, perf_counter() - start)

    def restart(self) -> None:
        for watch in (self.pulse, self.memory, self.disk):
            watch.restart()

    def row(self, title: str, seconds: float) -> None:
        wait(0.5)
        late, cpu, own, *_ = self.pulse.worst
        memory, disk = self.memory, self.disk.state + self.disk.mapped
        print(
            f"| {title} | {seconds:.1f} | {late:.0f} | {cpu:.0f} | {own:.0f} | "
            f"{memory.own:.2f} | {memory.whole:.2f} | {disk:.2f} |",
            flush=True,
        )
        if self.places:
            self.pulse.print_places()
        self.pulse.print_worst()
        self.shoot(title)

    def shoot(self, title: str) -> None:
        """Save a picture of the window, or of the question over it."""
        if self.shots is None:
            return
        number = len([*self.shots.glob("*.png")])
        name = f"{number:02}-{title.replace(' ', '-').replace(',', '')}.png"
        screen = self.app.primaryScreen()
        screen.grabWindow(0).save(str(self.shots / name))

    def answer(self, button: str = "Run") -> None:
        """Agree to the question that appears next."""

        def press() -> None:
            box = self.app.activeModalWidget()
            if not isinstance(box, QMessageBox):
                QTimer.singleShot(50, press)
                return
            print(f"({box.text()} {box.informativeText()})", flush=True)
            self.shoot("question")
            next(b for b in box.buttons() if button in b.text()).click()

        QTimer.singleShot(300, press)

    def until_said(self, what: str, more: int) -> None:
        """Wait until the job is at so many more steps of ``what`` than at first."""
        first: int | None = None

        def done() -> bool:
            nonlocal first
            text, at = self.window.jobs.text.text(), self.window.jobs.bar.value()
            if first is None and f" {what} " in text:
                first = at
            return self.idle() or (first is not None and at >= first + more)

        until(done)
        print(
            f"({self.window.jobs.text.text()}, {self.window.jobs.remaining.text()})",
            flush=True,
        )

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


def until_killed(bench: Bench, folder: Path, with_run: bool) -> None:
    """Do what comes before the run is killed."""
    path = folder / "large.tif"
    window, session = bench.window, bench.session
    bench.timed("open", lambda: window.open([path]))
    image = session.shown
    print(f"({image.masks.cells:,} cells)")
    y, x = place_with_masks(image)
    bench.timed("zoom in", lambda: bench.look_at(y, x, 40))
    bench.timed("zoom out", window.canvas.reset_view)
    correct(bench, y, x)
    window.segment.parameters.main.set_values({"diameter": DIAMETER})
    corners = ((x - 600, y - 600), (x + 600, y + 600))
    window.tabs.setCurrentWidget(window.segment)
    bench.look_at(y, x, 200)
    bench.timed(
        "run on a region",
        lambda: window.regions.run_on(corners, window.canvas.plane),
    )
    print(f"({image.masks.cells:,} cells; {session.shown.masks.origin})")
    bench.look_at(y, x, 40)
    bench.timed("undo the region", session.undo)
    print(f"({image.masks.cells:,} cells)")
    project = folder / "work.cpstudio"
    bench.timed("save the project as", lambda: window.projects.save_as(project))
    (folder / "before").write_text(digest(session.shown.masks.array))
    window.canvas.reset_view()
    if not with_run:
        bench.timed("leave", window.projects.close)
        return

    def cancelled() -> None:
        bench.answer()
        window.run()
        bench.until_said("tile", 60)
        bench.shoot("running")
        window.jobs.cancel.click()

    bench.timed("run in blocks, cancelled", cancelled)
    bench.answer()
    bench.restart()
    started = perf_counter()
    window.run()
    bench.until_said("masks", 3)
    bench.row("run in blocks, killed", perf_counter() - started)
    os.kill(os.getpid(), signal.SIGKILL)


def after_kill(bench: Bench, folder: Path, with_run: bool) -> None:
    """Do what comes after the run was killed, in another window."""
    window, session = bench.window, bench.session
    project = folder / "work.cpstudio"
    bench.timed("open the project", lambda: window.projects.open(project))
    image = session.shown
    before = (folder / "before").read_text()
    assert before == digest(image.masks.array), "corrections were lost"
    y, x = place_with_masks(image)
    window.tabs.setCurrentWidget(window.segment)
    window.segment.parameters.main.set_values({"diameter": DIAMETER})
    if with_run:

        def resumed() -> None:
            bench.answer()
            window.run()
            bench.until_said("masks", 3)
            bench.shoot("resumed")

        bench.timed("run in blocks, resumed", resumed)
        print(f"({image.masks.cells:,} cells; {image.masks.record.blocks})")
        for note in image.masks.record.notes:
            print(f"({note})")
    y, x = correct(bench, y, x)
    now = digest(image.masks.array)
    bench.timed("close the project", window.projects.close)
    bench.timed("open the project again", lambda: window.projects.open(project))
    image = session.shown
    bench.timed("the masks", lambda: session.choose_label_set(image, image.active))
    assert now == digest(image.masks.array), "corrections were lost"
    print(f"({image.masks.cells:,} cells)")
    bench.look_at(y, x, 40)
    bench.timed("undo of an earlier session", session.undo)
    correct(bench, y, x)
    export(bench, folder / "out")


def export(bench: Bench, out: Path) -> None:
    """Export the masks of the image shown, and look at tables of them."""
    window, session = bench.window, bench.session
    image = session.shown
    for kind in ("tif", "ome-tiff", "ome-zarr", "geojson"):
        bench.timed(
            f"export {kind}",
            # A folder of its own, or the user would be asked about the table of ids.
            lambda kind=kind: window.saver.save([image], [kind], out / kind),
        )
    check(out, image)
    bench.timed("the table of cells", lambda: show_tab(window, window.curate))
    bench.timed("measure", lambda: show_tab(window, window.measure))
    [zarr] = out.glob("*/*.ome.zarr")
    bench.timed("open the OME-Zarr", lambda: window.open([zarr]))
    print(f"({session.shown.masks.cells if session.shown.masks else 0:,} cells)")
    bench.timed("show the first image", lambda: session.show(image.source.key))
    bench.timed("leave", window.projects.close)


def digest(masks: Any) -> str:
    return hashlib.sha256(masks).hexdigest()


def show_tab(window: Any, tab: Any) -> None:
    window.tabs.setCurrentWidget(tab)


def check(out: Path, image: Any) -> None:
    """Compare the label images that were written with the masks."""
    import zarr

    masks = image.masks.array
    ids = np.unique(masks)
    for file in out.glob("*/*_masks.tif"):
        written = tifffile.imread(file)
        for top in range(0, len(masks), BLOCK):
            rows = slice(top, top + BLOCK)
            same = np.searchsorted(ids, masks[rows]) == written[rows]
            assert same.all(), file
    [folder] = out.glob("*/*.ome.zarr")
    group = zarr.open_group(folder, mode="r")
    labels, pixels = group["labels/cells/0"], group["0"]
    original = zarr.open_array(tifffile.imread(image.source.path, aszarr=True))
    for top in range(0, len(masks), BLOCK):
        rows = slice(top, top + BLOCK)
        assert np.array_equal(labels[rows], masks[rows])
        assert np.array_equal(np.squeeze(pixels[..., rows, :]), original[rows])


def place_with_masks(image: Any) -> tuple[int, int]:
    """Return y and x of a place with cells in some distance of the border."""
    table = image.masks.pixels.cell_table()
    side = image.source.shape[-1]
    for cell in table.ids().tolist()[:: max(1, len(table) // 100)]:
        rows, columns = table.box(cell)
        if 700 < rows.start < side - 700 and 700 < columns.start < side - 700:
            return int(rows.start), int(columns.start)
    raise AssertionError


def correct(bench: Bench, y: int, x: int) -> tuple[int, int]:
    """Correct masks by hand around a place, and undo half of it."""
    window, session = bench.window, bench.session
    image = session.shown
    bench.timed("look at cells", lambda: bench.look_at(y, x, 40))
    near = np.unique(image.masks.array[y - 100 : y + 100, x - 100 : x + 100])
    first, second, third, *_ = near[near > 0].tolist()
    before = image.masks.array[y - 200 : y + 200, x - 200 : x + 200].copy()
    at_first = session.undo_stack.done(image)
    window.tools.take("brush")
    stroke = [(y + n, x + 2 * n) for n in range(-20, 21, 2)]
    bench.timed("brush", lambda: bench.drag(stroke))
    window.tools.take("select")
    bench.timed("delete", lambda: window.tools.edits.delete([first]))
    bench.timed("merge", lambda: window.tools.edits.merge([second, third]))
    after = image.masks.array[y - 200 : y + 200, x - 200 : x + 200].copy()
    assert (before != after).any()
    # A stroke over a cell that was drawn before changes nothing.
    steps = session.undo_stack.done(image) - at_first
    for n in range(steps):
        bench.timed(f"undo {n + 1}", session.undo)
    now = image.masks.array[y - 200 : y + 200, x - 200 : x + 200]
    assert np.array_equal(now, before)
    for n in range(steps):
        bench.timed(f"redo {n + 1}", session.redo)
    assert np.array_equal(now, after)
    return y, x


def work(options: argparse.Namespace, folder: Path) -> None:
    """Do one half of the work in this process."""
    with application(folder) as (app, _):
        if options.memory:
            from cellpose_studio.app.runs import runner

            runner.free_memory = lambda: int(options.memory * 1e9)
        bench = Bench(app, folder, options)
        steps = until_killed if options.half == 1 else after_kill
        steps(bench, folder, not options.no_run)
        bench.window.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", type=int, default=16384)
    parser.add_argument("--full", type=int, help="blocks with cells; all by default")
    parser.add_argument("--slide", type=float, help="share of the image with tissue")
    parser.add_argument("--masks", type=int, default=10, help="blocks with masks")
    parser.add_argument("--memory", type=float, help="free memory to reckon with, GB")
    parser.add_argument("--no-run", action="store_true")
    parser.add_argument("--source", type=Path, default=SOURCE)
    parser.add_argument("--folder", type=Path, help="where files go for the time")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--places", action="store_true")
    parser.add_argument("--shots", type=Path)
    parser.add_argument("--half", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.half:
        work(options, options.folder)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        path = Path(name) / "large.tif"
        blocks = random_blocks(options.side)
        full = blocks if options.full is None else blocks[: options.full]
        there = None
        if options.slide is None:
            write_tiled(path, options.side, options.source, full)
        else:
            there = tissue(options.side, options.slide)
            write_slide(path, options.side, options.slide, options.source)
        masked = blocks[: options.masks]
        write_masks(masks_of(path), options.side, options.source, masked, there)
        print(HEAD, flush=True)
        for half in (1, 2):
            again = [sys.executable, *sys.argv, "--half", str(half), "--folder", name]
            done = subprocess.run(again, check=False)
            killed = half == 1 and not options.no_run
            if done.returncode != (-signal.SIGKILL if killed else 0):
                raise SystemExit(done.returncode)


if __name__ == "__main__":
    main()
