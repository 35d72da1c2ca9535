"""Networks compiled for the CPU by OpenVINO, an optional package.

Batch normalisation and activations become part of the convolutions around them, which
takes a third less of the processor's time than torch (docs/engine.md). OpenVINO's
parser of torch's networks takes seconds, so what it made is kept in the cache folder.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from cellpose_studio.core.errors import ParametersUnfit
from cellpose_studio.engine.device import Precision
from cellpose_studio.engine.threads import torch_threads
from cellpose_studio.engine.versions import versions
from cellpose_studio.paths import cache_dir

FloatArray = npt.NDArray[np.float32]
Run = Callable[[FloatArray], FloatArray]
Shape = tuple[int, ...]
Parts = tuple[bytes, bytes]
"""A network as OpenVINO writes it: its graph, and its weights."""

_SIDE = 64
"""Side of the tile that the network is traced with; others may follow."""

_NAMES = ("network.xml", "network.bin")

_MOST_SHAPES = 6

_HINTS = {"float32": "f32", "bfloat16": "bf16"}


class OpenVinoNetwork:
    """A network, compiled once for each shape of tiles that it meets.

    Parameters
    ----------
    module
        As in `Network`.
    channels
        Of the input.
    key
        What identifies the weights and how they are used.

    """

    def __init__(
        self,
        module: nn.Module,
        channels: int,
        key: tuple[str, ...],
        precision: Precision,
    ) -> None:
        self._module = module
        self._channels = channels
        self._key = (*key, precision)
        self._precision: Precision = precision
        self._compiled: dict[tuple[Shape, int], Run] = {}

    def runner(self, shape: Shape) -> Run:
        """Return what maps tiles (1, C, Y, X) of one ``shape`` to (1, 3, Y, X).

        As many threads as torch uses may call it at the same time.

        Raises
        ------
        ParametersUnfit
            If the processor has no units for the precision.
        """
        wanted = (shape, torch_threads())
        if wanted not in self._compiled:
            # Of images smaller than a tile, each size has its own.
            if len(self._compiled) == _MOST_SHAPES:
                del self._compiled[next(iter(self._compiled))]
            self._compiled[wanted] = self._compile(*wanted)
        return self._compiled[wanted]

    def _compile(self, shape: Shape, threads: int) -> Run:
        import openvino

        core = openvino.Core()
        file = _cache_file(self._key)
        parts = _read(file)
        if parts is None:
            parts = _converted(self._module, self._channels)
            _write(parts, file)
        # Also a network that was just converted is read: the last digits of one that
        # was not written before differ.
        graph, weights = parts
        model = core.read_model(
            graph, openvino.Tensor(np.frombuffer(weights, np.uint8).copy())
        )
        model.reshape(list(shape))
        compiled = core.compile_model(
            model,
            "CPU",
            {
                # Each of our threads runs whole tiles, as with torch, and none is tied
                # to a core that another program uses.
                "NUM_STREAMS": threads,
                "INFERENCE_NUM_THREADS": threads,
                "ENABLE_CPU_PINNING": False,
                # On processors with the units, OpenVINO's own choice is bfloat16.
                "INFERENCE_PRECISION_HINT": _HINTS[self._precision],
            },
        )
        used = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
        if used != _HINTS[self._precision]:
            raise ParametersUnfit(
                f"This processor has no units for {self._precision}, without which "
                "OpenVINO computes in float32.",
                "Choose float32, or another engine.",
            )
        # Requests are made for as many threads as there are, and taken in turns.
        idle: list[Any] = []

        def run(tiles: FloatArray) -> FloatArray:
            request = idle.pop() if idle else compiled.create_infer_request()
            outputs = request.infer([tiles])[0]
            idle.append(request)
            return np.asarray(outputs, np.float32)

        return run


class _Outputs(nn.Module):
    """A network without its second output, the styles."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, pixels: Tensor) -> Tensor:
        outputs: Tensor = self.module(pixels)[0]
        return outputs


def _converted(module: nn.Module, channels: int) -> Parts:
    """Return a network for tiles of any size, as OpenVINO writes it."""
    import openvino

    plain = _Outputs(copy.deepcopy(module).float()).eval()
    # Hooks that look for a stop are no part of the network.
    for part in plain.modules():
        part._forward_pre_hooks.clear()
    with torch.no_grad(), warnings.catch_warnings():
        # torch's other ways to describe a network need its sizes to be known.
        warnings.simplefilter("ignore", DeprecationWarning)
        traced = torch.jit.trace(
            plain, torch.zeros(1, channels, _SIDE, _SIDE), check_trace=False
        )
    model = openvino.convert_model(
        traced, input=[openvino.PartialShape([-1, channels, -1, -1])]
    )
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in _NAMES]
        openvino.save_model(model, files[0], compress_to_fp16=False)
        graph, weights = (file.read_bytes() for file in files)
    return graph, weights


def _cache_file(key: tuple[str, ...]) -> Path:
    # Another version may parse the network in another way.
    content = [*key, sorted(versions("openvino").items())]
    name = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]
    return cache_dir() / "openvino" / f"{name}.zip"


def _read(path: Path) -> Parts | None:
    """Return the network of a file; None if there is none that can be used."""
    # The checksums of the archive reveal damage.
    with suppress(OSError, zipfile.BadZipFile, KeyError), zipfile.ZipFile(path) as file:
        graph, weights = (file.read(name) for name in _NAMES)
        return graph, weights
    return None


def _write(parts: Parts, path: Path) -> None:
    """Keep a network in a file; without room for it, the next start converts again."""
    # What a kill leaves has the ending by which the cache is cleared.
    part = path.with_suffix(f".{os.getpid()}.zip")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with zipfile.ZipFile(part, "w") as file:
                for name, content in zip(_NAMES, parts, strict=True):
                    file.writestr(name, content)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
