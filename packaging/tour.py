"""Corrects masks in the real window as a user does, and takes a picture of each step.

    xvfb-run -a -s "-screen 0 1366x768x24" .venv/bin/python packaging/tour.py \\
        IMAGE docs/correcting.gif

The image has to be one that may be published, with cells that lie close together.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from real_window import real_window, settle, wait

sys.path.insert(0, str(Path(__file__).parent.parent))

from cellpose_studio.core.masks.labels import contours
from tests.ui.mouse import LEFT, RIGHT, Mouse

CONTROL = Qt.KeyboardModifier.ControlModifier
WIDTH = 1024  # px of the animation
SECONDS = 1.6
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"

Point = tuple[float, float]


class Tour:
    """A window with masks, and a hand that corrects them."""

    def __init__(self, app: QApplication, window, image: Path) -> None:
        self.app = app
        self.window = window
        self.window.open([image])
        wait(app, lambda: self.window.session.shown is not None)
        self.image = self.window.session.shown
        self.mouse = Mouse(self.window)

    def steps(self) -> Iterator[str]:
        """Do a step after the other, and say what each shows."""
        window = self.window
        window.run()
        wait(
            self.app,
            lambda: bool(self.image.masks) and not window.services.gpu_jobs.jobs,
        )
        window.tabs.setCurrentWidget(window.curate)
        wait(self.app, lambda: window.background.measurer.review is not None)
        yield "Run, then Curate: the cells with the most uncertainty come first"
        self.key("N")
        yield "N flies to the next cell in uncertainty"
        self.key("Return")
        self.key("Backspace")
        yield "Enter accepts it, Backspace rejects the next; each goes on to another"
        first, second = self.neighbours()
        window.highlight.center_on(first)
        settle(self.app)
        ends = [self.middle(first), self.middle(second)]
        self.key("J")
        yield from self.dragged(ends, LEFT, None, "J and a line over two cells")
        yield "… merges them"
        self.key("S")
        middle, (dy, dx) = np.mean(ends, axis=0), np.subtract(*ends)
        cut = [middle + side * np.array([-dx, dy]) for side in (-1, 0, 1)]
        yield from self.dragged(cut, LEFT, None, "S and a line across a cell")
        yield "… splits it"
        self.key("V")
        outline = self.around(self.cell_at(ends[1]))
        self.mouse.click(ends[1], CONTROL)
        yield "Ctrl+click deletes a cell"
        yield from self.dragged(
            outline, RIGHT, None, "The right button draws around one"
        )
        yield "… and it is a cell again; others keep their pixels"
        self.mouse.click(ends[1])
        self.key("H")
        yield "H shows the handles of the chosen cell"
        self.key("H")
        self.key("W")
        yield "W writes at the cells what View ▸ Cell labels says"
        window.canvas.camera.reset()
        window.tabs.setCurrentWidget(window.history)
        yield "History: every run, and the edits since; all can be undone"

    def take(self, words: str) -> Image.Image:
        """Return a picture of the window with words below."""
        settle(self.app)
        shot = self.app.primaryScreen().grabWindow(self.window.winId())
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "shot.png"
            shot.save(str(file))
            picture = Image.open(file).convert("RGB")
        bar = Image.new("RGB", (picture.width, picture.height + 40), "black")
        bar.paste(picture, (0, 0))
        font = ImageFont.truetype(FONT, 20)
        ImageDraw.Draw(bar).text((16, picture.height + 8), words, "white", font)
        return bar

    def key(self, key: str) -> None:
        QTest.keyClick(self.window, getattr(Qt.Key, f"Key_{key}"))
        settle(self.app)

    def dragged(
        self,
        places: list[Point],
        button: Qt.MouseButton,
        modifier: Qt.KeyboardModifier | None,
        words: str,
    ) -> Iterator[str]:
        """Drag, and show the line before the button goes up."""
        held = modifier or Qt.KeyboardModifier.NoModifier
        native, at = self.mouse.native, self.mouse.on_screen
        QTest.mousePress(native, button, held, at(places[0]))
        for place in places[1:]:
            self.mouse.move(place, button, held)
        yield words
        QTest.mouseRelease(native, button, held, at(places[-1]))
        settle(self.app)

    def cell_at(self, place: Point) -> int:
        return int(self.image.masks.array[tuple(map(round, place))])

    def middle(self, cell: int) -> Point:
        y, x = np.argwhere(self.image.masks.array == cell).mean(axis=0)
        return float(y), float(x)

    def around(self, cell: int) -> list[Point]:
        """Return a way around a cell, as a careful hand would draw it."""
        labels = self.image.masks.array
        way = contours((labels == cell).astype(np.uint32))[1][::3, ::-1]
        return [(float(y), float(x)) for y, x in way]

    def neighbours(self) -> tuple[int, int]:
        """Return the two cells, away from the border, with the longest common side."""
        labels = self.image.masks.array
        inner = labels[60:-60, 60:-60]
        pairs = np.stack([inner[:, :-2].ravel(), inner[:, 2:].ravel()])
        pairs = np.sort(
            pairs[:, (pairs.min(axis=0) > 0) & (pairs[0] != pairs[1])], axis=0
        )
        found, count = np.unique(pairs, axis=1, return_counts=True)
        first, second = found[:, count.argmax()].tolist()
        return first, second


def main() -> None:
    image, out = map(Path, sys.argv[1:])
    with real_window() as (app, window, _):
        tour = Tour(app, window, image)
        frames = [tour.take(words) for words in tour.steps()]
    first, *rest = [
        frame.resize((WIDTH, round(frame.height * WIDTH / frame.width))).quantize(128)
        for frame in frames
    ]
    first.save(
        out,
        save_all=True,
        append_images=rest,
        duration=round(SECONDS * 1000),
        loop=0,
    )


if __name__ == "__main__":
    main()
