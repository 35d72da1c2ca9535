"""Variants of the U-Net against Cellpose 2.2.3, the last version that runs them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellpose_studio.core.runs.parameters import Normalization, SegmentationParameters
from cellpose_studio.engine.networks.weights import inspect
from tests.engine.fidelity.cases import NUCLEI, middle, pixels_of
from tests.engine.fidelity.comparing import (
    Case,
    check_table,
    flow_difference,
    rounded_up,
    run,
)
from tests.engine.fidelity.weights import random_unet

pytestmark = pytest.mark.slow

VARIANTS: dict[str, dict[str, Any]] = {
    "residual_on_style_on_concatenation_off": {},
    "residual_on_style_off_concatenation_off": {"style": False},
    "residual_on_style_on_concatenation_on": {"concatenation": True},
    "residual_off_style_on_concatenation_off": {"residual": False},
    "residual_off_style_off_concatenation_on": {
        "residual": False,
        "style": False,
        "concatenation": True,
    },
}


def averaged(folder: Path) -> tuple[Path, list[str]]:
    """Return the list of four networks that is opened here, and their files."""
    files = [random_unet(folder / f"cytotorch_{n}", seed=n) for n in range(4)]
    members = [
        {"file": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
        for file in files
    ]
    path = folder / "cyto.average.json"
    path.write_text(json.dumps({"average": members, "diam_mean": 30.0}), "utf-8")
    return path, [str(file) for file in files]


def test_flows_of_variants_are_the_same(cellpose_2, shared_data, tmp_path):
    opened: list[tuple[str, Path, dict[str, Any]]] = []
    for name, options in VARIANTS.items():
        path = random_unet(tmp_path / f"cellpose_{name}_one", **options)
        # That version takes notice of the variant only in a name with this word.
        misspelt = path.name.replace("concatenation", "concatentation")
        theirs = path.rename(tmp_path / misspelt)
        path.write_bytes(theirs.read_bytes())
        opened.append((name, path, {"pretrained_model": str(theirs)}))
    path, files = averaged(tmp_path)
    model = {"pretrained_model": files, "net_avg": True}
    opened.append(("mean of four networks", path, model))
    given = SegmentationParameters(
        channels=(1, None),
        diameter=24.0,
        # Its percentiles are other ones than those of later versions.
        normalization=Normalization(normalize=False),
    )
    part = middle(pixels_of(shared_data / NUCLEI), 120, 150)
    pixels = part.astype(np.float32) / 100
    case = Case("", pixels, given)
    jobs = [
        {
            "do": "masks",
            "image": pixels[0, 0],
            "model": model,
            "mkldnn": False,
            "options": {
                "channels": [0, 0],
                "diameter": 24.0,
                "normalize": False,
                "net_avg": "net_avg" in model,
                "compute_masks": False,
            },
        }
        for _, _, model in opened
    ]
    rows = []
    for (name, path, _), theirs in zip(opened, cellpose_2.run(jobs), strict=True):
        flows = run(case, inspect(path)).flows
        assert flows is not None
        difference = flow_difference(flows, theirs)
        rows.append((name, rounded_up(difference)))
        assert difference < 1e-5, name
    check_table("variants of 2.2.3", ("Network", "Largest difference"), rows)
