"""Takes the pictures of the guide, of the real window, on images that it draws itself.

    packaging/dev pictures          # those that are older than what they show
    packaging/dev pictures --all    # all of them

Which sources a picture shows is said in shown.py.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

# Beside the folder of this file: real_window.py, and the package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from PIL import Image
from qtpy.QtCore import QRect, Qt, QTimer
from qtpy.QtGui import QPixmap
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QDialog, QWidget
from real_window import real_window, settle, wait
from shown import FINGERPRINTS, FOLDER, PICTURES, fingerprints, outdated, recorded

LARGEST = 120_000  # bytes of a picture
COLOURS = (256, 128, 64)
WIDTH = 1100  # px; wider pictures are made smaller

Scene = Callable[[], None]


class Stage:
    """A window, and the hand of somebody who shows it.

    Parameters
    ----------
    wanted
        The pictures to keep.
    """

    def __init__(self, app: QApplication, window, home: Path, wanted: set[str]) -> None:
        self.app = app
        self.window = window
        self.home = home
        self.wanted = wanted
        self.taken: set[str] = set()
        self.window.projects.stops_runs_unasked = True

    @property
    def image(self):
        """The image shown."""
        return self.window.session.shown

    def idle(self) -> None:
        """Wait until nothing is computed, and all is drawn."""
        queues = self.window.services.queues
        settle(self.app)
        wait(self.app, lambda: not any(queue.jobs for queue in queues))
        settle(self.app)

    def open(self, *paths: Path) -> None:
        """Open files, and wait for the first one with its masks."""
        self.window.open(list(paths))
        wait(self.app, lambda: self.image is not None)
        self.idle()

    def do(self, name: str) -> None:
        """Call a command by the name of its record."""
        action = self.window.menus.actions[name]
        if not action.isEnabled():
            sys.exit(f"{name} cannot be called: {action.toolTip()}")
        action.trigger()
        self.idle()

    def tab(self, widget: QWidget) -> None:
        """Bring a tab to the front."""
        self.window.tabs.setCurrentWidget(widget)
        self.idle()

    def key(self, key: str) -> None:
        """Press a key in the window."""
        QTest.keyClick(self.window, getattr(Qt.Key, f"Key_{key}"))
        self.idle()

    def take(self, name: str, widget: QWidget | None = None, left: int = 0) -> None:
        """Take a picture of the window from x on, or of one of its dialogs."""
        settle(self.app)
        shown = widget or self.window
        part = shown.rect().adjusted(left, 0, 0, 0)
        screen = self.app.primaryScreen()
        corner = shown.mapToGlobal(part.topLeft())
        place = QRect(corner, part.size()).intersected(screen.geometry())
        self.keep(name, screen.grabWindow(0, *place.getRect()))

    def take_right(self, name: str) -> None:
        """Take a picture of the tabs, with a part of the canvas beside them."""
        tabs = self.window.tabs
        left = tabs.mapTo(self.window, tabs.rect().topLeft()).x()
        left = max(left - self.window.canvas.surface.width() * 2 // 3, 0)
        self.take(name, left=left)

    def take_dialog(self, name: str, opens: Scene, prepare=lambda _: None) -> None:
        """Take a picture of a dialog, which may wait for an answer; then close it."""
        done: list[QWidget] = []

        def look() -> None:
            dialog = self.app.activeModalWidget() or self.app.activePopupWidget()
            if dialog is None:
                return
            timer.stop()
            prepare(dialog)
            for _ in range(2):
                settle(self.app)
            self.take(name, dialog)
            done.append(dialog)
            dialog.reject() if isinstance(dialog, QDialog) else dialog.close()

        timer = QTimer(interval=300)
        timer.timeout.connect(look)
        timer.start()
        opens()
        wait(self.app, lambda: bool(done))
        self.idle()

    def keep(self, name: str, grabbed: QPixmap) -> None:
        """Write a picture with few colours, so that it is small."""
        self.taken.add(name)
        if name not in self.wanted:
            return
        raw = self.home / "raw.png"
        grabbed.save(str(raw))
        picture = Image.open(raw).convert("RGB")
        if picture.width > WIDTH:
            height = round(picture.height * WIDTH / picture.width)
            picture = picture.resize((WIDTH, height), Image.Resampling.LANCZOS)
        target = FOLDER / f"{name}.png"
        for colours in COLOURS:
            # Colours that are rare, as those of a legend, have to stay. Without the
            # means, the greys of the window are tinted.
            small = picture.quantize(
                colours,
                Image.Quantize.MAXCOVERAGE,
                kmeans=1,
                dither=Image.Dither.NONE,
            )
            small.save(target, optimize=True)
            if target.stat().st_size <= LARGEST:
                break
        print(f"{target.name}: {target.stat().st_size / 1000:.0f} kB")


def play(stage: Stage, images: dict[str, Path]) -> None:
    """Do what the pictures show, one after the other."""
    from qtpy.QtWidgets import QLineEdit

    window = stage.window
    stage.idle()
    stage.take("start")

    window.files.open_sample()
    wait(stage.app, lambda: stage.image is not None)
    stage.idle()
    window.run()
    wait(stage.app, lambda: bool(stage.image.masks))
    stage.idle()
    stage.tab(window.segment)
    stage.take("segment")
    stage.do("light")
    stage.take("light")
    stage.do("themeDark")
    stage.do("uncertainty")
    stage.take("uncertainty")
    stage.do("uncertainty")

    stage.tab(window.curate)
    wait(stage.app, lambda: window.background.measurer.review is not None)
    for key in ("N", "Return", "Backspace", "Q", "N", "H"):
        stage.key(key)
    stage.take_right("curate")
    stage.key("H")
    stage.key("Delete")
    window.canvas.camera.reset()

    stage.tab(window.measure)
    content = window.measure.open()
    content.lower.open_part(content.plots)
    stage.idle()
    by_area = content.colour.findData("area_um2")
    content.colour.setCurrentIndex(max(by_area, 0))
    content.colour.activated.emit(content.colour.currentIndex())
    stage.idle()
    stage.take_right("measure")
    content.colour.setCurrentIndex(0)
    content.colour.activated.emit(0)

    stage.do("evaluateMasks")
    evaluation = window.measure.evaluation
    wait(stage.app, lambda: evaluation.form.found.count() > 1)
    evaluation.form.evaluate.click()
    wait(stage.app, lambda: bool(evaluation.results.results))
    stage.idle()
    stage.take_right("evaluation")

    stage.tab(window.history)
    stage.take_right("history")

    stage.tab(window.segment)
    stage.take_dialog("figure", lambda: window.menus.actions["figure"].trigger())
    stage.take_dialog("export", lambda: window.menus.actions["save"].trigger())
    stage.take_dialog("models", lambda: window.menus.actions["models"].trigger())
    stage.take_dialog(
        "palette",
        lambda: window.menus.actions["palette"].trigger(),
        lambda dialog: dialog.findChild(QLineEdit).setText("outline"),
    )
    show_training(stage, images)
    show_stack(stage, images["stack"])


def show_training(stage: Stage, images: dict[str, Path]) -> None:
    """Train for some epochs on parts of the sample."""
    window = stage.window
    stage.do("newProject")
    stage.open(*(images[name] for name in ("a", "b", "c")))
    roles = ("train", "train", "validation")
    for image, role in zip(window.session.images, roles, strict=True):
        window.session.show(image)
        stage.idle()
        window.services.training.set_role([image], role)
    panel = window.train
    stage.tab(panel)
    panel.pages.setCurrentIndex(1)
    wait(stage.app, lambda: panel.content is not None)
    stage.idle()
    form = panel.content.form
    form.form.set_values({"n_epochs": 10, "nimg_per_epoch": 4, "validate_every": 1})
    form.name.setText("my nuclei")
    form.name.textEdited.emit("my nuclei")
    panel.content.progress.buttons["start"].click()
    wait(stage.app, lambda: len(panel.content.curve.points["AP"]) > 7)
    stage.take_right("train")
    panel.content.progress.buttons["cancel"].click()
    stage.idle()


def show_stack(stage: Stage, path: Path) -> None:
    """Show a stack from the side."""
    window = stage.window
    stage.do("newProject")
    stage.open(path)
    wait(stage.app, lambda: stage.image.masks is not None)
    stage.tab(window.curate)
    stage.do("ortho")
    stage.take("side-views")


def draw_images(folder: Path) -> dict[str, Path]:
    """Draw what is shown beside the sample: three parts of it, and a stack."""
    import numpy as np
    import tifffile

    from cellpose_studio.io.images.sample import draw_nuclei

    pixels, masks = draw_nuclei()
    found = {}
    for number, name in enumerate("abc"):
        part = np.s_[:, 170 * number : 170 * number + 170]
        found[name] = folder / f"{name}.tif"
        tifffile.imwrite(found[name], pixels[part])
        tifffile.imwrite(folder / f"{name}_masks.tif", masks[part])
    found["stack"] = folder / "stack.tif"
    write_stack(found["stack"])
    return found


def write_stack(path: Path) -> None:
    """Write 32 planes of ellipsoids with noise, and the true masks beside them."""
    import numpy as np
    import tifffile
    from scipy.ndimage import gaussian_filter

    shape, step = (32, 200, 260), 2.0
    random = np.random.default_rng(7)
    labels, light = np.zeros(shape, np.uint16), np.zeros(shape)
    grid = np.indices(shape).astype(float)
    grid[0] *= step
    placed: list[tuple[np.ndarray, float]] = []
    while len(placed) < 60:
        radius = random.uniform(9, 14)
        centre = random.uniform(0, 1, 3) * np.multiply(shape, (step, 1, 1))
        if any(np.hypot.reduce(centre - c) < 0.95 * (radius + r) for c, r in placed):
            continue
        placed.append((centre, radius))
        stretch = random.uniform(0.85, 1.15, 3)
        away = (grid - centre[:, None, None, None]) * stretch[:, None, None, None]
        inside = np.sqrt((away**2).sum(0)) < radius
        labels[inside & (labels == 0)] = len(placed)
        light[inside] = random.uniform(250, 700)
    texture = 1 + 0.25 * gaussian_filter(random.normal(0, 3, shape), 2)
    seen = random.poisson(gaussian_filter(light * texture, (0.6, 1.2, 1.2)) + 60)
    options = {
        "imagej": True,
        "resolution": (1 / 0.325, 1 / 0.325),
        "metadata": {"axes": "ZYX", "unit": "um", "spacing": 0.325 * step},
    }
    tifffile.imwrite(path, seen.clip(0, 65535).astype(np.uint16), **options)
    tifffile.imwrite(path.with_name("stack_masks.tif"), labels, **options)


def main() -> None:
    """Take the pictures that are wanted, and record what they show."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--all", action="store_true", help="take all of them")
    wanted = set(PICTURES) if parser.parse_args().all else set(outdated())
    if not wanted:
        print("All pictures show what is there now.")
        return
    FOLDER.mkdir(exist_ok=True)
    before = recorded()
    with real_window() as (app, window, home):
        stage = Stage(app, window, home, wanted)
        play(stage, draw_images(home))
    if lacking := set(PICTURES) - stage.taken:
        sys.exit(f"No picture was taken of {', '.join(sorted(lacking))}.")
    record = {
        name: fingerprints(name) if name in wanted else before[name]
        for name in sorted(PICTURES)
    }
    FINGERPRINTS.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
