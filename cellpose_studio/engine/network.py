"""Networks, loaded and ready to run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from cellpose_studio.core.errors import ModelUnusable
from cellpose_studio.core.model import Architecture, ModelSpec
from cellpose_studio.engine.device import Device, Precision, precision_for, torch_dtype
from cellpose_studio.engine.torchvision_ops import make_importable
from cellpose_studio.engine.unet import UNet, concatenates, widths_of
from cellpose_studio.engine.weights import Weights, read_weights

TILE: dict[Architecture, int] = {"unet": 224, "sam": 256, "dino": 384}
"""Side of the tiles that each architecture was trained on, px."""

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Network:
    """A network with its weights, on a device.

    Attributes
    ----------
    spec
        The model.
    module
        Maps (N, C, Y, X) to (N, 3, Y, X) and (N, S) styles.
    blocks
        Its parts, in the order in which they run; each takes well under a second.
    """

    spec: ModelSpec
    module: nn.Module
    blocks: tuple[nn.Module, ...]
    device: Device
    precision: Precision

    @property
    def tile(self) -> int:
        """Side of a tile, px."""
        return TILE[self.spec.architecture]

    @property
    def pads_to_tile(self) -> bool:
        """Images smaller than a tile are padded to it: Transformers cannot do less."""
        return self.spec.architecture != "unet"

    def run(self, tiles: FloatArray) -> FloatArray:
        """Map (N, C, Y, X) pixels to (N, 3, Y, X): dY, dX, cell probability."""
        pixels = torch.from_numpy(np.ascontiguousarray(tiles))
        pixels = pixels.to(self.device.name, torch_dtype(self.precision))
        if self.device.name == "cpu" and self.spec.architecture == "unet":
            pixels = pixels.contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            outputs: Tensor = self.module(pixels)[0]
        return np.asarray(outputs.float().cpu().numpy(), np.float32)

    @contextmanager
    def watched(self, before_block: Callable[[], None]) -> Iterator[None]:
        """Call ``before_block`` ahead of each block; what it raises leaves `run`."""

        def hook(module: nn.Module, arguments: tuple[Any, ...]) -> None:
            before_block()

        handles = [block.register_forward_pre_hook(hook) for block in self.blocks]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()


def load(spec: ModelSpec, device: Device) -> Network:
    """Read the weights of ``spec`` onto ``device``.

    Raises
    ------
    ModelUnusable
        If the file has gone or changed, or the network needs something more.
    """
    weights = read_weights(spec.path)
    precision = precision_for(spec.architecture, device)
    module = _MAKERS[spec.architecture](weights)
    _fill(module, weights, spec)
    module = module.to(device.name, torch_dtype(precision)).eval()
    if spec.architecture == "unet":
        module = module.to(memory_format=torch.channels_last)
        blocks = module.blocks
    else:
        blocks = [*module.encoder.blocks, module.out]
    return Network(spec, module, tuple(blocks), device, precision)


class NetworkCache:
    """Keeps the network that was used last, so that the next run starts at once."""

    def __init__(self) -> None:
        self._network: Network | None = None

    def get(self, spec: ModelSpec, device: Device) -> Network:
        """Return the network of ``spec``, loading it if it is not the last one."""
        last = self._network
        if last is None or (last.spec.sha256, last.device) != (spec.sha256, device):
            self._network = None  # frees its memory before the next one needs it
            last = self._network = load(spec, device)
        return last


def _unet(weights: Weights) -> Any:
    return UNet(widths_of(weights), concatenation=concatenates(weights))


def _sam(weights: Weights) -> Any:
    make_importable()
    from cellpose.vit import CPSAM

    # Without values: a billion random numbers would be made to be overwritten.
    with torch.device("meta"):
        return CPSAM()


def _dino(weights: Weights) -> Any:
    make_importable()
    from cellpose import vit

    if not hasattr(vit, "dinov3_vitl16"):
        raise ModelUnusable(
            "This model needs the package dinov3, which is not installed.",
            "Choose another model, or install dinov3 from its authors.",
        )
    width = weights["encoder.cls_token"].shape[-1]
    return vit.CPDINO("vitl" if width == 1024 else "vitb")


_MAKERS: dict[Architecture, Callable[[Weights], Any]] = {
    "unet": _unet,
    "sam": _sam,
    "dino": _dino,
}


def _fill(module: nn.Module, weights: Weights, spec: ModelSpec) -> None:
    """Put ``weights`` into ``module``, every one of them."""
    sizes = {"diam_mean": spec.diam_mean, "diam_labels": spec.diam_labels}
    for name, size in sizes.items():
        weights.setdefault(name, torch.tensor([size]))
    try:
        module.load_state_dict(weights, strict=True, assign=True)
    except RuntimeError as error:
        raise ModelUnusable(
            f"The weights of {spec.path.name} do not fit the network.",
            "The file may be damaged, or come from a changed Cellpose.",
        ) from error
