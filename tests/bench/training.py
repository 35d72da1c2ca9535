"""Time of training steps of the shipped network, of this checkout and of another one.

    .venv/bin/python tests/bench/training.py OTHER_CHECKOUT [STEPS]

Takes the steps in turn, in processes of their own with the same number of threads of
torch, and prints the seconds of the clock and of the processor per step: the medians.
The other checkout is one from before batches were shared out among threads.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parents[2]
COMMON = """
import resource, sys, time
import numpy as np, torch
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.models.training import TrainingImage, TrainingParameters
torch.set_num_threads(2)
rng = np.random.default_rng(0)
y, x = np.mgrid[:512, :512]
labels = np.zeros((512, 512), np.uint16)
for n, (cy, cx) in enumerate(rng.uniform(10, 500, (300, 2))):
    labels[np.hypot(y - cy, x - cx) < 9] = n + 1
pixels = (labels > 0) + rng.normal(0, 0.2, labels.shape)
images = [TrainingImage(str(n), pixels[None].astype(np.float32), labels) for n in "ab"]
parameters = TrainingParameters(shading=0.6, blur=0.1, noise=0.3, bsize=192)
chosen = [0, 1] * 4
def used():
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime
def timed(take):
    take()
    for _ in sys.stdin:
        start = time.perf_counter(), used()
        take()
        print(time.perf_counter() - start[0], used() - start[1], flush=True)
"""
BEFORE = """
from cellpose_studio.engine.training import trainer
from cellpose_studio.engine.training.dataset import TrainingCrops
crops = TrainingCrops(images, parameters, Checkpoint(), vary=True)
net = trainer._network(parameters, 17.0)
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4)
timed(lambda: trainer._step(net, optimizer, *crops.crops(chosen, rng)))
"""
NOW = """
from cellpose_studio.core.models.training_set import TrainingPair
from cellpose_studio.engine.device import CPU
from cellpose_studio.engine.training.dataset import TrainingCrops, survey
from cellpose_studio.engine.training.image_cache import ImageCache
from cellpose_studio.engine.training.loader import loading
from cellpose_studio.engine.training.networks import start_network
from cellpose_studio.engine.training.optimizer import AdamW
from cellpose_studio.engine.training.steps import Stepper
pairs = [
    TrainingPair(name=i.name, role="train", identity=i.name, cells=300, source="",
                 read=lambda i=i: i)
    for i in images
]
check = lambda: None
trained = start_network(parameters, None, CPU, check)
crops = TrainingCrops(
    ImageCache(pairs, 0, Checkpoint()), survey(pairs, 0, Checkpoint()), parameters,
    scale_to=trained.scale_to, inputs=trained.inputs, vary=True,
)
optimizer = AdamW([*trained.net.parameters()], 0.01, 1e-4)
stepper = Stepper(trained, len(chosen), False, "cpu", check)
with loading() as loader:
    calls = (lambda: crops.batch(chosen, rng) for _ in range(10_000))
    batches = loader.results(calls, check)
    timed(lambda: stepper.step(optimizer, next(batches)))
    batches.close()
"""


def started(checkout: Path, code: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    return subprocess.Popen(
        [sys.executable, "-c", COMMON + code],
        env=environment,
        cwd=checkout,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def main() -> None:
    other = Path(sys.argv[1])
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    runs = {"before": started(other, BEFORE), "now": started(HERE, NOW)}
    times: dict[str, list[list[float]]] = {name: [] for name in runs}
    for _ in range(steps):
        for name, run in runs.items():
            run.stdin.write("\n")
            run.stdin.flush()
            times[name].append([float(part) for part in run.stdout.readline().split()])
    for run in runs.values():
        run.stdin.close()
        run.wait()
    medians = {name: np.median(several, axis=0) for name, several in times.items()}
    for name, (clock, processor) in medians.items():
        print(f"{name:7} {clock:6.2f} s of the clock, {processor:6.2f} s of processor")
    clock, processor = medians["before"] / medians["now"]
    print(f"ratio   {clock:6.2f}                 {processor:6.2f}")


if __name__ == "__main__":
    main()
