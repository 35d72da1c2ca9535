from __future__ import annotations

import numpy as np
import pytest

# It makes the import of Cellpose possible without torchvision.
import cellpose_studio.engine.cellpose_api  # noqa: F401
from cellpose_studio.core.display.flow_picture import (
    flow_colours,
    flows_picture,
    probability_picture,
)
from cellpose_studio.core.runs.flows import Flows


def flows(axes=2, planes=6, frames=1):
    """Return flows to the right in the left half, and none in the right one."""
    dP = np.zeros((axes, planes, 4, 10), np.float32)
    dP[-1, :, :, :5] = 5
    cellprob = np.full((planes, 4, 10), -9, np.float32)
    cellprob[..., :5] = 0
    cellprob[1, ..., :5] = 9
    return Flows(dP=dP, cellprob=cellprob, scale=1, diameter=30, frames=frames)


def test_opposite_flows_have_opposite_colours_and_none_is_black():
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    around = 5 * np.array([np.sin(angles), np.cos(angles)], np.float32)
    colours = flow_colours(around).astype(int)
    np.testing.assert_allclose(colours + np.roll(colours, 6, 0), 255, atol=1)
    assert len(np.unique(colours, axis=0)) == 12
    assert not flow_colours(np.zeros((2, 3), np.float32)).any()
    np.testing.assert_allclose(flow_colours(around / 2), colours / 2, atol=1)


def test_flows_of_cellpose_have_the_colours_of_cellpose():
    from cellpose.plot import dx_to_circ

    rng = np.random.default_rng(0)
    dP = rng.normal(size=(2, 50, 60)).astype(np.float32)
    dP /= np.hypot(*dP)
    dP[:, :25] = 0  # Cellpose stretches the lengths from 0 to 1
    theirs = dx_to_circ(dP).astype(float)
    np.testing.assert_allclose(flow_colours(5 * dP), theirs, atol=2)


@pytest.mark.parametrize("shape", [(6, 4, 10), (2, 3, 4, 10)])
def test_only_the_planes_that_are_asked_for_are_drawn(shape):
    frames = shape[0] if len(shape) == 4 else 1
    for axes in (2, 3):
        given = flows(axes, frames=frames)
        for picture in (flows_picture(given, shape), probability_picture(given, shape)):
            assert (picture.shape, len(picture)) == ((*shape, 3), shape[0])
            whole = np.asarray(picture)
            assert (whole.shape, whole.dtype) == ((*shape, 3), np.uint8)
            for key in [(1,), (..., 0), (0, slice(1, 3)), (slice(None, None, 2),)]:
                np.testing.assert_array_equal(picture[key], whole[key])


def test_the_probability_is_grey_at_one_half_and_white_where_it_is_sure():
    picture = np.asarray(probability_picture(flows(), (6, 4, 10)))
    assert picture[0, 0, 0].tolist() == [128] * 3
    assert picture[1, 0, 0].tolist() == [255] * 3
    assert not picture[:, :, 5:].any()
