"""Loaded networks, and a cache of the last one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from cellpose_studio.core.errors import ModelUnusable
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.engine.device import (
    Device,
    Engine,
    Precision,
    engine_for,
    precision_for,
    torch_dtype,
)
from cellpose_studio.engine.device_memory import full_as_error
from cellpose_studio.engine.networks.average_file import member_files
from cellpose_studio.engine.networks.averaging import AveragedUNets
from cellpose_studio.engine.networks.loaders import LOADERS
from cellpose_studio.engine.networks.openvino_network import OpenVinoNetwork
from cellpose_studio.engine.networks.size_model import (
    SizeModel,
    find_size_model,
    load_size_model,
)
from cellpose_studio.engine.networks.transformers import fused_attention
from cellpose_studio.engine.networks.unet import UNet
from cellpose_studio.engine.networks.weight_checks import misfit
from cellpose_studio.engine.networks.weights import Weights, read_weights
from cellpose_studio.paths import sha256_of

FloatArray = npt.NDArray[np.float32]

_DIVISIBLE = 16
"""The sides of an image are padded to multiples of this, as in Cellpose."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Network:
    """A network with its weights, on a device.

    Attributes
    ----------
    spec
        The model.
    module
        Maps (N, C, Y, X) to (N, 3, Y, X) and (N, S) styles.
    blocks
        Its parts in the order of execution; each takes well under a second.
    sizes
        Size model that estimates the diameter, if the model has one.
    engine
        How the threads of a CPU run tiles.
    compiled
        What runs tiles with the engine "openvino"; None where it cannot.
    """

    spec: ModelSpec
    module: nn.Module
    blocks: tuple[nn.Module, ...]
    device: Device
    precision: Precision
    sizes: SizeModel | None = None
    engine: Engine = "shared-tiles"
    compiled: OpenVinoNetwork | None = None

    @property
    def tile(self) -> int:
        """Side of a tile, px."""
        return self.spec.architecture_info.tile

    @property
    def pads_to_tile(self) -> bool:
        """Whether smaller images are padded to a tile, which Transformers require."""
        return self.spec.architecture_info.pads_to_tile

    def runner(self, shape: tuple[int, ...]) -> Callable[[FloatArray], FloatArray]:
        """Return `run`, ready for tiles of one ``shape`` (1, C, Y, X).

        It has to be asked for by the thread that shares out the tiles.
        """
        if self.compiled is None or self.engine != "openvino":
            return self.run
        return self.compiled.runner(shape)

    def run(self, tiles: FloatArray) -> FloatArray:
        """Map (N, C, Y, X) pixels to (N, 3, Y, X): dY, dX, cell probability."""
        return self.start(tiles)()

    def start(self, tiles: FloatArray) -> Callable[[], FloatArray]:
        """Begin what `run` does; what is returned waits for the result.

        A GPU computes meanwhile. Other devices are done before it returns.
        """
        on_cuda = self.device.name.startswith("cuda")
        pixels = torch.from_numpy(np.ascontiguousarray(tiles))
        if on_cuda:
            # The copy of memory that may be moved would wait for the GPU.
            pixels = pixels.pin_memory()
        pixels = pixels.to(
            self.device.name, torch_dtype(self.precision), non_blocking=on_cuda
        )
        if self.device.name == "cpu" and self.spec.architecture_info.channels_last:
            # The CPU's convolutions are fastest with the channels last.
            pixels = pixels.contiguous(memory_format=torch.channels_last)
        fuses = self.device.name == "cpu" and self.engine == "fused-attention"
        fused = fused_attention(self.module) if fuses else nullcontext()
        with torch.inference_mode(), fused:
            # NumPy has no bfloat16.
            outputs: Tensor = self.module(pixels)[0].float()
        if not on_cuda:
            found = outputs.cpu().numpy()
            return lambda: np.asarray(found, np.float32)
        return _copied(outputs)

    def style(self, image: FloatArray) -> npt.NDArray[np.float64]:
        """Return the style (S,) of ``image`` (Y, X, C), at its own scale."""
        with full_as_error(self.device):
            return style_of(self.module, image, self.device.name)

    @contextmanager
    def watched(self, before_block: Callable[[], None]) -> Iterator[None]:
        """Call ``before_block`` before each block; its exceptions leave `run`."""
        handles = [
            block.register_forward_pre_hook(lambda *_: before_block())
            for block in self.blocks
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()


def load(
    spec: ModelSpec,
    device: Device,
    check: Callable[[], None] = lambda: None,
    precision: Precision | None = None,
) -> Network:
    """Load the weights of ``spec`` onto ``device``; ``check`` may raise to cancel.

    ``precision`` None chooses the fastest that the hardware supports natively.

    Raises
    ------
    ModelUnusable
        If the file is missing or has changed, or the network needs another package.
    DeviceFull
        If the memory of the device is too small.
    """
    precision = _fitting(precision, spec, device)
    weights = read_weights(spec.path)
    # Records identify the weights by this hash, so no others may run in their place.
    if sha256_of(spec.path, check) != spec.sha256:
        raise ModelUnusable(
            f"{spec.path.name} has changed since it was chosen.", "Choose it again."
        )
    check()
    loader = LOADERS[spec.architecture]
    module = loader.empty(weights)
    _fill(module, weights, spec)
    check()
    with full_as_error(device):
        module = module.to(device.name, torch_dtype(precision)).eval()
    if spec.architecture_info.channels_last:
        module = module.to(memory_format=torch.channels_last)
    sizes = _size_model_of(spec, module)
    return Network(
        spec=spec,
        module=module,
        blocks=tuple(loader.blocks(module)),
        device=device,
        precision=precision,
        sizes=sizes,
        engine=engine_for(spec.architecture),
        compiled=_compiled(spec, module, device, precision),
    )


def unloaded(
    spec: ModelSpec,
    device: Device,
    precision: Precision | None = None,
) -> Network:
    """Return a network without its weights: what is known where others run it."""
    return Network(
        spec=spec,
        module=nn.Identity(),
        blocks=(),
        device=device,
        precision=_fitting(precision, spec, device),
        engine=engine_for(spec.architecture),
    )


def _copied(outputs: Tensor) -> Callable[[], FloatArray]:
    """Begin to copy outputs from a GPU; what is returned waits for them."""
    host = torch.empty(outputs.shape, dtype=outputs.dtype, pin_memory=True)
    host.copy_(outputs, non_blocking=True)
    done = torch.cuda.Event()
    done.record(torch.cuda.current_stream(outputs.device))

    def wait() -> FloatArray:
        done.synchronize()
        return np.asarray(host.numpy(), np.float32)

    return wait


def _compiled(
    spec: ModelSpec, module: nn.Module, device: Device, precision: Precision
) -> OpenVinoNetwork | None:
    if device.name != "cpu" or not spec.architecture_info.openvino:
        return None
    key = spec.sha256, spec.architecture
    return OpenVinoNetwork(module, spec.input_channels, key, precision)


def _size_model_of(spec: ModelSpec, module: nn.Module) -> SizeModel | None:
    """Return the size model of a model, if it has one.

    Raises
    ------
    ModelUnusable
        If it is damaged, or that of another network.
    """
    path = find_size_model(member_files(spec.path)[0])
    if path is None:
        return None
    sizes = load_size_model(path)
    # The style is the mean of the deepest level.
    if (
        isinstance(module, UNet | AveragedUNets)
        and len(sizes.weights) != module.widths[-1]
    ):
        raise ModelUnusable(
            f"{path.name} is the size model of another network.",
            "Delete it to measure the diameter without it.",
        )
    return sizes


def style_of(
    module: nn.Module, image: FloatArray, device: str = "cpu"
) -> npt.NDArray[np.float64]:
    """Return the style (S,) that ``module`` gives to ``image`` (Y, X, C)."""
    short = [-length % _DIVISIBLE for length in image.shape[:2]]
    padded = np.pad(image, ((0, short[0]), (0, short[1]), (0, 0)))
    pixels = torch.from_numpy(padded.transpose(2, 0, 1)[None].copy())
    pixels = pixels.to(device, next(module.parameters()).dtype)
    with torch.inference_mode():
        style: Tensor = module(pixels)[1]
    return style[0].float().cpu().numpy().astype(np.float64)


class NetworkCache:
    """Caches the last used network, so that the next run starts at once."""

    def __init__(self) -> None:
        self._network: Network | None = None

    def get(
        self,
        spec: ModelSpec,
        device: Device,
        check: Callable[[], None] = lambda: None,
        precision: Precision | None = None,
    ) -> Network:
        """Return the network of ``spec``, loading it if it is not the last one."""
        wanted = (spec, device, _fitting(precision, spec, device))
        network = self._network
        if network is None or wanted != (
            network.spec,
            network.device,
            network.precision,
        ):
            # The memory of the last network must be free before the next one is loaded.
            network = self._network = None
            network = self._network = load(spec, device, check, precision)
        return network


def _fitting(precision: Precision | None, spec: ModelSpec, device: Device) -> Precision:
    """Return the precision to run in."""
    return precision or precision_for(spec.architecture, device)


def _fill(module: nn.Module, weights: Weights, spec: ModelSpec) -> None:
    """Load ``weights`` into ``module``; none may be missing or left over."""
    # Files of Cellpose 1 lack the diameters, which strict loading would refuse.
    sizes = {"diam_mean": spec.diam_mean, "diam_labels": spec.diam_labels}
    for name, size in sizes.items():
        weights.setdefault(name, torch.tensor([size]))
    try:
        # A network on the device "meta" has no memory to copy into, so it takes over
        # the tensors of the file.
        module.load_state_dict(weights, strict=True, assign=True)
    except RuntimeError as error:
        raise misfit(spec.path) from error
