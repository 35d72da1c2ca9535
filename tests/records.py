"""What records of runs in tests are made of."""

from __future__ import annotations

from cellpose_studio.core.provenance.record import ModelRecord

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
