"""Trials of a parameter search, their scores, and the best of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Literal

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.matching.evaluation.scores import Scores
from cellpose_studio.core.runs.parameters import SegmentationParameters

Metric = Literal["ap", "ap50", "pq"]

METRICS: dict[Metric, str] = {
    "ap": "average precision, mean of IoU 0.5 to 0.95",
    "ap50": "average precision at IoU 0.5",
    "pq": "panoptic quality",
}

_CELLPROB = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0)
_FLOW = (0.2, 0.4, 0.6, 0.8, 1.0)
_SIZES = (0.0, 0.1, 0.25)
"""Smallest cells, as parts of a circle of the diameter."""
_FEW_IMAGES, _FEW_CELLS = 3, 50

Table = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Parameters to try; a diameter of None is that of the run of each image."""

    cellprob_threshold: float
    flow_threshold: float
    min_size: int
    diameter: float | None = None

    @property
    def thresholds(self) -> dict[str, float]:
        """The parameters that need no new run, under Cellpose's names."""
        return {
            "cellprob_threshold": self.cellprob_threshold,
            "flow_threshold": self.flow_threshold,
            "min_size": self.min_size,
        }

    @property
    def values(self) -> dict[str, float]:
        """All parameters that the trial sets."""
        size = {} if self.diameter is None else {"diameter": self.diameter}
        return {**size, **self.thresholds}

    def changes(self, other: Trial) -> int:
        """Return in how many parameters two trials differ."""
        mine, theirs = vars(self), vars(other)
        return sum(mine[name] != theirs[name] for name in mine)


def trials_around(
    parameters: SegmentationParameters, diameters: Sequence[float] = ()
) -> list[Trial]:
    """Return a grid of trials, the present parameters first.

    Parameters
    ----------
    diameters
        Tried beside that of the run; each needs a run of the network on every image.
    """
    present = Trial(
        cellprob_threshold=parameters.cellprob_threshold,
        flow_threshold=parameters.flow_threshold,
        min_size=parameters.min_size,
    )
    width = parameters.diameter or 30.0
    area = np.pi / 4 * width**2
    sizes = sorted({present.min_size, *(round(part * area) for part in _SIZES)})
    # Volumes have no flow threshold.
    flow = [present.flow_threshold]
    if not parameters.do_3D:
        flow = sorted({present.flow_threshold, *_FLOW})
    chances = sorted({present.cellprob_threshold, *_CELLPROB})
    found = [present]
    found += [
        Trial(
            cellprob_threshold=chance,
            flow_threshold=fit,
            min_size=size,
            diameter=diameter,
        )
        for diameter, chance, fit, size in product(
            [None, *diameters], chances, flow, sizes
        )
    ]
    return list(dict.fromkeys(found))


@dataclass(eq=False, kw_only=True)
class SearchTable:
    """Scores of all trials on all images; NaN where they are not there yet.

    Attributes
    ----------
    scores, ap50
        (trials, images).
    cells
        True cells of each image.
    """

    trials: list[Trial]
    images: list[str]
    metric: Metric = "ap"
    scores: Table = field(init=False)
    ap50: Table = field(init=False)
    cells: list[int] = field(init=False)

    def __post_init__(self) -> None:
        """Begin without scores."""
        shape = len(self.trials), len(self.images)
        self.scores, self.ap50 = np.full((2, *shape), np.nan)
        self.cells = [0] * len(self.images)

    def add(self, trial: int, image: int, scores: Scores) -> None:
        """Add the scores of a trial on an image.

        Where there are no cells, and none were found, the masks are right: 1.
        """
        at = scores.at(0.5)
        # Without a score of these, trials would be compared on different images.
        ap, pq = (np.nan_to_num(values, nan=1.0) for values in (scores.ap, scores.pq))
        value = {"ap": np.mean(ap), "ap50": ap[at], "pq": pq[at]}[self.metric]
        self.ap50[trial, image] = ap[at]
        self.cells[image] = scores.true_cells
        # Last, because it says that the trial was made.
        self.scores[trial, image] = value

    @property
    def done(self) -> int:
        """Number of scores that are there."""
        return int(np.isfinite(self.scores).sum())

    @property
    def compared(self) -> npt.NDArray[np.intp]:
        """Images that all trials were made on; the first one until there is any.

        Means over others would compare trials on different images.
        """
        done = np.flatnonzero(np.isfinite(self.scores).all(axis=0))
        return done if len(done) else np.arange(1)

    def means(self) -> Table:
        """Return the mean of each trial over `compared`; NaN where none is there."""
        return _mean(self.scores[:, self.compared])

    def ap50_means(self) -> Table:
        """Return the mean AP at IoU 0.5 of each trial; NaN where none is there."""
        return _mean(self.ap50[:, self.compared])

    def spreads(self) -> Table:
        """Return the standard deviation of each trial over images; NaN of one."""
        scores = self.scores[:, self.compared]
        counts = np.isfinite(scores).sum(1)
        rest = scores - self.means()[:, None]
        squares = np.nansum(rest**2, axis=1)
        return np.sqrt(
            np.where(counts > 1, squares / np.maximum(counts - 1, 1), np.nan)
        )

    def ranked(self) -> list[int]:
        """Return the trials that have scores, the best one first."""
        means, best = self.means(), self.best
        known = np.flatnonzero(np.isfinite(means)).tolist()
        return sorted(known, key=lambda n: (n != best, -means[n]))

    @property
    def best(self) -> int:
        """The trial with the highest mean, of equal ones that with fewest changes."""
        return self._best_of(self.compared)

    def validated(self) -> tuple[float, float] | None:
        """Return mean and standard deviation on images not used for the choice.

        For each image, the best trial on the others is taken. None below three images,
        and until all trials were made.
        """
        count = len(self.images)
        if count < _FEW_IMAGES or self.done < self.scores.size:
            return None
        left = [
            self.scores[self._best_of(np.delete(np.arange(count), n)), n]
            for n in range(count)
        ]
        return float(np.mean(left)), float(np.std(left, ddof=1))

    def warnings(self) -> list[str]:
        """Return what speaks against the result, one sentence each."""
        found = []
        if len(self.images) < _FEW_IMAGES:
            found.append(
                f"With fewer than {_FEW_IMAGES} images, it is not known whether the "
                "settings suit others: correct more."
            )
        if (cells := sum(self.cells)) < _FEW_CELLS:
            found.append(f"{cells} cells are few: differences may be chance.")
        gain = self.scores[self.best] - self.scores[0]
        spread = float(np.std(gain, ddof=1)) if len(gain) > 1 else 0.0
        if self.best == 0:
            found.append("The present settings are the best.")
        elif float(gain.mean()) < spread / np.sqrt(len(gain)):
            found.append(
                f"The gain of {gain.mean():.3f} is within the spread of the images: "
                "the present settings may be as good."
            )
        validated = self.validated()
        if validated is not None and validated[0] < float(self.means()[0]):
            found.append(
                "On images not used for the choice, the settings found are worse than "
                "the present ones: they fit these images too closely."
            )
        return found

    def _best_of(self, images: npt.NDArray[np.intp]) -> int:
        means = np.round(_mean(self.scores[:, images]), 6)
        highest = np.flatnonzero(means == np.nanmax(means))
        return int(min(highest, key=lambda n: self.trials[n].changes(self.trials[0])))


def _mean(scores: Table) -> Table:
    counts = np.isfinite(scores).sum(1)
    sums = np.nansum(scores, axis=1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
