"""Measure what training a shipped model further on five images does to unseen ones.

    python tests/bench/finetune.py RESULTS [--data FOLDER WITH splits.csv]
        [--kinds NAME …] [--seeds N …] [--table]

Each training is `cellpose-studio train` with its defaults, in a process of its own with
two threads; each model then runs on the test images as `segment` does. What is finished
stays in the folder RESULTS, so that the same command goes on after an interruption,
which costs one training at most. `--table` only prints what is there. See
docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from models import DATA

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.engine.hardware import processor_name
from cellpose_studio.engine.networks.catalogue import find
from cellpose_studio.engine.threads import use_threads
from cellpose_studio.io.atomic import replacing
from cellpose_studio.workflows.assess import assess

THREADS = 2
SEEDS = (0, 1, 2)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Images that a model is trained further on, and others that it never sees.

    Attributes
    ----------
    train, validation, test
        Names of images without their endings, or of splits, of which all rows count.
    """

    folders: tuple[str, ...]
    model: str
    train: frozenset[str]
    validation: frozenset[str]
    test: frozenset[str]


KINDS = {
    "phase": Kind(
        folders=("2d_cells_phase",),
        model="phase-small",
        train=frozenset({"finetune"}),
        validation=frozenset({"validation"}),
        test=frozenset({"finetune-test"}),
    ),
    # No row of histology is kept for fine-tuning, and the model of that kind has seen
    # all of its training rows. So it is the model for nuclei, with the first five whole
    # fields; the sixth one chooses the epoch, and the validation rows are the test.
    "histology": Kind(
        folders=("2d_nuclei_histology_fields", "2d_nuclei_histology"),
        model="nuclei-small",
        train=frozenset(
            {
                "histo_m04_0c2550",
                "histo_m08_1d02c4",
                "histo_m14_2c61fd",
                "histo_m02_01d44a",
                "histo_m20_52a6b8",
            }
        ),
        validation=frozenset({"histo_m05_0e21d7"}),
        test=frozenset({"validation"}),
    ),
}


def images(data: Path, kind: Kind, wanted: frozenset[str]) -> list[Path]:
    """Return the images of a kind whose name or split is wanted."""
    with (data / "splits.csv").open(newline="") as file:
        rows = [(data / row["file"], row["split"]) for row in csv.DictReader(file)]
    return [
        path
        for path, split in rows
        if path.parent.name in kind.folders and wanted & {path.stem, split}
    ]


def measured(model: ModelSpec, tests: Sequence[Path]) -> dict[str, Any]:
    """Return AP at IoU 0.5 and 0.75 of each image, with the diameter measured on it."""
    pairs = [(path, path.with_name(f"{path.stem}_masks.tif")) for path in tests]
    found = assess(model, pairs, Checkpoint())
    aps = {one.image.stem: [*one.agreement.precision[:2]] for one in found}
    return {"scores": aps}


def train(data: Path, kind: Kind, seed: int, out: Path) -> dict[str, Any]:
    """Train a model, and return what it took and what it is worth on unseen images."""
    # An earlier attempt was interrupted: its time is not known.
    shutil.rmtree(out.parent, ignore_errors=True)
    out.parent.mkdir()
    roles = {"train": kind.train, "validation": kind.validation}
    table = out.with_suffix(".csv")
    with table.open("w", newline="") as file:
        write = csv.writer(file).writerow
        write(("file", "split"))
        for role, wanted in roles.items():
            for path in images(data, kind, wanted):
                write((path, role))
    start, used, load = perf_counter(), children_seconds(), os.getloadavg()[0]
    subprocess.run(
        [
            *(sys.executable, "-m", "cellpose_studio", "train"),
            *(str(data / folder) for folder in kind.folders),
            *("--split", str(table), "--model", kind.model, "--out", str(out)),
            *("--seed", str(seed), "--threads", str(THREADS)),
        ],
        check=True,
    )
    result = {
        "minutes": (perf_counter() - start) / 60,
        "cpu_minutes": (children_seconds() - used) / 60,
        "load": [load, os.getloadavg()[2]],
    }
    model = find(str(out))
    assert model.card is not None
    result["epochs"] = len(model.card.curve) - 1
    result["epoch"] = model.card.epoch
    return result | measured(model, images(data, kind, kind.test))


def children_seconds() -> float:
    """Return the CPU time of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def kept(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what a file has, which is made where it is missing."""
    if not path.exists():
        content = json.dumps(make(), indent=1)
        with replacing(path) as part:
            part.write_text(content)
    result: dict[str, Any] = json.loads(path.read_text())
    return result


def means(result: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the mean AP over the images, at both thresholds."""
    return np.array([*result["scores"].values()]).mean(axis=0)


def print_tables(folder: Path) -> None:
    """Print what is there: by seed, their mean and spread, and image by image."""
    print(f"\n{processor_name()}, {THREADS} threads\n")
    print(
        "| images | seed | AP@0.5 before | after | AP@0.75 before | after "
        "| images better, 0.5 | epoch | CPU, min | clock, min | load |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|"
    )
    single = []
    for name, kind in KINDS.items():
        before_file = folder / f"{name}-before.json"
        files = sorted(folder.glob(f"{name}-[0-9]*.json"))
        if not before_file.exists() or not files:
            continue
        before = json.loads(before_file.read_text())
        results = [json.loads(file.read_text()) for file in files]
        title = f"{name} ({len(before['scores'])}), {kind.model}"
        old = means(before)
        for file, one in zip(files, results, strict=True):
            new = means(one)
            pairs = zip(before["scores"].values(), one["scores"].values(), strict=True)
            better = sum(after[0] > was[0] for was, after in pairs)
            load = " to ".join(f"{value:.0f}" for value in one["load"])
            print(
                f"| {title} | {file.stem.rpartition('-')[2]} | {old[0]:.3f} "
                f"| {new[0]:.3f} | {old[1]:.3f} | {new[1]:.3f} | {better} "
                f"| {one['epoch']} of {one['epochs']} | {one['cpu_minutes']:.1f} "
                f"| {one['minutes']:.1f} | {load} |"
            )
        several = np.array([means(one) for one in results])
        mean, spread = several.mean(axis=0), several.std(axis=0, ddof=1)
        print(
            f"| {title} | mean ± s.d. | {old[0]:.3f} | {mean[0]:.3f} ± {spread[0]:.3f} "
            f"| {old[1]:.3f} | {mean[1]:.3f} ± {spread[1]:.3f} | | | | | |"
        )
        for image, (was, was75) in before["scores"].items():
            after = np.array([one["scores"][image] for one in results])
            each = [" / ".join(f"{value:.2f}" for value in ap) for ap in after.T]
            single.append(
                f"| {image} | {was:.2f} | {each[0]} | {was75:.2f} | {each[1]} |"
            )
    print(
        "\n| image | AP@0.5 before | after, by seed | AP@0.75 before | after, by seed |"
        "\n|---|---|---|---|---|"
    )
    print("\n".join(single))


def main() -> None:
    """Train and measure what is not there yet, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=[*KINDS])
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    parser.add_argument("--table", action="store_true", help="only print what is there")
    options = parser.parse_args()
    data, folder = options.data.resolve(), options.results.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if not options.table:
        use_threads(THREADS)
        for name in options.kinds:
            kind = KINDS[name]
            tests = images(data, kind, kind.test)

            before = partial(measured, find(kind.model), tests)
            kept(folder / f"{name}-before.json", before)
            for seed in options.seeds:
                out = folder / f"{name}-{seed}" / name
                kept(
                    folder / f"{out.parent.name}.json",
                    partial(train, data, kind, seed, out),
                )
    print_tables(folder)


if __name__ == "__main__":
    main()
