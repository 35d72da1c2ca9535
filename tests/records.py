"""What records of runs in tests are made of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cellpose_studio.core.provenance.record import ImageRecord, ModelRecord, RunRecord
from cellpose_studio.core.runs.parameters import SegmentationParameters

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)

UNET = ModelRecord(
    name="nuclei-small",
    title="Nuclei (small)",
    path="/models/nuclei-small",
    sha256="ab" * 32,
    architecture="unet",
    generation="1-3",
    diam_mean=17,
    source="shipped",
)


def run_record(image: dict[str, Any] | None = None, **changes: Any) -> RunRecord:
    """Return the record of a run; ``image`` and the others change what it says."""
    about = {
        "name": "a.tif",
        "path": "/data/a.tif",
        "scene": "",
        "axes": "YX",
        "shape": (1, 1, 1, 96, 128),
        "dtype": "uint16",
        "pixel_size_um": (None, 0.5, 0.5),
        "fingerprint": "ab",
    }
    given = {
        "image": ImageRecord(**{**about, **(image or {})}),
        "model": UNET,
        "parameters": SegmentationParameters(diameter=20.0),
        "started": NOON,
        "seconds": 1.5,
        "outcome": "finished",
    }
    return RunRecord(**{**given, **changes})
