"""Take of torch what computes: no headers, tests, compilers, nor all its sources.

It stands in for PyInstaller's own hook, which takes every module and source file.
"""

from importlib import metadata
from pathlib import Path

from PyInstaller import compat
from PyInstaller.utils.hooks import (
    collect_dynamic_libs,
    collect_submodules,
    get_package_paths,
    logger,
)

# Modules that torch imports by a name made at run time.
hiddenimports = [
    "torch._C",
    "torch._dynamo",
    *collect_submodules("torch._dynamo.polyfills"),
    "torch._export",
    "torch._inductor",
    "torch._inductor.test_operators",
    "torch._lazy",
    "torch.onnx",
    "torch.testing",
]

_around, _folder = (Path(part) for part in get_package_paths("torch"))

# Of torch's own tests, what torch itself imports.
_USED_TESTS = {"__init__", "common_dtype", "distributed", "logging_tensor"}
_tests = _folder / "testing" / "_internal"
excludedimports = [
    "torch.utils.benchmark",
    "torch.utils.tensorboard",
    *(
        f"torch.testing._internal.{file.stem}"
        for file in _tests.iterdir()
        if file.stem not in _USED_TESTS
    ),
]
warn_on_missing_hiddenimports = False
module_collection_mode = "pyz"

_TESTS = ("backend_with_compiler", "jitbackend_test", "torchbind_test", "custom_ops")

# torch reads these sources of its own when it is imported.
_READ = (
    "**/config.py",
    "**/_config.py",
    "_dynamo/_trace_wrapped_higher_order_op.py",
    "_dynamo/variables/streams.py",
    "_library/custom_ops.py",
    "_native/registry.py",
    "distributed/_functional_collectives.py",
    "distributed/tensor/_collective_utils.py",
    "functional.py",
    "nn/functional.py",
    "nn/modules/rnn.py",
    "onnx/ops/_impl.py",
    "onnx/ops/_symbolic_impl.py",
    "utils/_debug_mode/_mode.py",
)

datas = [
    (str(file), str(file.parent.relative_to(_around)))
    for pattern in _READ
    for file in _folder.glob(pattern)
]
binaries = [
    (source, folder)
    for source, folder in collect_dynamic_libs(
        "torch", search_patterns=["*.so", "*.so.*", "*.dll", "*.dylib"]
    )
    if Path(folder) == Path("torch/lib")
    and not any(name in Path(source).name for name in _TESTS)
]
# torch looks for it when it is imported.
_shared_memory = _folder / "bin" / "torch_shm_manager"
if _shared_memory.exists():
    binaries.append((str(_shared_memory), "torch/bin"))

if compat.is_linux:
    # A link to them elsewhere misleads torch about where its libraries are.
    bindepend_symlink_suppression = ["**/torch/lib/*.so*"]


def _cuda_packages() -> list[str]:
    """Return the packages with CUDA's libraries that this build of torch asks for."""
    from _pyinstaller_hooks_contrib.utils import nvidia_cuda
    from packaging.requirements import Requirement

    wanted = [Requirement(text) for text in metadata.requires("torch") or ()]
    names = [r.name for r in wanted if r.marker is None or r.marker.evaluate()]
    return list(nvidia_cuda.infer_hiddenimports_from_requirements(names))


if compat.is_linux:
    cuda = _cuda_packages()
    logger.info("CUDA packages of torch: %s", cuda)
    hiddenimports += cuda
