"""Measure whether the review queue begins with the cells that are wrong.

python tests/bench/uncertainty.py [--data FOLDER WITH splits.csv]

A cell is wrong if no true cell overlaps it with an IoU of 0.5 or more. The queue of
each validation image is in the order of `core.review.queue`; beside it are the queues
that only what the network says, only size and shape, or chance would give.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
from models import DATA, KINDS, right_cells, validation

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.review.cell_shapes import cell_shapes
from cellpose_studio.core.review.queue import review_of
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.workflows.assess import Assessed, assess

Values = npt.NDArray[np.float64]
ORDERS = ("uncertainty", "network", "size and shape", "chance")


def orders(result: Assessed) -> dict[str, Values]:
    """Return what each order sorts the cells of an image by, the highest first."""
    shapes, confidence = cell_shapes(result.run.labels), result.run.confidence
    assert (shapes.ids == confidence.ids).all()
    return {
        "uncertainty": review_of(shapes, confidence).uncertainties,
        "network": 1 - confidence.scores,
        "size and shape": review_of(shapes).uncertainties,
        "chance": np.random.default_rng(0).random(len(shapes)),
    }


def found(values: Values, wrong: npt.NDArray[np.bool_], share: float) -> int:
    """Return how many wrong cells are in the first ``share`` of a queue."""
    first = np.argsort(-values, kind="stable")[: round(share * len(values))]
    return int(wrong[first].sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    data = parser.parse_args().data
    models = {model.name: model for model in shipped()}
    print(
        "| images | cells | wrong | order | of the wrong, in the first tenth | fifth "
        "| half |\n|---|---|---|---|---|---|---|"
    )
    for part, (kind, own) in KINDS.items():
        results = list(assess(models[own], validation(data, part), Checkpoint()))
        wrong = [~right_cells(result) for result in results]
        known = [orders(result) for result in results]
        cells, total = sum(map(len, wrong)), sum(int(w.sum()) for w in wrong)
        for name in ORDERS:
            shares = [
                sum(found(k[name], w, share) for k, w in zip(known, wrong, strict=True))
                for share in (0.1, 0.2, 0.5)
            ]
            line = " | ".join(f"{n / max(total, 1):.0%}" for n in shares)
            print(f"| {kind} | {cells} | {total} | {name} | {line} |", flush=True)


if __name__ == "__main__":
    main()
