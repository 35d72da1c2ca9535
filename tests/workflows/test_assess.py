"""How well a model does on images whose true masks are known."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.workflows.assess import accuracy_of, assess


@pytest.fixture
def pairs(cells):
    """Two pictures of 12 and 4 cells, with their true masks."""
    found = []
    for name, shape in (("a", (96, 128)), ("b", (64, 64))):
        path = cells(f"{name}.tif", shape)
        y, x = np.indices(shape)
        number = 1 + y // 32 * (shape[1] // 32) + x // 32
        inside = np.hypot(y % 32 - 16, x % 32 - 16) < 10
        masks = path.with_name(f"{name}_masks.tif")
        tifffile.imwrite(masks, np.where(inside, number, 0).astype(np.uint16))
        found.append((path, masks))
    return found


def test_a_model_is_measured_on_each_image(pairs):
    results = list(assess(shipped()[0], pairs, Checkpoint()))
    assert [result.image for result in results] == [image for image, _ in pairs]
    assert [r.agreement.true_cells for r in results] == [12, 4]
    assert all(r.agreement.precision[0] > 0.9 for r in results)
    assert all(r.diameter_error < 0.15 for r in results)
    accuracy = accuracy_of("discs", results)
    assert (accuracy.kind, accuracy.images) == ("discs", 2)
    first = [r.agreement.precision[0] for r in results]
    assert accuracy.ap50 == pytest.approx(np.mean(first), abs=1e-3)
    assert (accuracy.worst, accuracy.best) == pytest.approx(
        (min(first), max(first)), abs=1e-3
    )


def test_parameters_that_are_given_are_kept(pairs):
    wanted = SegmentationParameters(diameter=40.0)
    (result, _) = assess(shipped()[0], pairs, Checkpoint(), wanted)
    assert result.run.parameters.diameter == 40.0
    assert result.diameter_error == pytest.approx(1.0, abs=0.1)


def test_measuring_can_be_stopped(pairs):
    checkpoint = Checkpoint()
    results = assess(shipped()[0], pairs, checkpoint)
    next(results)
    checkpoint.stop()
    with pytest.raises(Cancelled):
        next(results)
