"""What all tests share: their own user folders, and the images next to the checkout."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

# All of this has to be set before Qt, napari or a numeric library is imported.
_home = tempfile.TemporaryDirectory(prefix="cellpose-studio-tests-")
os.environ["CELLPOSE_STUDIO_HOME"] = str(Path(_home.name) / "studio")
for _kind in ("CONFIG", "DATA", "CACHE", "STATE"):
    os.environ[f"XDG_{_kind}_HOME"] = str(Path(_home.name) / _kind.lower())
os.environ["NAPARI_CONFIG"] = ""
os.environ.setdefault("QT_API", "pyqt5")
os.environ["PYTEST_QT_API"] = os.environ["QT_API"]
# Several threads wait for each other longer than the small networks of tests take.
for _pool in ("OMP", "MKL", "OPENBLAS"):
    os.environ[f"{_pool}_NUM_THREADS"] = "1"

# The first example of a property may have to compile what it tests.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

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
