"""The records of runs, finished and not."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.core.provenance.record import RunRecord
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine import versions as versions_module
from cellpose_studio.engine.device import CPU, Device
from cellpose_studio.engine.masks.dynamics import FlowMaskMaker
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.engine.networks.network import NetworkCache
from cellpose_studio.engine.threads import torch_threads
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.workflows.provenance.run_record import (
    pixels_sha256,
    record_of,
    unfinished_record,
)
from cellpose_studio.workflows.segment import segment

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.fixture
def result(cells):
    image = open_images(cells("a.tif", (2, 64, 64), "CYX"))[0]
    return segment(image, shipped()[0], SegmentationParameters(), Checkpoint())


def test_a_record_holds_what_determined_the_result(result):
    record = record_of(result, NOON)
    assert record.outcome == "finished"
    assert record.parameters == result.parameters
    assert record.parameters.diameter is not None
    assert (record.device, record.device_title) == ("cpu", "CPU")
    assert (record.precision, record.threads) == ("float32", torch_threads())
    assert record.engine == record.engine_used == "whole-tiles"
    assert record.tile_size == 224
    assert (record.started, record.seconds) == (NOON, result.seconds)
    assert record.cells == result.labels.max() == 4
    assert record.model.sha256 == shipped()[0].sha256
    assert record.model.source == "shipped"
    assert record.model.generation == "1-3"
    assert record.versions["torch"] == torch.__version__
    assert record.versions["numba"] == metadata.version("numba")
    assert record.versions["python"] == sys.version.split()[0]
    assert "CPU with" in record.platform
    assert (record.image.name, record.image.axes) == ("a.tif", "CYX")
    assert record.image.shape == (1, 2, 1, 64, 64)
    masks = result.labels.astype("<u4").tobytes()
    assert record.masks_sha256 == hashlib.sha256(masks).hexdigest()
    assert RunRecord.model_validate_json(record.model_dump_json()) == record


def test_pixels_are_hashed_in_our_order_and_little_endian(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 999, (3, 2, 8, 9)).astype(np.uint16)
    sums = set()
    for order in "<>":
        path = tmp_path / "a.tif"
        tifffile.imwrite(
            path, pixels, byteorder=order, imagej=True, metadata={"axes": "ZCYX"}
        )
        sums.add(pixels_sha256(open_images(path)[0]))
    expected = pixels.transpose(1, 0, 2, 3).astype("<u2").tobytes()
    assert sums == {hashlib.sha256(expected).hexdigest()}


def test_an_image_that_went_away_meanwhile_has_no_hash(result):
    result.image.path.unlink()
    assert record_of(result, NOON).image.pixels_sha256 == ""


def test_hashing_can_be_stopped(result):
    checkpoint = Checkpoint()
    checkpoint.stop()
    with pytest.raises(Cancelled):
        record_of(result, NOON, checkpoint)


def test_what_really_ran_is_recorded_after_a_fall_back(cells, monkeypatch):
    real = NetworkCache.get

    def get(self, spec, device, *more):
        if device != CPU:
            from cellpose_studio.engine.device_memory import device_full

            raise device_full(device)
        return real(self, spec, device, *more)

    monkeypatch.setattr(NetworkCache, "get", get)
    image = open_images(cells("a.tif", (64, 64)))[0]
    parameters = SegmentationParameters(diameter=20)
    little = Device("cuda:0", "Little GPU")
    record = record_of(
        segment(image, shipped()[0], parameters, Checkpoint(), little), NOON
    )
    assert (record.device, record.device_title) == ("cpu", "CPU")
    assert record.notes[0].startswith("Little GPU had too little memory")


def test_masks_that_were_made_elsewhere_are_told_of(cells, monkeypatch):
    def masks(self, parameters, checkpoint):
        self.fell_back = True
        return real(self, parameters, checkpoint)

    real = FlowMaskMaker.masks
    monkeypatch.setattr(FlowMaskMaker, "masks", masks)
    image = open_images(cells("a.tif", (64, 64)))[0]
    parameters = SegmentationParameters(diameter=20)
    result = segment(image, shipped()[0], parameters, Checkpoint())
    assert result.notes == ("CPU was full, so the CPU made the masks.",)


def test_a_path_is_recorded_in_full(cells, monkeypatch):
    path = cells("a.tif", (64, 64))
    monkeypatch.chdir(path.parent)
    image = open_images(Path("a.tif"))[0]
    parameters = SegmentationParameters(diameter=20)
    result = segment(image, shipped()[0], parameters, Checkpoint())
    assert record_of(result, NOON).image.path == str(path)


def test_a_run_that_failed_says_why(result):
    record = unfinished_record(
        result.image, result.model, SegmentationParameters(), NOON, "failed", "No room."
    )
    assert (record.outcome, record.message) == ("failed", "No room.")
    assert record.parameters.diameter is None
    assert (record.device, record.threads, record.cells) == ("", None, None)
    assert record.image.pixels_sha256 == record.masks_sha256 == ""
    assert record.seconds > 0


def test_a_failure_can_be_recorded_without_torch():
    code = (
        "import sys; import cellpose_studio.workflows.provenance.run_record; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_package_without_metadata_is_no_obstacle(monkeypatch, result):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(versions_module.metadata, "version", missing)
    versions = versions_module.versions()
    assert versions["torch"] == torch.__version__
    assert versions["numpy"] == np.__version__
    monkeypatch.delitem(sys.modules, "zarr", raising=False)
    assert "zarr" not in versions_module.versions()
    assert record_of(replace(result, notes=("x",)), NOON).notes == ("x",)
