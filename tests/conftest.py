"""What all tests share: their own user folders, and the images next to the checkout."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from pytestqt.qtbot import QtBot

from tests.waiting import LONG

if TYPE_CHECKING:
    from qtpy.QtWidgets import QApplication

# All of this has to be set before Qt, napari or a numeric library is imported.
_home = tempfile.TemporaryDirectory(prefix="cellpose-studio-tests-")
os.environ["CELLPOSE_STUDIO_HOME"] = str(Path(_home.name) / "studio")
for _kind in ("CONFIG", "DATA", "CACHE", "STATE"):
    os.environ[f"XDG_{_kind}_HOME"] = str(Path(_home.name) / _kind.lower())
os.environ["NAPARI_CONFIG"] = ""
# A worker that touches masks which are being edited fails.
os.environ["CELLPOSE_STUDIO_DEBUG"] = "1"
os.environ.setdefault("QT_API", "pyqt5")
os.environ["PYTEST_QT_API"] = os.environ["QT_API"]
# Several threads wait for each other longer than the small networks of tests take.
for _pool in ("OMP", "MKL", "OPENBLAS"):
    os.environ[f"{_pool}_NUM_THREADS"] = "1"

# The same examples in every run, so that a failure is of the change at hand. Others
# are looked for with --hypothesis-profile=search. The first example of a property may
# have to compile what it tests, hence no deadline.
hypothesis.settings.register_profile("same", deadline=None, derandomize=True)
hypothesis.settings.register_profile("search", deadline=None, max_examples=2000)
hypothesis.settings.load_profile("same")

_EARLIER = Path(__file__).parent / "fixtures" / "earlier_project"
_SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def _user_folders() -> Iterator[None]:
    """Remove the user folders of the tests at the end."""
    yield
    _home.cleanup()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real images beside the checkout; skip without it."""
    if not _SHARED_DATA.is_dir():
        pytest.skip(f"no images in {_SHARED_DATA}")
    return _SHARED_DATA


@pytest.fixture
def earlier_project(tmp_path: Path) -> Iterator[Path]:
    """Return a copy, in another folder, of the project of an earlier version."""
    before = {file.name: file.read_bytes() for file in _EARLIER.iterdir()}
    yield Path(shutil.copytree(_EARLIER, tmp_path / "moved")) / "before.cpstudio"
    assert {file.name: file.read_bytes() for file in _EARLIER.iterdir()} == before


@pytest.fixture(scope="session")
def qapp_cls() -> Callable[[list[str]], QApplication]:
    """Set up the application as it is at its start, whichever test comes first."""
    from qtpy.QtCore import Qt

    from cellpose_studio.ui.window.launch.identity import Application

    Application.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    return Application


@pytest.fixture
def qtbot(qapp: QApplication, request: pytest.FixtureRequest) -> QtBot:
    """Return pytest-qt's bot, whose waits end with what they wait for.

    Its own limits of a few seconds are too short on a computer with much else to do.
    """
    bot = QtBot(request)
    for name in ("Until", "Signal", "Signals", "Callback", "Active", "Exposed"):
        wait = getattr(bot, f"wait{name}")
        setattr(bot, f"wait{name}", partial(wait, timeout=LONG * 1000))
    return bot


@pytest.fixture
def cells(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a picture of bright round cells.

    The function takes the name of the file, the shape and the axes. Cells have a
    diameter of 20 px, and lie on a grid of 32 px in every plane.
    """
    import numpy as np
    import tifffile

    def write(name: str, shape: tuple[int, ...] = (96, 128), axes: str = "YX") -> Path:
        random = np.random.default_rng(0)
        y, x = np.indices(shape[-2:]) % 32 - 16
        distance = np.hypot(y, x)
        plane = 2000 / (1 + np.exp(distance - 10))
        pixels = random.poisson(100 + np.broadcast_to(plane, shape)).astype(np.uint16)
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        step = {"spacing": 0.5, "unit": "um"} if "Z" in axes else {"unit": "um"}
        tifffile.imwrite(
            path,
            pixels,
            imagej=True,
            resolution=(4, 4),
            metadata={"axes": axes, **step},
        )
        return path

    return write
