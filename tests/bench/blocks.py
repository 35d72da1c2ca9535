"""Memory and time of `segment` as a whole and in blocks; see docs/benchmarks.md.

python tests/bench/blocks.py [--side PX ...] [--empty] [--whole] [--enlarge N]
    [--folder FOLDER]

Images are copies of a real one of nuclei, tiled with flips, as uint16, or with
``--empty`` in one of sixteen blocks, and noise of a few grey values in the others, as
on a slide. With --enlarge 2, cells are twice as wide, and the network has a quarter of
the work. The command line runs on each in a process of its own, whose largest
resident memory is printed: without and with pages of files that are mapped.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from memory import Memory
from tiled import DIAMETER, ROOT, SOURCE, random_blocks, write_tiled


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", type=int, nargs="+", default=[2048, 4096])
    parser.add_argument("--empty", action="store_true")
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--enlarge", type=int, default=1)
    parser.add_argument("--source", type=Path, default=SOURCE)
    parser.add_argument("--folder", type=Path, help="where files go for the time")
    options = parser.parse_args()
    print(
        "| image | how | cells | s | CPU, s | peak, GB | without mapped files, GB |\n"
        "|---|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for side in options.side:
            path = Path(folder) / f"{side}.tif"
            blocks = random_blocks(side)
            full = blocks[: max(1, len(blocks) // 16)] if options.empty else blocks
            write_tiled(path, side, options.source, full, options.enlarge)
            hows = [[], ["--block-size", "0"]] if options.whole else [[]]
            for how in hows:
                diameter = options.enlarge * DIAMETER
                print(row(path, side, how, Path(folder), diameter), flush=True)
            path.unlink()


def row(path: Path, side: int, how: list[str], folder: Path, diameter: float) -> str:
    """Run the command, and return a row of the table."""
    command = [sys.executable, "-m", "cellpose_studio", "segment", path, *how]
    command += ["--diameter", diameter, "--out", folder / "out", "--overwrite"]
    started = perf_counter()
    with subprocess.Popen(
        [*map(str, command)],
        cwd=ROOT,
        stderr=subprocess.STDOUT,
        stdout=subprocess.PIPE,
        env={**os.environ, "CELLPOSE_STUDIO_HOME": str(folder / "home")},
    ) as process:
        memory = Memory(process.pid)
        assert process.stdout is not None
        said = process.stdout.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
    assert status == 0, said
    found = next(line for line in said.splitlines() if " cell" in line)
    cells = found.split(": ")[1].split(" ")[0]
    how_text = "in blocks" if "blocks, of which" in said else "as a whole"
    seconds, peak = perf_counter() - started, usage.ru_maxrss * 1024 / 1e9
    cpu = usage.ru_utime + usage.ru_stime
    return (
        f"| {side}² | {how_text} | {cells} | {seconds:.0f} | {cpu:.0f} | {peak:.2f} | "
        f"{memory.own:.2f} |"
    )


if __name__ == "__main__":
    main()
