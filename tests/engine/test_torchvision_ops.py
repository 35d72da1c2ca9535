"""Whether torchvision can be imported is settled once per process: each case has one.

The stand-ins are the installed torchvision with another compiled library in it.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# Every operator that torchvision's Python half refers to.
MATCHING_LIBRARY = """
#include <torch/library.h>
TORCH_LIBRARY(torchvision, m) {
  for (auto name : {"nms", "qnms", "roi_align", "roi_pool", "ps_roi_align",
                    "ps_roi_pool", "qroi_align", "deform_conv2d",
                    "_roi_align_backward", "_roi_pool_backward",
                    "_ps_roi_align_backward", "_ps_roi_pool_backward",
                    "_deform_conv2d_backward"})
    m.def((std::string(name) + "(Tensor x) -> Tensor").c_str());
  m.def("_cuda_version() -> int", []() -> int64_t { return -1; });
}
"""

MAKE_IMPORTABLE = """
import torch
from cellpose_studio.engine.torchvision_ops import make_importable
first, second = make_importable(), make_importable()
defined = hasattr(torch.ops.torchvision, "nms")
"""


def run(code: str, stand_in: Path | None = None) -> str:
    """Run ``code`` in a Python of its own; return what it printed or raised."""
    path = f"import sys; sys.path.insert(0, {str(stand_in)!r})\n" if stand_in else ""
    done = subprocess.run(
        [sys.executable, "-c", path + code], capture_output=True, text=True, check=False
    )
    return (done.stdout + done.stderr).strip()


def folder_of(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    return Path(spec.origin).parent


@pytest.fixture
def stand_in(tmp_path):
    """The folder of a torchvision that lacks its compiled library."""
    package = tmp_path / "torchvision"
    package.mkdir()
    for entry in folder_of("torchvision").iterdir():
        if not entry.name.startswith("_C"):
            (package / entry.name).symlink_to(entry)
    return tmp_path


def compile_library(source: str, target: Path) -> None:
    torch = folder_of("torch")
    compiler = ["g++", "-std=c++20", "-O0", "-shared", "-fPIC", "-x", "c++", "-"]
    options = [f"-I{torch / 'include'}", f"-L{torch / 'lib'}", "-lc10", "-ltorch_cpu"]
    subprocess.run(
        [*compiler, "-o", str(target), *options], input=source, text=True, check=True
    )


@pytest.mark.slow
def test_cellpose_can_be_imported_beside_the_installed_torchvision():
    imports = "import cellpose.models; print(cellpose.models.__name__)"
    assert run(MAKE_IMPORTABLE + imports).endswith("cellpose.models")


def test_the_engine_imports_cellpose_beside_a_torchvision_that_does_not_fit(stand_in):
    (stand_in / "torchvision" / "_C.so").write_bytes(b"for another torch")
    imports = "from cellpose_studio.engine.cellpose_api import vit; print(vit.__name__)"
    assert run(imports, stand_in) == "cellpose.vit"


@pytest.mark.slow
def test_operators_are_defined_where_the_library_does_not_load(stand_in):
    (stand_in / "torchvision" / "_C.so").write_bytes(b"for another torch")
    assert "torchvision::nms does not exist" in run("import torchvision", stand_in)
    report = "import torchvision.transforms; print(first, second, defined)"
    assert run(MAKE_IMPORTABLE + report, stand_in) == "True True True"


def test_nothing_is_defined_where_a_library_loads(stand_in):
    any_library = folder_of("torch") / "lib" / "libc10.so"
    (stand_in / "torchvision" / "_C.so").symlink_to(any_library)
    report = "print(first, second, defined)"
    assert run(MAKE_IMPORTABLE + report, stand_in) == "False False False"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a compiler")
def test_a_matching_library_keeps_its_own_operators(stand_in):
    compile_library(MATCHING_LIBRARY, stand_in / "torchvision" / "_C.so")
    report = "import torchvision; print(first, torchvision.extension._has_ops())"
    assert run(MAKE_IMPORTABLE + report, stand_in) == "False True"


def test_a_missing_torchvision_is_named():
    hidden = "import sys; sys.modules['torchvision'] = None\n"
    assert run(hidden + MAKE_IMPORTABLE).endswith("torchvision is not installed")


def test_cellpose_is_imported_without_the_compiler_of_torch():
    code = (
        "import sys\n"
        "from cellpose_studio.engine.cellpose_api import vit\n"
        "print('torch._dynamo' in sys.modules)\n"
        "from torchvision.ops.roi_align import is_compile_supported as stand_in\n"
        "answer = stand_in('cpu')\n"
        "from torch._dynamo.utils import is_compile_supported\n"
        "print(answer == is_compile_supported('cpu'), stand_in is is_compile_supported)"
    )
    assert run(code).split() == ["False", "True", "False"]


def test_the_rest_of_torchvision_is_imported_when_it_is_asked_for():
    code = (
        "import sys\n"
        "from cellpose_studio.engine.cellpose_api import normalize_img\n"
        "import torchvision\n"
        "print('torchvision.models' in sys.modules, hasattr(torchvision, '__all__'))\n"
        "whole = torchvision.models.__name__, 'torchvision.datasets' in sys.modules\n"
        "print(*whole, torchvision.__version__[0].isdecimal())\n"
        "print(hasattr(torchvision, 'no_such_module'))"
    )
    expected = ["False", "False", "torchvision.models", "True", "True", "False"]
    assert run(code).split() == expected
