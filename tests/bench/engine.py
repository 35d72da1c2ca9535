"""Time the engine, quiet and beside other programs; see docs/benchmarks.md.

python tests/bench/engine.py [--before FOLDER OF AN EARLIER VERSION] [--quick]

Each version runs in a process of its own, all of them in turns, with two threads of
torch. Busy means that so many other processes, which this script starts and ends, keep
the processor busy all the time. A case that takes longer than its limit is given up.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

import numpy as np
from load import busy

ROOT = Path(__file__).parents[2]
STACK = ROOT.parent / "shared/data/3d_nuclei_mouse_embryo/mouse_embryo_16cell.tif"
SIDE, CELLS = 2048, 72
THREADS = 2
LOADS = (0, 1, 2, 4)
LIMIT = 60
"""Seconds that a case may take."""

CASES = {
    "masks": "flows → masks, 2048², 5,184 noisy cells",
    "cellprob": "cell-probability slider, the same",
    "flow": "flow-threshold slider, the same",
    "unet": "U-Net, 24 tiles of 224²",
    "volume": "51 × 120 × 122 stack as a volume, anisotropy of the file",
}


def noisy_flows() -> Any:
    """Return flows of cells on a grid, as of a network that errs."""
    from scipy.ndimage import gaussian_filter

    from cellpose_studio.core.runs.flows import Flows

    rng = np.random.default_rng(4)
    step = SIDE / CELLS
    y, x = (axis % step - step / 2 for axis in np.indices((SIDE, SIDE), np.float32))
    distance = np.hypot(y, x)
    inside = distance < 0.45 * step
    unit = np.stack([-y, -x]) / np.maximum(distance, 1)
    noise = rng.normal(size=(3, SIDE, SIDE)).astype(np.float32)
    waves = gaussian_filter(noise[:2], (0, 4, 4))
    rough = gaussian_filter(noise[2], 2)
    return Flows(
        dP=(5 * unit * inside + 2 * waves / waves.std())[:, None].astype(np.float32),
        cellprob=(3 * (0.45 * step - distance).clip(-2, 2) + 2 * rough / rough.std())[
            None
        ].astype(np.float32),
        scale=1.0,
        diameter=25.0,
    )


class Work:
    """The cases, in the version that is imported here."""

    def __init__(self) -> None:
        from cellpose_studio.core.checkpoint import Checkpoint
        from cellpose_studio.engine.device import CPU
        from cellpose_studio.engine.masks.dynamics import FlowMaskMaker
        from cellpose_studio.engine.networks.catalogue import shipped
        from cellpose_studio.engine.networks.network import load
        from cellpose_studio.engine.threads import use_threads

        use_threads(THREADS)
        self.quiet = Checkpoint()
        self.maker_of = FlowMaskMaker
        self.flows = noisy_flows()
        self.network = load(shipped()[0], CPU)
        self.model = shipped()[0]
        self.maker: Any = None
        self.threshold = 0.0
        tiles = np.random.default_rng(0).random((1, 640, 1024, 2), np.float32)
        self.pixels = tiles
        self.warm_up()

    def warm_up(self) -> None:
        from cellpose_studio.core.runs.flows import Flows

        flows = self.flows
        part = Flows(
            dP=flows.dP[..., :200, :200],
            cellprob=flows.cellprob[..., :200, :200],
            scale=1.0,
            diameter=25.0,
        )
        self.maker = self.maker_of(part, (200, 200))
        self.masks_for(flow_threshold=0.4)
        self.maker = None
        self.unet(self.pixels[:, :224, :224])

    def masks_for(self, **options: float) -> Any:
        from cellpose_studio.core.runs.parameters import SegmentationParameters

        return self.maker.masks(SegmentationParameters(**options), self.quiet)

    def masks(self) -> int:
        self.threshold = 0.0
        self.maker = self.maker_of(self.flows, (SIDE, SIDE))
        return int(self.masks_for().max())

    def cellprob(self) -> int:
        self.threshold = 0.5 if self.threshold == 0 else 0.0
        return int(self.masks_for(cellprob_threshold=self.threshold).max())

    def flow(self) -> int:
        found = self.masks_for(cellprob_threshold=self.threshold, flow_threshold=0.3)
        return int(found.max())

    def unet(self, pixels: Any = None) -> int:
        from cellpose_studio.core.runs.parameters import SegmentationParameters
        from cellpose_studio.engine.flows.tiles import TileCounter, run_planes

        pixels = self.pixels if pixels is None else pixels
        done: list[int] = []
        self.quiet._report = lambda *report: done.append(report[0])
        counter = TileCounter(self.quiet, 0)
        run_planes(self.network, pixels, 1.0, SegmentationParameters(), counter)
        return max(done)

    def volume(self) -> int:
        from cellpose_studio.core.runs.parameters import SegmentationParameters
        from cellpose_studio.io.images.reader import open_images
        from cellpose_studio.workflows.segment import segment

        parameters = SegmentationParameters(diameter=25.0, do_3D=True)
        [image] = open_images(STACK)
        return int(segment(image, self.model, parameters, self.quiet).labels.max())

    def cellpose(self) -> int:
        """What Cellpose does for each of the masks' cases: all of it again."""
        from cellpose_studio.engine.torchvision_ops import make_importable

        make_importable()
        from cellpose.dynamics import resize_and_compute_masks

        flows = self.flows
        found = resize_and_compute_masks(flows.dP[:, 0], flows.cellprob[0])
        return int(found.max())


def serve() -> None:
    """Run the cases that are named on the standard input."""
    work = Work()
    print("ready", flush=True)
    for line in sys.stdin:
        case = line.strip()
        wall, cpu = perf_counter(), process_time()
        found = getattr(work, case)()
        print(
            json.dumps([perf_counter() - wall, process_time() - cpu, found]), flush=True
        )


class Version:
    """A process with one version."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._start()

    def _start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__)), "--serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": str(self._root)},
        )
        assert self.process.stdout is not None
        while self.process.stdout.readline().strip() != "ready":
            if self.process.poll() is not None:
                raise SystemExit(f"The version in {self._root} does not start.")

    def seconds(self, case: str) -> tuple[float, float, int]:
        """Return wall and CPU time of ``case``, and how many cells or tiles it gave."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{case}\n")
        self.process.stdin.flush()
        wall, cpu, found = json.loads(self.process.stdout.readline())
        return wall, cpu, found

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def peak_memory(root: Path, side: int) -> float:
    """Return the peak memory of ``segment`` of a uint16 image, in GB."""
    code = (
        "import resource, sys, tempfile, numpy as np, tifffile\n"
        "from pathlib import Path\n"
        "from cellpose_studio.cli.main import run\n"
        "side = int(sys.argv[1])\n"
        "folder = Path(tempfile.mkdtemp())\n"
        "y, x = (np.arange(side) % 32 - 16) ** 2, (np.arange(side) % 32 - 16) ** 2\n"
        "plane = np.add.outer(y, x) < 100\n"
        "tifffile.imwrite(folder / 'a.tif', (1000 + 2000 * plane).astype('u2'))\n"
        "run(['segment', str(folder / 'a.tif'), '--diameter=20', '--threads=2',"
        " '--device=cpu'])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(side)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=True,
    )
    return float(done.stdout.splitlines()[-1]) / 1e9


def measured(
    versions: dict[str, Version], loads: tuple[int, ...], rounds: int
) -> dict[tuple[str, str, int], list[tuple[float, float, int]]]:
    """Time all cases in turns."""
    results: dict[tuple[str, str, int], list[tuple[float, float, int]]] = {}
    for load in loads:
        with busy(load):
            for case in CASES:
                # A round of an earlier version may take minutes while it is busy.
                slow = {"volume"} if load == 0 else {"volume", "masks", "cellprob"}
                for turn in range(rounds):
                    for name, version in versions.items():
                        once = name != "now" and case in slow
                        if (once and turn) or _is_given_up(results, name, case, load):
                            continue
                        took = version.seconds(case)
                        results.setdefault((name, case, load), []).append(took)
            if load == 0:
                took = versions["now"].seconds("cellpose")
                results["cellpose", "masks", load] = [took]
    return results


def _is_given_up(results: Any, name: str, case: str, load: int) -> bool:
    """Return whether ``case`` took so long with less load that it is not tried."""
    longest = [
        max(wall for wall, _, _ in took)
        for (one, other, less), took in results.items()
        if (one, other) == (name, case) and less < load
    ]
    expected = 4 if name != "now" else 2
    return bool(longest) and max(longest) * expected > LIMIT


def row(title: str, cells: list[str]) -> str:
    return f"| {title} | {' | '.join(cells)} |"


def report(results: Any, names: list[str], loads: tuple[int, ...]) -> None:
    print(row("s", [f"{n}, busy {load}" for n in names for load in loads]))
    print("|---" * (1 + len(names) * len(loads)) + "|")
    texts: list[tuple[str, Callable[[list[Any]], str]]] = [
        ("", lambda took: f"{median(wall for wall, _, _ in took):.2f}"),
        (", CPU time", lambda took: f"{median(cpu for _, cpu, _ in took):.2f}"),
    ]
    for case, title in CASES.items():
        for suffix, text in texts:
            took = [results.get((n, case, load)) for n in names for load in loads]
            print(row(title + suffix, [text(one) if one else "" for one in took]))
        found = {one[0][2] for one in took if one}
        print(f"{case}: {found} cells or tiles", file=sys.stderr)
    [(wall, cpu, _)] = results["cellpose", "masks", 0]
    print(f"\nCellpose, flows → masks, quiet: {wall:.2f} s, CPU time {cpu:.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--before", type=Path, help="folder of an earlier version")
    parser.add_argument("--quick", action="store_true", help="quiet only, one round")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
        return
    from cellpose_studio.engine.device import cpu_capability, cpu_computes_bfloat16
    from cellpose_studio.engine.hardware import processor_name

    units = "bfloat16 units" if cpu_computes_bfloat16() else "no bfloat16 units"
    print(f"{processor_name()}, {os.cpu_count()} cores, {cpu_capability()}, {units}\n")
    roots = {"before": options.before, "now": ROOT} if options.before else {"now": ROOT}
    loads, rounds = ((0,), 1) if options.quick else (LOADS, 3)
    versions = {name: Version(root.absolute()) for name, root in roots.items()}
    try:
        results = measured(versions, loads, rounds)
    finally:
        for version in versions.values():
            version.end()
    report(results, list(versions), loads)
    for name, root in roots.items():
        for side in (2048,) if options.quick else (2048, 4096):
            peak = peak_memory(root, side)
            print(f"peak memory, {name}, segment {side}²: {peak:.2f} GB")


if __name__ == "__main__":
    main()
