"""Time the opening of a folder with 20,000 images; docs/benchmarks.md has the result.

xvfb-run -a -s "-screen 0 1366x768x24" python tests/bench/large_folder.py [IMAGES]

A timer of 5 ms runs in the real window; how much later than that it fires is the delay
that a user feels. The headless command then segments the same folder, and is stopped
after its first result, twice.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import tifffile
from application import application
from pulse import Pulse, until, wait

SIDE = 64  # px
MOMENTS = (1, 2, 5, 10, 20, 40, 80)  # seconds after the folder was chosen


def make_folder(folder: Path, number: int) -> Path:
    """Make a folder of small images: half of them TIFF, half of them PNG."""
    import imagecodecs

    random = np.random.default_rng(0)
    pixels = random.integers(0, 4000, (SIDE, SIDE), np.uint16)
    folder.mkdir()
    tifffile.imwrite(folder / "first.tif", pixels, photometric="minisblack")
    kinds = {
        ".tif": (folder / "first.tif").read_bytes(),
        ".png": imagecodecs.png_encode(pixels),
    }
    for n in range(1, number):
        ending = (".tif", ".png")[n % 2]
        (folder / f"well {n:06}{ending}").write_bytes(kinds[ending])
    return folder


def in_the_window(folder: Path, number: int) -> None:
    """Print how many names are in the list, second by second."""
    from cellpose_studio.app.project.scratch import new_unnamed
    from cellpose_studio.app.settings import Settings
    from cellpose_studio.ui.window.main_window import MainWindow

    window = MainWindow(Settings.load(folder.parent / "settings.json"), new_unnamed())
    window.show()
    wait(1)
    print("| names in the list | read | after, s | late by: median, ms | p95 | worst |")
    print("|---|---|---|---|---|---|")
    pulse, start = Pulse(), perf_counter()
    window.open([folder])
    model = window.images.model
    for moment in MOMENTS:
        until(
            lambda moment=moment: (
                perf_counter() - start >= moment or model.images == number
            )
        )
        seconds = perf_counter() - start
        counts = f"{model.rowCount():,} | {model.images:,}"
        print(pulse.row(counts, seconds), flush=True)
        pulse.restart()
        if model.images == number:
            break
    window.close()


def headless(folder: Path, out: Path) -> None:
    """Print when the first image was done."""
    command = ["-m", "cellpose_studio", "segment", str(folder), "--out", str(out)]
    # Modules and loops are compiled once, as in an installation that is in use.
    users = dict(os.environ)
    users.pop("PYTHONDONTWRITEBYTECODE", None)
    start = perf_counter()
    program = subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, env=users
    )
    assert program.stdout is not None
    program.stdout.readline()
    print(f"\nsegment: the first result after {perf_counter() - start:.1f} s")
    program.terminate()
    program.wait()


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with application() as (app, folder):
        images = make_folder(folder / "images", number)
        print(f"{number:,} images\n")
        in_the_window(images, number)
        app.processEvents()
        # The first one may have to compile modules and loops.
        for time in ("first", "second"):
            headless(images, folder / f"{time} out")


if __name__ == "__main__":
    main()
