"""Small networks with random weights, and flows of cells that are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.flows import Flows
from cellpose_studio.engine.device import CPU
from cellpose_studio.engine.networks.network import Network, load
from cellpose_studio.engine.networks.unet import UNet
from cellpose_studio.engine.networks.weights import inspect, save_weights
from cellpose_studio.engine.torchvision_ops import make_importable
from tests.other_cellpose import OtherCellpose, make_other_cellpose

make_importable()


@pytest.fixture(scope="session")
def cellpose_3(tmp_path_factory: pytest.TempPathFactory) -> OtherCellpose:
    """The last version of Cellpose 3, in an environment of its own."""
    return make_other_cellpose(tmp_path_factory.mktemp("cellpose") / "3", "3.1.1.3")


@pytest.fixture(scope="session")
def cellpose_2(tmp_path_factory: pytest.TempPathFactory) -> OtherCellpose:
    """The last version of Cellpose 2, which still runs the variants of its U-Net."""
    return make_other_cellpose(tmp_path_factory.mktemp("cellpose") / "2", "2.2.3")


@pytest.fixture
def unet_file(tmp_path: Path) -> Path:
    """The weights of a U-Net whose outputs depend on every pixel around."""
    torch.manual_seed(5)
    net = UNet((2, 4, 8, 16))
    for name, number in net.state_dict().items():
        if "running" in name:
            number += 0.3 * torch.rand_like(number)
    net.diam_mean.data[:] = 20.0
    net.diam_labels.data[:] = 24.0
    path = tmp_path / "little"
    save_weights(net, path)
    return path


@pytest.fixture
def unet_spec(unet_file: Path) -> ModelSpec:
    return inspect(unet_file)


@pytest.fixture
def unet(unet_spec: ModelSpec) -> Network:
    return load(unet_spec, CPU)


@pytest.fixture
def sam_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelSpec:
    """A CPSAM of Cellpose's own class, but with two small blocks.

    It runs in float32 on every computer, to be compared.
    """
    from cellpose import vit
    from segment_anything.build_sam import _build_sam

    def little(checkpoint: None) -> torch.nn.Module:
        return _build_sam(32, 2, 2, [0, 1], checkpoint)

    monkeypatch.setattr(
        "cellpose_studio.engine.networks.network.precision_for", lambda *_: "float32"
    )
    monkeypatch.setitem(vit.sam_model_registry, "vit_l", little)
    torch.manual_seed(6)
    path = tmp_path / "little_sam"
    torch.save(vit.CPSAM().state_dict(), path)
    return inspect(path)


@pytest.fixture
def cells() -> np.ndarray:
    """A plane of eleven cells: discs of 11 pixels, a long one, and two that touch."""
    labels = np.zeros((90, 120), np.uint16)
    y, x = np.mgrid[:90, :120]
    for n in range(8):
        row, column = divmod(n, 4)
        inside = (y - 15 - 25 * row) ** 2 + (x - 15 - 30 * column) ** 2 <= 5.5**2
        labels[inside] = n + 1
    labels[65:75, 5:60] = 9
    labels[60:80, 70:85] = 10
    labels[60:80, 85:100] = 11
    return labels


@pytest.fixture
def cell_flows(cells: np.ndarray) -> Flows:
    """The flows of ``cells`` as one plane, as a perfect network would give them."""
    return flows_of(cells[None])


def flows_of(stack: np.ndarray) -> Flows:
    from cellpose.dynamics import masks_to_flows_gpu

    planes = [5 * masks_to_flows_gpu(plane.astype(int))[0] for plane in stack]
    dP = np.stack(planes, axis=1).astype(np.float32)
    return Flows(
        dP=dP,
        cellprob=np.where(stack > 0, 4.0, -4.0).astype(np.float32),
        scale=1.0,
        diameter=12.0,
    )
