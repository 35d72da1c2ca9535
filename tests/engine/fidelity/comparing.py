"""Our results beside those of Cellpose, as rows of the tables in docs/fidelity.md."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.runs.segmentation import Segmentation
from cellpose_studio.engine.device import CPU
from cellpose_studio.engine.networks.network import NetworkCache
from cellpose_studio.workflows.segment import segment
from tests.images import image_of

PAGE = Path(__file__).parents[3] / "docs" / "fidelity.md"
WRITE = "CELLPOSE_STUDIO_WRITE_DOCS"
"""Environment variable with which the tables of the page are written anew."""

_NETWORKS = NetworkCache()


@dataclass(frozen=True)
class Case:
    """One run, of both.

    Attributes
    ----------
    name
        In the table.
    pixels
        (C, Z, Y, X).
    parameters
        Ours; Cellpose's follow from them.
    """

    name: str
    pixels: np.ndarray
    parameters: SegmentationParameters

    def changed(self, name: str, options: dict[str, Any]) -> Case:
        """Return the same run with other parameters."""
        given = self.parameters.model_copy(update=options)
        return Case(f"{self.name}, {name}", self.pixels, given)

    @property
    def cellposes_image(self) -> np.ndarray:
        """(Y, X, C), or (Z, Y, X, C) of a stack."""
        image = self.pixels.transpose(1, 2, 3, 0)
        return image[0] if len(image) == 1 else image

    def cellposes_options(self) -> dict[str, Any]:
        """What ``eval`` of Cellpose 3 and 4 gets for the same."""
        ours = self.parameters.model_dump()
        both = (
            *("diameter", "resample", "augment", "tile_overlap", "do_3D", "anisotropy"),
            *("stitch_threshold", "flow3D_smooth", "min_size", "flow_threshold"),
            *("cellprob_threshold", "niter"),
        )
        stack = self.pixels.shape[1] > 1
        return {
            **{name: ours[name] for name in both},
            "channel_axis": -1,
            "z_axis": 0 if stack else None,
            # Without a limit and all of its keys, Cellpose goes on with those of the
            # run before.
            "normalize": {**ours["normalization"], "lowhigh": None},
        }

    def cellpose_3_options(self) -> dict[str, Any]:
        """The same with the channels, of which Cellpose 3 asks for two."""
        channels = [c or 0 for c in self.parameters.channels]
        return {**self.cellposes_options(), "channels": channels}


def run(case: Case, model: ModelSpec) -> Segmentation:
    """Run a case here."""
    image = image_of(case.pixels[None])
    return segment(image, model, case.parameters, Checkpoint(), CPU, _NETWORKS)


def flow_difference(ours: Flows, theirs: dict[str, np.ndarray]) -> float:
    """Return the largest difference of flows, over the largest value of theirs."""
    differences, largest = [], []
    for mine, name in ((ours.dP, "dP"), (ours.cellprob, "cellprob")):
        other = theirs[name].squeeze()
        assert mine.squeeze().shape == other.shape
        differences.append(float(np.abs(mine.squeeze() - other).max()))
        largest.append(float(np.abs(other).max()))
    return max(differences) / max(largest)


def same_pixels(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Return the share of pixels that are of the same cell, or of none, in both.

    Of each pair of cells, the ids may differ; a cell has one partner at most.
    """
    mine, other = ours.squeeze().ravel(), theirs.squeeze().ravel().astype(np.int64)
    assert len(mine) == len(other)
    pairs, counts = np.unique(np.stack([mine, other]), axis=1, return_counts=True)
    same, taken = 0, (set[int](), set[int]())
    for at in np.argsort(-counts):
        a, b = (int(value) for value in pairs[:, at])
        if (a == 0) != (b == 0) or (a and (a in taken[0] or b in taken[1])):
            continue
        same += int(counts[at])
        taken[0].add(a)
        taken[1].add(b)
    return same / len(mine)


def count(labels: np.ndarray) -> int:
    """Return the number of cells."""
    return len(np.unique(labels[labels > 0]))


def rounded_up(number: float) -> str:
    """Return a small number with one digit, not smaller than it is: ``3e-06``."""
    if number == 0:
        return "0"
    power = math.floor(math.log10(number))
    return f"{math.ceil(number / 10**power) * 10.0**power:.0e}"


def share(number: float) -> str:
    """Return a share of 1 in per cent, not larger than it is."""
    return f"{math.floor(number * 1e5) / 1e3:.3f} %"


def check_masks(
    table: str,
    model: ModelSpec,
    cases: list[Case],
    found: Iterable[dict[str, np.ndarray]],
) -> list[int]:
    """Compare the masks of Cellpose with ours; return how many cells it has found."""
    rows, counts, worst = [], [], 1.0
    for case, theirs in zip(cases, found, strict=True):
        result = run(case, model)
        assert result.flows is not None
        difference = flow_difference(result.flows, theirs)
        same = same_pixels(result.labels, theirs["masks"])
        counts.append(count(theirs["masks"]))
        cells = f"{counts[-1]} / {count(result.labels)}"
        rows.append((case.name, cells, share(same), rounded_up(difference)))
        worst = min(worst, same)
    head = ("Image", "Cells, Cellpose / here", "Same pixels", "Flows")
    check_table(table, head, rows)
    assert worst >= 0.995, rows
    return counts


def check_table(name: str, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Compare the first column of a table of the page; write the table if told to."""
    table = "\n".join(
        f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows)
    )
    text = PAGE.read_text(encoding="utf-8")
    start, end = f"<!-- {name} -->\n\n", f"\n\n<!-- end of {name} -->"
    before, _, rest = text.partition(start)
    there, _, after = rest.partition(end)
    assert after, f"{PAGE.name} has no table {name}"
    if os.environ.get(WRITE):
        PAGE.write_text(f"{before}{start}{table}{end}{after}", encoding="utf-8")
        return

    def cases(text: str) -> list[str]:
        return [line.split(" | ")[0] for line in text.splitlines()]

    assert cases(there) == cases(table), f"set {WRITE}=1 to write {PAGE.name} anew"
