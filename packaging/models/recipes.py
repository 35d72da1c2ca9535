"""What the shipped models are trained on, and how."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """How one model is trained.

    Attributes
    ----------
    folders
        Of real images; the rows of the table of splits that say train.
    synthetic
        Kind and number of the images that are drawn.
    options
        Of ``cellpose-studio train``.
    """

    folders: tuple[str, ...]
    synthetic: tuple[tuple[str, int], ...]
    options: tuple[str, ...]


_VARIED = (
    *("--scale-range", "0.25", "--zoom", "2", "--shading", "0.6"),
    *("--blur", "0.12", "--noise", "0.3", "--invert", "0.12"),
    *("--nimg-per-epoch", "96", "--bsize", "192", "--min-train-masks", "3"),
)

RECIPES = {
    "nuclei-small": Recipe(
        folders=("2d_nuclei_fluo", "2d_nuclei_histology"),
        synthetic=(("fluorescence", 60), ("stain", 40)),
        options=(
            *_VARIED,
            *("--mix-channels", "0.5", "--n-epochs", "160", "--diam-mean", "17"),
            *("--shares", "0.45", "0.2", "0.2", "0.15"),
        ),
    ),
    "phase-small": Recipe(
        folders=("2d_cells_phase",),
        synthetic=(("phase", 40),),
        options=(
            *_VARIED,
            *("--n-epochs", "100", "--diam-mean", "24", "--shares", "0.75", "0.25"),
        ),
    ),
}
