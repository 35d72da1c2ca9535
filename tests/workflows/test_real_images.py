"""Masks of real images, against those of Cellpose's own functions.

The flows are those of threads that share each tile, as in earlier versions, and masks
are made of them by Cellpose.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.device import CPU
from cellpose_studio.engine.evaluation import agreement as average_precision
from cellpose_studio.engine.networks.catalogue import shipped
from cellpose_studio.engine.networks.network import NetworkCache
from cellpose_studio.engine.torchvision_ops import make_importable
from cellpose_studio.engine.versions import has_openvino
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.workflows.segment import segment

make_importable()

pytestmark = pytest.mark.slow

NETWORKS = NetworkCache()


def validation(data: Path) -> list[Path]:
    rows = csv.DictReader((data / "splits.csv").read_text("utf-8").splitlines())
    return [data / row["file"] for row in rows if row["split"] == "validation"]


def run(path: Path, **options):
    """Return the masks, and those that Cellpose makes of flows of shared tiles."""
    from cellpose.dynamics import resize_and_compute_masks

    model = shipped()["phase" in path.parent.name]
    [image] = open_images(path)
    parameters = SegmentationParameters(**options)
    found = segment(image, model, parameters, Checkpoint(), CPU, NETWORKS)
    assert NETWORKS.get(model, CPU).engine == "whole-tiles"
    before = segment(
        image,
        model,
        found.parameters,
        Checkpoint(),
        CPU,
        NETWORKS,
        engine="shared-tiles",
    )
    flows = before.flows
    volume = flows.volumetric
    expected = resize_and_compute_masks(
        flows.dP if volume else flows.dP[:, 0],
        flows.cellprob if volume else flows.cellprob[0],
        niter=int(200 / flows.scale),
        do_3D=volume,
        min_size=found.parameters.min_size,
        max_size_fraction=found.parameters.max_size_fraction,
    )
    return found.labels, expected


@pytest.mark.skipif(not has_openvino(), reason="it is an optional package")
def test_openvino_gives_the_masks_of_torch(shared_data):
    shares = {}
    for path in validation(shared_data):
        model = shipped()["phase" in path.parent.name]
        [image] = open_images(path)
        given = (Checkpoint(), CPU, NETWORKS)
        torchs = segment(image, model, SegmentationParameters(), *given)
        found = segment(image, model, torchs.parameters, *given, engine="openvino")
        assert found.engine == "openvino"
        assert not np.array_equal(found.flows.cellprob, torchs.flows.cellprob)
        shares[path.stem] = agreement(found.labels, torchs.labels)
    assert len(shares) >= 20
    assert min(shares.values()) >= 0.999, shares


def test_in_bfloat16_a_u_net_finds_cells_as_well(shared_data, tmp_path):
    # Without units for it a tile takes seconds, so these are parts of images.
    part = np.s_[:224, :224]
    paths = [p for p in validation(shared_data) if p.parent.name == "2d_nuclei_fluo"]
    found = {"float32": [], "bfloat16": []}
    for path in paths[:8]:
        true = tifffile.imread(path.with_name(f"{path.stem}_masks.tif"))[part]
        tifffile.imwrite(tmp_path / path.name, tifffile.imread(path)[part])
        [image] = open_images(tmp_path / path.name)
        parameters = SegmentationParameters(diameter=20.0)
        for precision, scores in found.items():
            given = (image, shipped()[0], parameters, Checkpoint(), CPU)
            result = segment(*given, precision=precision)
            assert result.precision == precision
            scores.append(average_precision(result.labels, true).precision[:2])
    plain, half = (np.mean(found[name], axis=0) for name in ("float32", "bfloat16"))
    assert plain[0] > 0.6
    assert (half >= plain - (0.005, 0.01)).all(), found


def agreement(found: np.ndarray, expected: np.ndarray) -> float:
    """Return the share of pixels in the same cell, whatever its number is."""
    pairs, counts = np.unique(
        np.stack([found.ravel(), expected.ravel()]), axis=1, return_counts=True
    )
    same = {int(ours): int(theirs) for ours, theirs in pairs[:, counts.argsort()].T}
    names = np.array([same.get(n, 0) for n in range(int(found.max()) + 1)])
    return float(np.mean(names[found] == expected))


def test_masks_of_planes_are_cellposes(shared_data):
    images = validation(shared_data)
    assert len(images) >= 20
    shares = {path.stem: agreement(*run(path)) for path in images}
    assert min(shares.values()) >= 0.999, shares


@pytest.mark.parametrize("folder", ["3d_nuclei_mouse_embryo", "3d_nuclei_plant"])
def test_masks_of_volumes_are_cellposes(shared_data, folder):
    [path] = [p for p in (shared_data / folder).glob("*.tif") if "_masks" not in p.stem]
    found, expected = run(path, do_3D=True, diameter=25.0)
    assert expected.max() > 5
    assert agreement(found, expected) >= 0.999
