"""Time the engine, quiet and beside other programs; see docs/benchmarks.md.

python tests/bench/engine.py [--before FOLDER OF AN EARLIER VERSION] [--quick]
    [--write docs/benchmarks.md]

Each version runs in a process of its own, all of them in turns, with two threads of
torch. Busy means that so many other processes, which this script starts and ends, keep
the processor busy all the time; each round is done quiet and with each number of them.
A case that takes longer than its limit is given up. With --quick, it takes about ten
minutes on two cores; with --side 256, which is for trying the script, one or two. With
--write, the table replaces that of the file.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

import numpy as np
from load import busy

ROOT = Path(__file__).parents[2]
STACK = ROOT.parent / "shared/data/3d_nuclei_mouse_embryo/mouse_embryo_16cell.tif"
SIDE = 2048
STEP = SIDE / 72
"""Distance of cells, px."""
THREADS = 2
LOADS = (0, 1, 2, 4)
LIMIT = 60
"""Seconds that a case may take."""

CASES = {
    "masks": "flows → masks, 2048², 5,184 noisy cells",
    "cellprob": "cell-probability slider, the same",
    "flow": "flow-threshold slider, the same",
    "unet": "U-Net, 24 tiles of 224²",
    "openvino": "the same by OpenVINO",
    "volume": "51 × 120 × 122 stack as a volume, anisotropy of the file",
}


BEGIN, END = "<!-- engine.py -->\n", "<!-- until here -->\n"
"""What the table stands between in the file."""

Result = tuple[float, float, int]
Results = dict[tuple[str, str, int], list[Result]]


def noisy_flows(side: int) -> Any:
    """Return flows of cells on a grid, as of a network that errs."""
    from scipy.ndimage import gaussian_filter

    from cellpose_studio.core.runs.flows import Flows

    rng = np.random.default_rng(4)
    step = STEP
    y, x = (axis % step - step / 2 for axis in np.indices((side, side), np.float32))
    distance = np.hypot(y, x)
    inside = distance < 0.45 * step
    unit = np.stack([-y, -x]) / np.maximum(distance, 1)
    noise = rng.normal(size=(3, side, side)).astype(np.float32)
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

    def __init__(self, side: int) -> None:
        from cellpose_studio.core.checkpoint import Checkpoint
        from cellpose_studio.engine.device import CPU
        from cellpose_studio.engine.masks.dynamics import FlowMaskMaker
        from cellpose_studio.engine.networks.catalogue import shipped
        from cellpose_studio.engine.networks.network import load
        from cellpose_studio.engine.threads import use_threads

        use_threads(THREADS)
        self.quiet = Checkpoint()
        self.maker_of = FlowMaskMaker
        self.side = side
        self.flows = noisy_flows(side)
        self.network = load(shipped()[0], CPU)
        self.model = shipped()[0]
        self.maker: Any = None
        self.threshold = 0.0
        pixels = np.random.default_rng(0).random((1, 640, 1024, 2), np.float32)
        # Of a small side, only a few tiles.
        self.pixels = pixels[:, :side, :side]
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
        self.openvino()

    def masks_for(self, **options: float) -> Any:
        from cellpose_studio.core.runs.parameters import SegmentationParameters

        return self.maker.masks(SegmentationParameters(**options), self.quiet)

    def masks(self) -> int:
        self.threshold = 0.0
        self.maker = self.maker_of(self.flows, (self.side, self.side))
        return int(self.masks_for().max())

    def cellprob(self) -> int:
        self.threshold = 0.5 if self.threshold == 0 else 0.0
        return int(self.masks_for(cellprob_threshold=self.threshold).max())

    def flow(self) -> int:
        found = self.masks_for(cellprob_threshold=self.threshold, flow_threshold=0.3)
        return int(found.max())

    def unet(self, pixels: Any = None, network: Any = None) -> int:
        from cellpose_studio.core.runs.parameters import SegmentationParameters
        from cellpose_studio.engine.flows.tiles import TileCounter, run_planes

        pixels = self.pixels if pixels is None else pixels
        done: list[int] = []
        self.quiet._report = lambda *report: done.append(report[0])
        counter = TileCounter(self.quiet, 0)
        given = (pixels, 1.0, SegmentationParameters(), counter)
        run_planes(network or self.network, *given)
        return max(done)

    def openvino(self) -> int | None:
        """None where it is not installed, or the version does not know it."""
        try:
            from cellpose_studio.engine.versions import has_openvino
        except ImportError:
            return None
        network = replace(self.network, engine="openvino")
        return self.unet(network=network) if has_openvino() else None

    def volume(self) -> int | None:
        """None without the real images beside the checkout."""
        if not STACK.is_file():
            return None
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


def serve(side: int) -> None:
    """Run the cases that are named on the standard input."""
    work = Work(side)
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

    def __init__(self, root: Path, side: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__)), "--serve", f"--side={side}"],
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


def measured(versions: dict[str, Version], loads: tuple[int, ...], rounds: int) -> Any:
    """Time all cases in turns."""
    results: Results = {}
    took = versions["now"].seconds("cellpose")
    assert took is not None
    results["cellpose", "masks", 0] = [took]
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
    [(wall, cpu, _)] = results["cellpose", "masks", 0]
    lines += ["", f"Cellpose, flows → masks, quiet: {wall:.2f} s, CPU time {cpu:.2f} s"]
    return lines


def _median(took: list[Result], which: int) -> float:
    return median(one[which] for one in took) if took else 0.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--before", type=Path, help="folder of an earlier version")
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--side", type=int, default=SIDE, help="of the flows, px")
    parser.add_argument("--write", type=Path, help="file whose table is replaced")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.side)
        return
    from cellpose_studio.engine.device import cpu_capability, cpu_computes_bfloat16
    from cellpose_studio.engine.hardware import processor_name

    units = "bfloat16 units" if cpu_computes_bfloat16() else "no bfloat16 units"
    lines = [f"{processor_name()}, {os.cpu_count()} cores, {cpu_capability()}, {units}"]
    roots = {"before": options.before, "now": ROOT} if options.before else {"now": ROOT}
    versions: dict[str, Version] = {}
    try:
        for name, root in roots.items():
            versions[name] = Version(root.absolute(), options.side)
        results = measured(versions, LOADS, 1 if options.quick else 3)
    finally:
        for version in versions.values():
            version.end()
    lines += ["", *report(results, list(versions), LOADS), ""]
    for name, root in roots.items():
        for side in (options.side, 2 * options.side):
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
