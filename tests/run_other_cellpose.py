"""What Cellpose 2 and 3 do, told by a JSON file; in an environment with one of them.

Each job is an object: ``do`` is the name of a function here, the rest its arguments.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cellpose import models

TASK = Path(sys.argv[1])
ARRAYS = np.load(TASK.with_suffix(".npz"))
torch.set_num_threads(1)


def masks(
    image: str, model: dict[str, Any], options: dict[str, Any], mkldnn: bool = True
) -> dict[str, np.ndarray]:
    """Flows and masks of a network; some of Cellpose 2 do not run on tensors of MKL."""
    cellpose = models.CellposeModel(gpu=False, **model)
    if not mkldnn:
        cellpose.mkldnn = cellpose.net.mkldnn = False
    found, flows, _ = cellpose.eval(ARRAYS[image].copy(), **options)
    return {"masks": found, "dP": flows[1], "cellprob": flows[2]}


def diameter(
    image: str, weights: str, sizes: str, options: dict[str, Any]
) -> dict[str, np.ndarray]:
    """Estimate of a size model, and the diameter of the cells found at it."""
    cellpose = models.CellposeModel(gpu=False, pretrained_model=weights)
    model = models.SizeModel(cellpose, pretrained_size=sizes)
    measured, estimate = model.eval(ARRAYS[image].copy(), **options)
    return {"measured": np.array(measured), "estimate": np.array(estimate)}


def restored(
    image: str, model: dict[str, Any], options: dict[str, Any]
) -> dict[str, np.ndarray]:
    """An image restored by one of the networks for that."""
    from cellpose.denoise import DenoiseModel

    network = DenoiseModel(gpu=False, **model)
    return {"image": network.eval(ARRAYS[image].copy(), **options)}


def restored_masks(
    image: str, model: dict[str, Any], options: dict[str, Any]
) -> dict[str, np.ndarray]:
    """Flows and masks of an image that is restored before."""
    from cellpose.denoise import CellposeDenoiseModel

    cellpose = CellposeDenoiseModel(gpu=False, **model)
    found, flows, *_ = cellpose.eval(ARRAYS[image].copy(), **options)
    return {"masks": found, "dP": flows[1], "cellprob": flows[2]}


def train(
    images: list[str],
    labels: list[str],
    weights: str,
    name: str,
    options: dict[str, Any],
) -> dict[str, np.ndarray]:
    """Train a network further; the file is ``models/NAME`` beside the task."""
    from cellpose.train import train_seg

    cellpose = models.CellposeModel(gpu=False, pretrained_model=weights, mkldnn=False)
    _, losses, _ = train_seg(
        cellpose.net,
        train_data=[ARRAYS[one] for one in images],
        train_labels=[ARRAYS[one].astype(np.int32) for one in labels],
        save_path=str(TASK.parent),
        model_name=name,
        **options,
    )
    return {"losses": losses}


def main() -> None:
    """Do all jobs and write the arrays that they return."""
    assert version("cellpose") == sys.argv[2]
    found = {}
    for n, job in enumerate(json.loads(TASK.read_text(encoding="utf-8"))):
        work = globals()[job.pop("do")]
        found |= {f"{n} {name}": np.asarray(v) for name, v in work(**job).items()}
    np.savez(TASK.with_suffix(".out.npz"), **found)


main()
