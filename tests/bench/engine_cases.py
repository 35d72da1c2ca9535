"""What `engine.py` times, in the version of the package that is imported.

A process of its own for each version runs the cases that it reads the names of.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[2]
STACK = ROOT.parent / "shared/data/3d_nuclei_mouse_embryo/mouse_embryo_16cell.tif"
SIDE = 2048
STEP = SIDE / 72
"""Distance of cells, px."""
THREADS = 2
Case = Callable[[], int | None]
"""Returns how many cells or tiles it gave; None if it does not exist here."""

TILE = np.random.default_rng(1).normal(size=(1, 3, 256, 256)).astype(np.float32)


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
    """The cases, in the version that is imported here.

    Each is a method of its name, or made by one when it is first asked for.
    """

    def __init__(self, side: int, transformer: Path, stack: Path) -> None:
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
        self.transformer = transformer
        self.transformers: dict[str, Any] = {}
        self.cases: dict[str, Case] = {}
        self.stack = stack
        pixels = np.random.default_rng(0).random((1, 640, 1024, 2), np.float32)
        # Of a small side, only a few tiles.
        self.pixels = pixels[:, :side, :side]
        self.warm_up()

    def case(self, name: str) -> Case:
        """Return a case, which may have to load a network before."""
        if name not in self.cases:
            make = getattr(self, f"make_{name}", None)
            self.cases[name] = make() if make else getattr(self, name)
        return self.cases[name]

    def forget(self, name: str) -> None:
        """Release the memory of a case that is not done again."""
        self.cases.pop(name, None)

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

    def make_unet_bfloat16(self) -> Case:
        from cellpose_studio.engine.device import CPU, cpu_computes_bfloat16
        from cellpose_studio.engine.networks.network import load

        if not cpu_computes_bfloat16():
            return _nothing
        network = load(self.model, CPU, precision="bfloat16")
        self.unet(self.pixels[:, :224, :224], network)
        return lambda: self.unet(network=network)

    def make_vit(self) -> Case:
        return self._tile("float32")

    def make_vit_fused(self) -> Case:
        try:
            from cellpose_studio.engine.networks.transformers import (
                fused_attention,  # noqa: F401
            )
        except ImportError:
            return _nothing
        return self._tile("float32", engine="fused-attention")

    def make_vit_bfloat16(self) -> Case:
        from cellpose_studio.engine.device import cpu_computes_bfloat16

        return self._tile("bfloat16") if cpu_computes_bfloat16() else _nothing

    def _tile(self, precision: str, **changes: str) -> Case:
        """Return what runs one tile of a Transformer of full size."""
        from cellpose_studio.engine.device import CPU
        from cellpose_studio.engine.networks.network import load
        from cellpose_studio.engine.networks.weights import inspect

        if precision not in self.transformers:
            spec = inspect(self.transformer)
            self.transformers[precision] = load(spec, CPU, precision=precision)
        network = replace(self.transformers[precision], **changes)
        network.run(TILE)
        return lambda: len(network.run(TILE))

    def volume(self) -> int | None:
        """None without the real images."""
        if not self.stack.is_file():
            return None
        from cellpose_studio.core.runs.parameters import SegmentationParameters
        from cellpose_studio.io.images.reader import open_images
        from cellpose_studio.workflows.segment import segment

        parameters = SegmentationParameters(diameter=25.0, do_3D=True)
        [image] = open_images(self.stack)
        return int(segment(image, self.model, parameters, self.quiet).labels.max())

    def cellpose(self) -> int:
        """What Cellpose does for each of the masks' cases: all of it again."""
        from cellpose_studio.engine.torchvision_ops import make_importable

        make_importable()
        from cellpose.dynamics import resize_and_compute_masks

        flows = self.flows
        found = resize_and_compute_masks(flows.dP[:, 0], flows.cellprob[0])
        return int(found.max())

    def make_cellpose_vit(self) -> Case:
        return self._cellpose_tile("float32")

    def make_cellpose_vit_bfloat16(self) -> Case:
        from cellpose_studio.engine.device import cpu_computes_bfloat16

        return self._cellpose_tile("bfloat16") if cpu_computes_bfloat16() else _nothing

    def _cellpose_tile(self, precision: str) -> Case:
        """Return what Cellpose does with one tile."""
        import torch

        from cellpose_studio.engine.torchvision_ops import make_importable

        make_importable()
        from cellpose.vit import CPSAM

        net = CPSAM(dtype=getattr(torch, precision))
        net.load_model(self.transformer, torch.device("cpu"), strict=True)
        net.eval()
        tile = torch.from_numpy(TILE).to(net.dtype)

        def run() -> int:
            with torch.no_grad():
                return len(net(tile)[0])

        run()
        return run


def _nothing() -> None:
    """Is a case that there is not, in a version or on a processor."""


def write_transformer(path: Path) -> Path:
    """Write a Cellpose 4 network of full size with random weights."""
    import torch

    from cellpose_studio.engine.torchvision_ops import make_importable

    make_importable()
    from cellpose import vit

    torch.save(vit.CPSAM().state_dict(), path)
    return path


def serve(work: Work) -> None:
    """Run the cases that are named on the standard input."""
    print("ready", flush=True)
    for line in sys.stdin:
        name = line.strip()
        case = work.case(name)
        wall, cpu = perf_counter(), process_time()
        found = case()
        took = [perf_counter() - wall, process_time() - cpu, found]
        print(json.dumps(took), flush=True)
        if name.startswith("cellpose"):
            work.forget(name)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", type=int, default=SIDE)
    parser.add_argument("--transformer", type=Path, required=True)
    parser.add_argument("--stack", type=Path, default=STACK)
    options = parser.parse_args()
    serve(Work(options.side, options.transformer, options.stack))


if __name__ == "__main__":
    main()
