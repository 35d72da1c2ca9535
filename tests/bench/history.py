"""Time how long the history of an image holds the window; docs/benchmarks.md tells.

xvfb-run -a -s "-screen 0 1366x768x24" python tests/bench/history.py

All are CPU times of the GUI thread, which another program on the computer does not
change much: the call, and the turn of the event loop after it, which paints.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import thread_time
from types import SimpleNamespace
from typing import Any

import numpy as np
from application import application
from qtpy.QtWidgets import QApplication

from cellpose_studio.app.history.lineage import HistoryNode, Lineage
from cellpose_studio.app.history.lineage_reader import ImageHistory
from cellpose_studio.core.provenance.revision import LabelRevision

SIDE = 96
"""Of a thumbnail, px."""
ROUNDS = 7


def history_of(revisions: int, new: Sequence[int]) -> ImageHistory:
    """Return the history of an image, as it is read; pictures of ``new`` with it."""
    begun = datetime(2026, 3, 1, tzinfo=UTC)
    nodes = [
        HistoryNode(
            time=begun + timedelta(minutes=n),
            revision=LabelRevision(
                id=n,
                label_set=1,
                parent=n - 1 or None,
                kind="run",
                created=begun + timedelta(minutes=n),
                origin="",
                shape=(512, 512),
                cells=100 + n,
            ),
            record=None,
            changes=("diameter 20 px", "flow threshold 0.4"),
        )
        for n in range(revisions, 0, -1)
    ]
    line = Lineage(name="cells", label_set=1, head=revisions, line=tuple(nodes))
    image: Any = SimpleNamespace(active="cells")
    random = np.random.default_rng(0)
    pictures = {
        n: random.integers(0, 255, (SIDE, SIDE, 3)).astype(np.uint8) for n in new
    }
    return ImageHistory(image, (line,), pictures)


def used(app: QApplication, act: Callable[[], object]) -> tuple[float, float]:
    """Return the ms of CPU time of a call, and of the turn after it."""
    begun = thread_time()
    act()
    called = thread_time()
    app.processEvents()
    return 1000 * (called - begun), 1000 * (thread_time() - called)


def row(app: QApplication, revisions: int) -> str:
    from cellpose_studio.ui.history.tree import HistoryTree

    rounds = []
    for _ in range(ROUNDS):
        tree = HistoryTree()
        tree.resize(300, 500)
        tree.show()
        app.processEvents()
        told = (
            history_of(revisions, range(1, revisions + 1)),
            history_of(revisions, ()),
            history_of(revisions + 1, (revisions + 1,)),
        )
        rounds.append([used(app, partial(tree.show_history, one)) for one in told])
        tree.close()
    cells = [f"{call:.1f} + {turn:.1f}" for call, turn in np.median(rounds, axis=0)]
    return f"| {revisions:,} | {' | '.join(cells)} |"


def measure(app: QApplication, _: Path) -> None:
    print("| revisions | first shown, ms | told again | one more |\n|---|---|---|---|")
    for revisions in (20, 200, 1000):
        print(row(app, revisions), flush=True)


if __name__ == "__main__":
    with application() as (app, folder):
        measure(app, folder)
