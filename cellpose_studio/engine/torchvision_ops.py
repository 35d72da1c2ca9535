"""Make ``import torchvision`` work beside a torch that it was not built for.

Cellpose imports torchvision for its image transforms, which are plain Python.
torchvision itself refuses to be imported when its compiled library does not load
(a CUDA build beside a CPU torch, say): while it is imported it describes two
compiled operators to torch, and torch then finds that nobody has defined them:
"operator torchvision::nms does not exist". Defining their signatures is enough;
nothing here or in Cellpose ever calls them.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

# The signatures of torchvision 0.15 to 0.28. The object owns the definitions: they
# vanish when it is collected, which is why the module keeps it.
_SIGNATURES = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_DYNAMO = "torch._dynamo"
_library: torch.library.Library | None = None


def make_importable() -> bool:
    """Define torchvision's operators if its own library cannot; call before cellpose.

    Returns whether they had to be defined. Does nothing on later calls, and
    nothing where torchvision's library matches torch.
    """
    global _library
    if _library is not None:
        return True
    if _own_library_loads():
        return False
    _library = torch.library.Library("torchvision", "DEF")
    for signature in _SIGNATURES:
        _library.define(signature)
    return True


def import_torchvision() -> None:
    """Make torchvision's modules importable, whether or not it fits torch.

    Cellpose needs its transforms only. What the package imports beside them, above all
    its models, takes a third of a second, so it is imported when somebody asks for it.
    """
    if "torchvision" in sys.modules:
        return
    make_importable()
    spec, loader, _ = _installed()
    package = importlib.util.module_from_spec(spec)

    def import_all(name: str) -> Any:
        if name.startswith("__") and name != "__version__":
            raise AttributeError(name)
        del package.__dict__["__getattr__"]
        with _without_dynamo():
            loader.exec_module(package)
        return getattr(package, name)

    package.__dict__["__getattr__"] = import_all
    sys.modules["torchvision"] = package


def import_operators() -> None:
    """Import what the encoder of Cellpose 4 needs beside torchvision's transforms."""
    import_torchvision()
    with _without_dynamo():
        importlib.import_module("torchvision.ops")


@contextmanager
def _without_dynamo() -> Iterator[None]:
    """Import torchvision in this block, and it does not import torch's compiler.

    torchvision 0.28 imports ``torch._dynamo`` for one question that `roi_align` asks,
    which nothing here or in Cellpose calls. That takes as long as the rest of torch,
    and every first run would wait for it. When it is asked after all, the real module
    answers.
    """
    if _DYNAMO in sys.modules:
        yield
        return
    stand_in, utils = ModuleType(_DYNAMO), ModuleType(f"{_DYNAMO}.utils")
    utils.__dict__["is_compile_supported"] = _is_compile_supported
    stand_in.__dict__["utils"] = utils
    stand_ins = {_DYNAMO: stand_in, f"{_DYNAMO}.utils": utils}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name, module in stand_ins.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


def _is_compile_supported(device: str) -> bool:
    utils = importlib.import_module(f"{_DYNAMO}.utils")
    return bool(utils.is_compile_supported(device))


def _own_library_loads() -> bool:
    """Load torchvision's compiled library, as its own import would do first."""
    *_, folder = _installed()
    for library in folder.glob("_C*"):
        try:
            torch.ops.load_library(str(library))
        except OSError:
            continue
        return True
    return False


def _installed() -> tuple[ModuleSpec, Loader, Path]:
    """Return how torchvision is imported, by what, and its folder."""
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.loader is None or spec.origin is None:
        raise ImportError("torchvision is not installed")
    return spec, spec.loader, Path(spec.origin).parent
