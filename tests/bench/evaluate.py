"""Time to evaluate 100 pairs of masks of 1,024², beside Cellpose's own metrics.

    python tests/bench/evaluate.py [PAIRS [CELLPOSE_PAIRS]]

Masks are generated: about 320 cells, of which some are moved, missing or merged. All
scores of `cellpose-studio evaluate` are computed, wrong cells included. Cellpose's
average precision and aggregated Jaccard index are timed on fewer pairs, and must give
the same numbers.
"""

import sys
import time

import numpy as np
from cellpose import metrics
from scipy.ndimage import gaussian_filter, label

from cellpose_studio.core.matching.evaluation.evaluate import (
    EvaluationOptions,
    evaluate,
)
from cellpose_studio.core.matching.evaluation.scores import IOU_THRESHOLDS

SIZE = 1024


def main() -> None:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    theirs = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    several = [masks(seed) for seed in range(5)]
    # As files and projects give them.
    ours = [
        (true.astype(np.uint32), found.astype(np.uint32)) for true, found in several
    ]
    with_errors = EvaluationOptions(with_errors=True)
    evaluate(*ours[0][::-1], with_errors)  # compiles
    for title, options in (
        ("all scores", EvaluationOptions()),
        ("all scores, wrong cells listed", with_errors),
    ):
        start = time.perf_counter()
        for n in range(pairs):
            true, found = ours[n % len(ours)]
            evaluate(found, true, options)
        print(f"{title}: {pairs} pairs in {time.perf_counter() - start:.2f} s")
    start = time.perf_counter()
    for n in range(theirs):
        true, found = several[n % len(several)]
        ap = metrics.average_precision([true], [found], list(IOU_THRESHOLDS))[0][0]
        aji = metrics.aggregated_jaccard_index([true], [found])[0]
        scores = evaluate(found, true).scores
        assert np.allclose(scores.ap, ap, atol=1e-6), (scores.ap, ap)
        assert np.isclose(scores.aji, aji), (scores.aji, aji)
    took = (time.perf_counter() - start) / theirs * pairs
    cells = several[0][0].max()
    print(f"Cellpose's AP and AJI: {took:.1f} s for {pairs} ({cells} cells each)")


def masks(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    true = label(gaussian_filter(rng.random((SIZE, SIZE)), 8) > 0.512)[0]
    found = np.roll(true, 2, axis=1)
    gone = rng.choice(np.arange(1, true.max()), true.max() // 10, replace=False)
    found[np.isin(found, gone)] = 0
    return true.astype(np.int32), label(found > 0)[0].astype(np.int32)


if __name__ == "__main__":
    main()
