"""Each check fails in surroundings that are broken, and names what is."""

from __future__ import annotations

import shutil
import subprocess
import sys

import numpy as np
import pytest

from cellpose_studio.engine.device import CPU, Device
from cellpose_studio.engine.networks import catalogue
from cellpose_studio.paths import resource
from cellpose_studio.workflows.self_test.check import CheckFailed, Place
from cellpose_studio.workflows.self_test.classes import check_classes
from cellpose_studio.workflows.self_test.device import compare
from cellpose_studio.workflows.self_test.folders import check_folders
from cellpose_studio.workflows.self_test.formats import (
    check_microscopes,
    check_ome_zarr,
    check_pictures,
    check_tiff,
)
from cellpose_studio.workflows.self_test.headless import CHECKS
from cellpose_studio.workflows.self_test.measurements import check_measurements
from cellpose_studio.workflows.self_test.models import check_models
from cellpose_studio.workflows.self_test.training import check_training

GPU = Device("cuda:0", "Test GPU")


@pytest.fixture
def place(tmp_path):
    (tmp_path / "work").mkdir()
    return Place(folder=tmp_path / "work", user_folders={"data": tmp_path / "a" / "b"})


@pytest.fixture
def models(tmp_path, monkeypatch):
    """Return a copy of the shipped models, which the catalogue has in their place."""
    folder = tmp_path / "models"
    shutil.copytree(resource("models"), folder)
    monkeypatch.setattr(catalogue, "resource", lambda _: folder)
    return folder


def test_folders_that_can_be_written_to_are_not_made(place):
    assert check_folders(place).text.startswith("1 folders can be written to")
    assert not (place.folder.parent / "a").exists()


def test_a_folder_that_cannot_be_written_to_is_named(place, tmp_path):
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(CheckFailed) as error:
        check_folders(place)
    assert f"data ({tmp_path / 'a' / 'b'})" in str(error.value)


def test_models_that_are_whole(models, place):
    names = ", ".join(model.name for model in catalogue.shipped())
    assert "qpi-small" in names
    assert check_models(place).text == f"{names}: the checksums are right"


def test_a_damaged_model_is_named(models, place):
    file = models / "phase-small"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(CheckFailed) as error:
        check_models(place)
    assert str(error.value).startswith("phase-small: ")
    assert "nuclei-small" not in str(error.value)


@pytest.mark.parametrize("name", ["nuclei-small", "nuclei-small.size.npz"])
def test_a_missing_file_of_a_model_is_named(models, place, name):
    (models / name).unlink()
    with pytest.raises(CheckFailed, match="nuclei-small: "):
        check_models(place)


def test_no_model_at_all_is_a_failure(models, place):
    for file in models.iterdir():
        file.unlink()
    with pytest.raises(CheckFailed, match="No model"):
        check_models(place)


def test_the_formats_can_be_read(place):
    assert "OME-TIFF" in check_tiff(place).text
    assert "PNG of 16 bits" in check_pictures(place).text
    assert "blosc zstd" in check_ome_zarr(place).text
    assert "CZI, IMS, LIF" in check_microscopes(place).text


def test_cells_can_be_measured(place, monkeypatch):
    assert "Parquet" in check_measurements(place).text
    monkeypatch.setitem(sys.modules, "fastparquet", None)
    with pytest.raises(ImportError):
        check_measurements(place)


def test_cells_can_be_classed(place, monkeypatch):
    assert "12 cells classed" in check_classes(place).text
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    with pytest.raises(ImportError):
        check_classes(place)


@pytest.mark.parametrize(
    ("module", "check", "named", "others"),
    [
        ("imagecodecs._webp", "check_compressions", "webp", "lzw: "),
        ("imagecodecs._zstd", "check_compressions", "zstd", "jpeg: "),
        ("imagecodecs._png", "check_pictures", "PNG of 16 bits", "JPEG: "),
        ("imagecodecs._jpeg8", "check_pictures", "JPEG", "PNG of 8 bits: "),
        ("pyfive", "check_microscopes", "IMS", "LIF: "),
    ],
)
def test_a_missing_library_is_named_and_no_other(
    module, check, named, others, tmp_path
):
    code = (
        "import sys; from pathlib import Path\n"
        f"sys.modules[{module!r}] = None\n"
        "from cellpose_studio.workflows.self_test import formats\n"
        "from cellpose_studio.workflows.self_test.check import Place\n"
        f"formats.{check}(Place(folder=Path({str(tmp_path)!r})))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "CheckFailed: Cannot be read: " in last
    assert f"{named}: " in last
    assert others not in last


@pytest.mark.parametrize("check", [check_tiff, check_pictures, check_ome_zarr])
def test_without_a_place_to_write_every_format_fails(check, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CheckFailed, match="Cannot be read: "):
        check(Place(folder=tmp_path / "file"))


def test_only_a_processor_is_said_to_be_one():
    assert "Only the processor" in compare([CPU], lambda _: np.zeros(3)).text


def test_a_graphics_card_that_agrees(place):
    found = compare([GPU, CPU], lambda device: np.full(3, 1 + 0.01 * (device == GPU)))
    assert found.text == "Test GPU agrees with the processor (0.01)"
    assert not found.advice


@pytest.mark.parametrize("value", [1.1, np.nan, np.inf])
def test_a_graphics_card_that_computes_something_else_is_named(value):
    with pytest.raises(CheckFailed, match="Test GPU gives") as error:
        compare([GPU, CPU], lambda one: np.full(3, value if one == GPU else 1.0))
    assert "driver" in error.value.hint


def test_a_processor_that_computes_nonsense_is_found():
    with pytest.raises(CheckFailed, match="no numbers"):
        compare([CPU], lambda _: np.full(3, np.nan))


def test_a_training_that_cannot_write_fails(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError):
        check_training(Place(folder=tmp_path / "file"))


@pytest.mark.slow
def test_one_step_of_training(place):
    assert check_training(place).text.startswith("One step on 2 images, loss ")


def test_each_check_has_a_name_of_its_own_and_says_what_to_do():
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    assert all(check.shows.endswith(".") and check.advice for check in CHECKS)
