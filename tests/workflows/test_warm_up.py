"""Loading what the first run, or the first edit, would otherwise wait for."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.engine import threads
from cellpose_studio.workflows.warm_up import warm_up


def test_it_loads_what_a_run_needs_and_leaves_a_core_free():
    code = (
        "import os, sys\n"
        "from cellpose_studio.core.checkpoint import Checkpoint\n"
        "from cellpose_studio.workflows.warm_up import warm_up\n"
        "assert 'torch' not in sys.modules\n"
        "devices = warm_up(Checkpoint())\n"
        "import torch\n"
        "free = os.cpu_count() - torch.get_num_threads()\n"
        "print(devices['cpu'], 'cellpose.vit' in sys.modules, free >= 1)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300
    )
    assert done.stdout.split() == ["CPU", "True", str((os.cpu_count() or 1) > 1)], (
        done.stderr
    )


def test_it_can_be_stopped(monkeypatch):
    # The threads of the other tests are none of its business.
    monkeypatch.setattr(threads, "leave_a_core_free", lambda: None)
    checkpoint = Checkpoint()
    checkpoint.stop()
    with pytest.raises(Cancelled):
        warm_up(checkpoint)


EDITS = """
import sys
import numpy as np
from cellpose_studio.core.compiling.compiled import Compiled
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.edits import reshape, split, whole
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.io.project.tables.delta import pack_parts, unpack_parts
from cellpose_studio.core.display.label_picture import draw_labels, redraw_labels
from cellpose_studio.workflows.warm_up import warm_up_editing

def loaded():
    ours = [part for name, part in sys.modules.items() if "cellpose_studio" in name]
    loops = {id(f): f for part in ours for f in vars(part).values()
             if isinstance(f, Compiled)}
    return sum(len(f.machine_code.signatures) for f in loops.values()), set(sys.modules)

warm_up_editing(Checkpoint())
before = loaded()
labels = np.zeros((3, 60, 70), np.uint32)
labels[1, 10:40, 10:50] = 5
labels[1, 20:30, 20:30] = 0
table, drawn = CellTable.of(labels), draw_labels(labels)
line = np.array([[25.0, 0.0], [25.0, 69.0]])
for edit in (
    lambda: reshape.fill_holes(labels, table, [5], (1,)),
    lambda: split.split_by_line(labels, table, 5, line, (1,)),
    lambda: whole.merge_cells(labels, table, table.ids().tolist()),
    lambda: whole.delete_cells(labels, table, [5]),
):
    change = edit()
    assert change.parts
    # Undone and redone as in a later session, too.
    read = unpack_parts(pack_parts(change.parts))
    again = LabelEdit(change.operation, change.cells, read)
    for step in (change, again.inverse(), again):
        assert step.fits(labels)
        step.apply(labels)
        table.change(step, labels)
        redraw_labels(drawn, labels, step.region(labels.shape))
assert loaded() == before, loaded()[1] - before[1]
"""


def test_the_first_edit_compiles_and_imports_nothing_more():
    done = subprocess.run(
        [sys.executable, "-c", EDITS], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr


MEASURING = (
    EDITS[: EDITS.index("warm_up_editing(Checkpoint())")]
    + """
from cellpose_studio.core.measure.inputs import Channel
from cellpose_studio.core.measure.measure import measure_cells
from cellpose_studio.core.measure.scale import Scale
from cellpose_studio.core.review.cell_shapes import cell_shapes
from cellpose_studio.workflows.warm_up import warm_up_measuring
warm_up_measuring(Checkpoint())
before = loaded()
for shape in ((60, 70), (5, 60, 70)):
    labels = np.zeros(shape, np.uint32)
    labels[..., 5:20, 5:20], labels[..., 20:30, 8:50] = 3, 9
    cell_shapes(labels)
    pixels = np.arange(labels.size).reshape(shape)
    for dtype in (np.uint8, np.uint16):
        channel = Channel(pixels=(pixels % 200).astype(dtype), name="a")
        assert len(measure_cells(labels, [channel], scale=Scale(um=0.5))) == 2
assert loaded() == before, (loaded()[0] - before[0], loaded()[1] - before[1])
"""
)


def test_the_first_measurement_compiles_and_imports_nothing_more():
    done = subprocess.run(
        [sys.executable, "-c", MEASURING], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
