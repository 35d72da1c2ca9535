"""The papers to cite for a model."""

from __future__ import annotations

import re

from cellpose_studio.core.models.architecture import ARCHITECTURES
from cellpose_studio.core.models.papers import (
    CELLPOSE_1,
    CELLPOSE_2,
    CELLPOSE_3,
    CELLPOSE_SAM,
    Paper,
)
from cellpose_studio.core.provenance.record import ModelRecord

_PAPERS = (
    (re.compile(r"cyto3|.*_cp3"), CELLPOSE_3),
    (re.compile(r"cyto2|cyto2torch_\d|CP|CPx|TN\d|LC\d"), CELLPOSE_2),
    (re.compile(r"cyto|nuclei|(cyto|nuclei)torch_\d"), CELLPOSE_1),
    (re.compile(r"cpsam|cpsam_v2|cpdino|cpdino-vitb"), CELLPOSE_SAM),
)


def paper_of(model: ModelRecord) -> Paper | None:
    """Return the paper that one of Cellpose's own models comes from.

    None for other weights: shipped ones, and those of a user.
    """
    if model.source == "shipped":
        return None
    found = (paper for name, paper in _PAPERS if name.fullmatch(model.name))
    return next(found, None)


def network_paper(model: ModelRecord) -> Paper:
    """Return the paper that describes the kind of network."""
    info = ARCHITECTURES.get(model.architecture)
    return CELLPOSE_SAM if info is None else info.paper
