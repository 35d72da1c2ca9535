"""Time the engine, quiet and beside other programs; see docs/benchmarks.md.

python tests/bench/engine.py [--before FOLDER OF AN EARLIER VERSION] [--quick]
    [--large] [--stack FILE] [--write docs/benchmarks.md]

Each version runs in a process of its own (`engine_cases.py`), all of them in turns,
with two threads of torch. Busy means that so many other processes, which this script
starts and ends, keep the processor busy all the time; each round is done quiet and with
each number of them. A case that takes longer than its limit is given up, and those in
bfloat16 are left out where the processor has no units for it. With --quick, it takes
about a quarter of an hour on two cores; with --side 256, which is for trying the
script, a few minutes. With --write, the table replaces that of the file.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import tifffile
from engine_cases import ROOT, SIDE, STACK, write_transformer
from load import busy

LOADS = (0, 1, 2, 4)
LARGE = 16384
LIMIT = 60
"""Seconds that a case may take."""

CASES = {
    "masks": "flows → masks, 2048², 5,184 noisy cells",
    "cellprob": "cell-probability slider, the same",
    "flow": "flow-threshold slider, the same",
    "unet": "U-Net, 24 tiles of 224²",
    "openvino": "the same by OpenVINO",
    "unet_bfloat16": "the same in bfloat16",
    "vit": "ViT-L, one tile of 256², float32",
    "vit_fused": "the same, with fused attention",
    "vit_bfloat16": "the same in bfloat16",
    "volume": "51 × 120 × 122 stack as a volume, anisotropy of the file",
}


CELLPOSE = {
    "cellpose": "flows → masks",
    "cellpose_vit": "ViT-L, one tile, float32",
    "cellpose_vit_bfloat16": "ViT-L, one tile, bfloat16",
}
"""What Cellpose is timed at, quiet."""

BEGIN, END = "<!-- engine.py -->\n", "<!-- until here -->\n"
"""What the table stands between in the file."""

Result = tuple[float, float, int]
Results = dict[tuple[str, str, int], list[Result]]


class Version:
    """A process with one version."""

    def __init__(self, root: Path, *arguments: str) -> None:
        script = Path(__file__).with_name("engine_cases.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": str(root)},
        )
        assert self.process.stdout is not None
        while self.process.stdout.readline().strip() != "ready":
            if self.process.poll() is not None:
                raise SystemExit(f"The version in {root} does not start.")

    def seconds(self, case: str) -> Result | None:
        """Return wall and CPU time of ``case``, and how many cells or tiles it gave.

        None if the version has no such case.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{case}\n")
        self.process.stdin.flush()
        wall, cpu, found = json.loads(self.process.stdout.readline())
        return None if found is None else (wall, cpu, found)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def write_discs(path: Path, side: int) -> None:
    """Write a uint16 image of discs, some rows at a time."""
    pixels = tifffile.memmap(path, shape=(side, side), dtype=np.uint16, bigtiff=True)
    away = (np.arange(side) % 32 - 16) ** 2
    for top in range(0, side, 256):
        rows = slice(top, top + 256)
        pixels[rows] = 1000 + 2000 * (np.add.outer(away[rows], away) < 100)
    pixels.flush()


def peak_memory(root: Path, side: int) -> float:
    """Return the peak memory of ``segment`` of a uint16 image, in GB."""
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from cellpose_studio.cli.main import run\n"
        "run(['segment', sys.argv[1], '--diameter=20', '--threads=2',"
        " '--device=cpu'])\n"
        # What getrusage says begins with the memory of this process.
        "status = Path('/proc/self/status').read_text()\n"
        "print(int(status.split('VmHWM:')[1].split()[0]) * 1024)\n"
    )
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.tif"
        write_discs(path, side)
        done = subprocess.run(
            [sys.executable, "-c", code, str(path)],
            capture_output=True,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": str(root),
                "CELLPOSE_STUDIO_HOME": folder,
            },
            check=True,
        )
    return float(done.stdout.splitlines()[-1]) / 1e9


def measured(versions: dict[str, Version], loads: tuple[int, ...], rounds: int) -> Any:
    """Time all cases in turns."""
    results: Results = {}
    for case in CELLPOSE:
        if (took := versions["now"].seconds(case)) is not None:
            results["cellpose", case, 0] = [took]
    for turn in range(rounds):
        for load in loads:
            with busy(load):
                for case in CASES:
                    # These take long, above all in an earlier version.
                    slow = {"volume"} if load == 0 else {"volume", "masks", "cellprob"}
                    for name, version in versions.items():
                        is_once = case == "volume" or (name != "now" and case in slow)
                        if is_once and turn:
                            continue
                        if _is_given_up(results, name, case, load):
                            continue
                        took = version.seconds(case)
                        if took is not None:
                            results.setdefault((name, case, load), []).append(took)
            print(f"round {turn + 1}, busy {load}: done", file=sys.stderr, flush=True)
    return results


def _is_given_up(results: Results, name: str, case: str, load: int) -> bool:
    """Return whether ``case`` took so long with less load that it is not tried."""
    longest = [
        max(wall for wall, _, _ in took)
        for (one, other, less), took in results.items()
        if (one, other) == (name, case) and less < load
    ]
    expected = 4 if name != "now" else 2
    return bool(longest) and max(longest) * expected > LIMIT


def report(results: Results, names: list[str], loads: tuple[int, ...]) -> list[str]:
    """Return the lines of the table."""
    heads = [
        f"{name}, {f'busy {load}' if load else 'quiet'}"
        for name in names
        for load in loads
    ]
    lines = [f"| s | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|"]
    for case, title in CASES.items():
        walls, cpus = [], []
        for name in names:
            quiet = _median(results.get((name, case, 0), []), 0)
            for load in loads:
                took = results.get((name, case, load), [])
                wall, cpu = _median(took, 0), _median(took, 1)
                times = f" ({wall / quiet:.1f} ×)" if wall and quiet and load else ""
                walls.append(f"{wall:.2f}{times}" if wall else "")
                cpus.append(f"{cpu:.2f}" if cpu else "")
        if any(walls):
            lines.append(f"| {title} | {' | '.join(walls)} |")
            lines.append(f"| – CPU time | {' | '.join(cpus)} |")
        found = {one[0][2] for key, one in results.items() if key[1] == case}
        print(f"{case}: {found} cells or tiles", file=sys.stderr)
    lines.append("")
    for case, title in CELLPOSE.items():
        for wall, cpu, _ in results.get(("cellpose", case, 0), []):
            timed = f"{wall:.2f} s, CPU time {cpu:.2f} s"
            lines.append(f"- Cellpose, {title}, quiet: {timed}")
    return lines


def _median(took: list[Result], which: int) -> float:
    return median(one[which] for one in took) if took else 0.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--before", type=Path, help="folder of an earlier version")
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--side", type=int, default=SIDE, help="of the flows, px")
    parser.add_argument("--write", type=Path, help="file whose table is replaced")
    parser.add_argument(
        "--large", action="store_true", help=f"memory at {LARGE}², too: 15 minutes"
    )
    parser.add_argument("--stack", type=Path, default=STACK, help="a real stack")
    options = parser.parse_args()
    from cellpose_studio.engine.device import cpu_capability, cpu_computes_bfloat16
    from cellpose_studio.engine.hardware import processor_name

    units = "bfloat16 units" if cpu_computes_bfloat16() else "no bfloat16 units"
    lines = [f"{processor_name()}, {os.cpu_count()} cores, {cpu_capability()}, {units}"]
    roots = {"before": options.before, "now": ROOT} if options.before else {"now": ROOT}
    versions: dict[str, Version] = {}
    with TemporaryDirectory() as folder:
        transformer = write_transformer(Path(folder) / "transformer")
        arguments = (
            f"--side={options.side}",
            f"--transformer={transformer}",
            f"--stack={options.stack.absolute()}",
        )
        try:
            for name, root in roots.items():
                versions[name] = Version(root.absolute(), *arguments)
            results = measured(versions, LOADS, 1 if options.quick else 3)
        finally:
            for version in versions.values():
                version.end()
    lines += ["", *report(results, list(versions), LOADS), ""]
    sides = [options.side, 2 * options.side, *([LARGE] if options.large else [])]
    for name, root in roots.items():
        for side in sides:
            peak = peak_memory(root, side)
            lines.append(f"- peak memory, {name}, segment {side}²: {peak:.2f} GB")
    text = "\n".join(lines) + "\n"
    print(text)
    if options.write:
        before, rest = options.write.read_text("utf-8").split(BEGIN)
        after = rest.split(END)[1]
        whole = f"{before}{BEGIN}\n{text}\n{END}{after}"
        options.write.write_text(whole, "utf-8")


if __name__ == "__main__":
    main()
