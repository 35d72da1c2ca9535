"""Runs an image in blocks: a process that tests kill, or whose disk is full.

python worker.py IMAGE FOLDER SIDE [LARGEST FILE, bytes]

The largest file is that from the third tile on.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import CannotSave
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.workflows.blocks.segment import segment_in_blocks

image, folder, side, *largest = sys.argv[1:]


def report(done: int, total: int, what: str) -> None:
    print(what, done, total, flush=True)
    if largest and (what, done) == ("tile", 3):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(largest[0]),) * 2)


try:
    with segment_in_blocks(
        open_images(Path(image))[0],
        shipped()[0],
        SegmentationParameters(diameter=20.0),
        Checkpoint(report),
        (1, int(side), int(side)),
        folder=Path(folder),
    ) as result:
        print("cells", result.labels.cells, flush=True)
except CannotSave as error:
    print("refused", error, flush=True)
