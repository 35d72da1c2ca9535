"""Time starts until the window is painted; docs/benchmarks.md has the result.

xvfb-run -a -s "-screen 0 1366x768x24" python tests/bench/start_up.py
    [--bundle dist/cellpose-studio/cellpose-studio]

The time runs from the start of the process until the screen shows what it should,
which is seen from outside, where no splash covers it. Nothing else may be on the
screen. Linux only.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import numpy.typing as npt
import tifffile
from qtpy.QtGui import QImage
from qtpy.QtWidgets import QApplication

Screen = npt.NDArray[np.uint32]

LONGEST = 120.0
"""Seconds until a window that does not show is given up."""
EVERY = 0.02
"""Seconds between two looks at the screen."""
SEVERAL, MANY = 5, 100
"""Colours of text on a ground, and of a noisy image."""
MIDDLE, PANEL, BELOW = (2, 2), (0, 0), (2, 3.3)
"""Corners of what is looked at: the splash, a panel, and the image below the splash."""


@dataclass(kw_only=True)
class Start:
    """One way to start, and the times that it took.

    ``arrived`` decides by a part of the screen, (Y, X) colours. ``where`` is its
    upper left corner, x and y in fifths of the screen.
    """

    title: str
    command: list[str]
    arrived: Callable[[Screen], bool]
    where: tuple[float, float]
    seconds: list[float] = field(default_factory=list)
    loaded: set[str] = field(default_factory=set)


def starts(image: Path, bundle: Path | None) -> list[Start]:
    """Return the starts that are compared: without and with an image."""
    programs = {"Cellpose Studio": [sys.executable, "-m", "cellpose_studio"]}
    if bundle is not None:
        programs["Cellpose Studio, the bundle"] = [str(bundle.resolve())]
    several, many = has_colours(SEVERAL), has_colours(MANY)
    compared = [
        Start(title=f"{title}, splash", command=command, arrived=several, where=MIDDLE)
        for title, command in programs.items()
    ]
    programs["napari"] = [sys.executable, "-m", "napari"]
    for title, command in programs.items():
        compared += [
            Start(title=title, command=command, arrived=several, where=PANEL),
            Start(
                title=f"{title}, image given",
                command=[*command, str(image)],
                arrived=many,
                where=BELOW,
            ),
        ]
    return compared


def has_colours(fewest: int) -> Callable[[Screen], bool]:
    """Return what tells whether a part of the screen has so many colours."""
    return lambda screen: len(np.unique(screen)) >= fewest


def part_of_screen(where: tuple[float, float]) -> Screen:
    """Return a fifth of the height and width of the screen, (Y, X) colours."""
    screen = QApplication.primaryScreen()
    size = screen.size()
    width, height = size.width() // 5, size.height() // 5
    left, top = round(where[0] * width), round(where[1] * height)
    grabbed = screen.grabWindow(0, left, top, width, height)
    image = grabbed.toImage().convertToFormat(QImage.Format.Format_RGB32)
    bits = image.constBits()
    bits.setsize(image.sizeInBytes())
    return np.frombuffer(bits, np.uint32).reshape(height, width).copy()


def measure(start: Start, folder: Path) -> None:
    """Start once and note the time, and which heavy libraries were loaded by then."""
    for where in (MIDDLE, PANEL, BELOW):
        wait_until(lambda screen: len(np.unique(screen)) == 1, where)
    began = monotonic()
    process = subprocess.Popen(
        start.command, env=environment(folder), stderr=subprocess.DEVNULL
    )
    try:
        wait_until(start.arrived, start.where)
        start.seconds.append(monotonic() - began)
        start.loaded |= loaded_by(process.pid)
    finally:
        process.terminate()
        process.wait()


def wait_until(arrived: Callable[[Screen], bool], where: tuple[float, float]) -> None:
    """Look at a part of the screen until it shows what it should."""
    began = monotonic()
    while not arrived(part_of_screen(where)):
        if monotonic() - began > LONGEST:
            raise TimeoutError(f"nothing to be seen after {LONGEST:.0f} s")
        sleep(EVERY)


def loaded_by(process: int) -> set[str]:
    """Return which of torch and Cellpose a process has loaded.

    Cellpose is seen by OpenCV, which only it imports.
    """
    mapped = Path(f"/proc/{process}/maps").read_text()
    marks = {"torch": "libtorch", "Cellpose": "/cv2/"}
    return {name for name, mark in marks.items() if mark in mapped}


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a user whose folders all lie in ``folder``.

    Modules are compiled once, as an installer does; without that, a start would be the
    slower the more modules there are.
    """
    kinds = {
        f"XDG_{kind}_HOME": str(folder / kind.lower())
        for kind in ("CONFIG", "DATA", "CACHE", "STATE")
    }
    users = os.environ | kinds | {"CELLPOSE_STUDIO_HOME": str(folder / "studio")}
    users.pop("PYTHONDONTWRITEBYTECODE", None)
    return users


def table(starts: Sequence[Start], repeats: int) -> str:
    """Return the Markdown of docs/benchmarks.md."""
    lines = [
        f"| s from the start until painted, {repeats} starts | median | worst "
        "| loaded by then |",
        "|---|---|---|---|",
    ]
    for start in starts:
        loaded = " and ".join(sorted(start.loaded)) or "neither torch nor Cellpose"
        median, worst = np.median(start.seconds), max(start.seconds)
        lines.append(f"| {start.title} | {median:.2f} | {worst:.2f} | {loaded} |")
    return "\n".join(lines)


def main() -> None:
    """Measure all starts in turns, after one that fills caches and makes folders."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--bundle", type=Path, help="the program of a bundle")
    given = parser.parse_args()
    app = QApplication([])
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "noise.tif"
        noise = np.random.default_rng(0).integers(0, 256, (512, 512), np.uint8)
        tifffile.imwrite(image, noise)
        compared = starts(image, given.bundle)
        for start in compared:
            measure(start, Path(folder))
            start.seconds.clear()
            start.loaded.clear()
        for _ in range(given.repeats):
            for start in compared:
                measure(start, Path(folder))
    print(table(compared, given.repeats))
    app.quit()


if __name__ == "__main__":
    main()
