"""Memory and time of `segment` as a whole and in blocks; see docs/benchmarks.md.

python tests/bench/blocks.py [--side PX ...] [--empty] [--whole] [--enlarge N]
    [--source FILE] [--diameter PX] [--folder FOLDER]

Images are copies of a real one of nuclei, tiled with flips, as uint16, or with
``--empty`` in one of sixteen blocks, and noise of a few grey values in the others, as
on a slide. With --enlarge 2, cells are twice as wide, and the network has a quarter of
the work. The command line runs on each in a process of its own, whose largest
resident memory is printed: with and without pages of files that are mapped; and how
much of the disk the state of the run took at most. What `forecast` says of each
follows it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from disk import Disk
from memory import Memory
from tiled import DIAMETER, ROOT, SOURCE, random_blocks, write_tiled

from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.networks.catalogue import default_model
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.workflows.blocks.forecast import forecast


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", type=int, nargs="+", default=[2048, 4096])
    parser.add_argument("--empty", action="store_true")
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--enlarge", type=int, default=1)
    parser.add_argument("--source", type=Path, default=SOURCE)
    parser.add_argument("--diameter", type=float, default=DIAMETER, help="of its cells")
    parser.add_argument("--folder", type=Path, help="where files go for the time")
    options = parser.parse_args()
    print(
        "| image | how | cells | s | said | CPU, s | peak, GB | without mapped files "
        "| said | disk, GB | said |\n|---|---|---|---|---|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for side in options.side:
            path = Path(folder) / f"{side}.tif"
            blocks = random_blocks(side)
            full = blocks[: max(1, len(blocks) // 16)] if options.empty else blocks
            write_tiled(path, side, options.source, full, options.enlarge)
            hows = [[], ["--block-size", "0"]] if options.whole else [[]]
            for how in hows:
                diameter = options.enlarge * options.diameter
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
        disk = Disk(folder / "home/cache/blocks", process.pid)
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
    [image] = open_images(path)
    parameters = SegmentationParameters(diameter=diameter)
    block_side = 0 if how else None
    said = forecast(image, default_model(), parameters, 0, block_side)
    return (
        f"| {side}² | {how_text} | {cells} | {seconds:.0f} | {said.seconds:.0f} | "
        f"{cpu:.0f} | {peak:.2f} | {memory.own:.2f} | {said.memory / 1e9:.2f} | "
        f"{disk.state:.2f} | {said.disk / 1e9:.2f} |"
    )


if __name__ == "__main__":
    main()
