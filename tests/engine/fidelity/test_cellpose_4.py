"""Whole runs against Cellpose 4, on a small Transformer that finds cells.

Its encoder has random weights; the read-out is fitted to the flows of true masks by
least squares. Cellpose's own class is as deep as ViT-L, whose two blocks are enough to
compare what lies around them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.networks.weights import inspect
from cellpose_studio.engine.versions import version_of
from tests.engine.fidelity.cases import (
    EMBRYO,
    TRAIN,
    VALIDATION,
    masks_of,
    middle,
    nucleus_file,
    pixels_of,
)
from tests.engine.fidelity.comparing import Case, check_masks

pytestmark = pytest.mark.slow

WIDTH, DEPTH, HEADS = 192, 2, 3
RIDGE = 1e-3


@pytest.fixture
def fitted(shared_data, tmp_path, monkeypatch) -> ModelSpec:
    """A small Cellpose-SAM that finds nuclei."""
    from cellpose import vit
    from segment_anything.build_sam import _build_sam

    def little(checkpoint: None) -> torch.nn.Module:
        return _build_sam(WIDTH, DEPTH, HEADS, [*range(DEPTH)], checkpoint)

    monkeypatch.setattr(
        "cellpose_studio.engine.networks.network.precision_for", lambda *_: "float32"
    )
    monkeypatch.setitem(vit.sam_model_registry, "vit_l", little)
    torch.manual_seed(6)
    net = vit.CPSAM().eval()
    fit_read_out(net, [nucleus_file(shared_data, name) for name in TRAIN])
    path = tmp_path / "fitted"
    torch.save(net.state_dict(), path)
    return inspect(path)


def fit_read_out(net, files: list[Path]) -> None:
    """Fit the last layer to the flows of true masks."""
    from cellpose.dynamics import masks_to_flows_gpu
    from cellpose.transforms import normalize_img

    seen: list[torch.Tensor] = []
    handle = net.out.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    wanted = []
    for file in files:
        plane = normalize_img(pixels_of(file)[0, 0, :256, :256, None].astype("float32"))
        masks = masks_of(file)[:256, :256].astype(int)
        target = [*5 * masks_to_flows_gpu(masks)[0], np.where(masks > 0, 4.0, -4.0)]
        wanted.append(torch.from_numpy(np.stack(target)).float())
        with torch.no_grad():
            net(torch.from_numpy(plane.transpose(2, 0, 1)[None].copy()))
    handle.remove()
    size = net.ps
    tokens = torch.stack(wanted).unfold(2, size, size).unfold(3, size, size)
    y = tokens.permute(0, 2, 3, 1, 4, 5).reshape(-1, 3 * size**2).double()
    x = torch.cat(seen).permute(0, 2, 3, 1).reshape(len(y), -1).double()
    x = torch.cat([x, torch.ones(len(x), 1, dtype=x.dtype)], 1)
    gram = x.T @ x
    gram += RIDGE * gram.diagonal().mean() * torch.eye(len(gram), dtype=x.dtype)
    found = torch.linalg.solve(gram, x.T @ y).float()
    net.out.weight.data[:] = found[:-1].T[:, :, None, None]
    net.out.bias.data[:] = found[-1]


def cases_of(data: Path) -> list[Case]:
    given = SegmentationParameters(
        channels=(1, None, None), diameter=30.0, flow_threshold=0.0
    )
    files = [nucleus_file(data, name) for name in VALIDATION]
    cases = [
        Case(file.stem, middle(pixels_of(file), 360, 360), given) for file in files
    ]
    case = cases[1]
    for name, options in {
        "diameter 22 px": {"diameter": 22.0},
        "diameter 45 px, not resampled": {"diameter": 45.0, "resample": False},
        "flipped tiles averaged": {"augment": True},
        "flow threshold 0.8": {"flow_threshold": 0.8},
    }.items():
        cases.append(case.changed(name, options))
    stack = middle(pixels_of(data / EMBRYO), 4, 120, 120)
    changed = given.model_copy(update={"stitch_threshold": 0.2})
    return [*cases, Case("embryo, planes, joined", stack, changed)]


def test_masks_of_real_images_are_the_same(fitted, shared_data):
    from cellpose.models import CellposeModel

    assert version_of("cellpose").startswith("4.")
    theirs = CellposeModel(
        pretrained_model=str(fitted.path),
        device=torch.device("cpu"),
        use_bfloat16=False,
    )
    cases, found = cases_of(shared_data), []
    for case in cases:
        options = case.cellposes_options()
        joins = case.parameters.do_3D or case.parameters.stitch_threshold > 0
        options["z_axis"] = 0 if joins else None
        masks, (_, dP, cellprob), _ = theirs.eval(case.cellposes_image, **options)
        found.append({"masks": masks, "dP": dP, "cellprob": cellprob})
    counts = check_masks("masks of 4.2.1.1", fitted, cases, found)
    assert min(counts[: len(VALIDATION)]) >= 20, counts
