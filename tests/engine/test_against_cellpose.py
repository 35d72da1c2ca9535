"""A whole run against ``CellposeModel.eval``, on the same small Transformer."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.device import CPU
from cellpose_studio.engine.flows.compute import flows_of_planes, flows_of_volume
from cellpose_studio.engine.flows.prepare import network_input
from cellpose_studio.engine.flows.tiles import TileCounter
from cellpose_studio.engine.masks.dynamics import FlowMaskMaker
from cellpose_studio.engine.networks.network import load


@pytest.fixture
def cellposes_model(sam_spec):
    from cellpose.models import CellposeModel

    return CellposeModel(
        pretrained_model=str(sam_spec.path),
        device=torch.device("cpu"),
        use_bfloat16=False,
    )


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((130, 150), {"diameter": 27.0}),
        ((130, 150), {"diameter": 36.0, "resample": False, "flow_threshold": 0.0}),
        ((3, 60, 70), {"stitch_threshold": 0.2, "diameter": 30.0}),
        ((2, 10, 14), {"do_3D": True, "anisotropy": 1.5, "diameter": 30.0}),
    ],
    ids=str,
)
def test_a_run_gives_cellposes_flows_and_masks(
    sam_spec, cellposes_model, shape, options
):
    planes = (1, *shape)[-3:]
    pixels = np.random.default_rng(0).random((3, *planes), np.float32)
    parameters = SegmentationParameters(
        **options, flow3D_smooth=0.0, min_size=5, cellprob_threshold=-2.0
    )
    masks, (_, dP, cellprob), _ = cellposes_model.eval(
        pixels.transpose(1, 2, 3, 0).reshape(*shape, 3),
        channel_axis=-1,
        z_axis=0 if len(shape) == 3 else None,
        normalize={"normalize": True},
        min_size=5,
        cellprob_threshold=-2.0,
        **options,
    )

    network = load(sam_spec, CPU)
    together = len(shape) == 3
    stack = network_input((1, 2, 3), pixels, parameters.normalization, together)
    run = flows_of_volume if parameters.do_3D else flows_of_planes
    counter = TileCounter(Checkpoint(), 0)
    flows = run(network, stack, parameters, parameters.diameter, counter)
    np.testing.assert_allclose(flows.dP.squeeze(), dP, atol=1e-4)
    np.testing.assert_allclose(flows.cellprob.squeeze(), cellprob, atol=1e-4)

    found = FlowMaskMaker(flows, shape).masks(parameters, Checkpoint())
    # Where flows differ in the last digit, a pixel may go the other way.
    assert np.mean((found > 0) != (masks > 0)) < 0.001
    assert abs(int(found.max()) - int(masks.max())) <= 0.01 * masks.max()
    assert masks.max() > 0
