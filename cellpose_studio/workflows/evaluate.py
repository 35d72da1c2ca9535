"""Compare folders or files of masks with true masks."""

from __future__ import annotations

from pathlib import Path

from cellpose_studio.core.errors import MasksUnreadable
from cellpose_studio.engine.evaluation import Agreement, agreement
from cellpose_studio.io.folders import image_stem, is_masks_path
from cellpose_studio.io.masks import read_masks


def masks_pairs(predicted: Path, true: Path) -> list[tuple[Path, Path]]:
    """Return the (predicted, true) files of two files, or two folders.

    Files of folders belong together when the images they are named after do:
    ``a_cp_masks.tif`` and ``a_masks.tif``.

    Raises
    ------
    MasksUnreadable
        If there is nothing to compare.
    """
    if not predicted.is_dir() and not true.is_dir():
        return [(predicted, true)]
    if not (predicted.is_dir() and true.is_dir()):
        raise MasksUnreadable(
            "A file cannot be compared with a folder.", "Give two files or two folders."
        )
    known = _by_image(true)
    found = _by_image(predicted)
    pairs = [(found[stem], known[stem]) for stem in found if stem in known]
    if not pairs:
        raise MasksUnreadable(
            f"No masks in {predicted.name} and {true.name} belong together.",
            "They need the same names up to _masks, _cp_masks or _seg.",
        )
    return pairs


def compare(predicted: Path, true: Path) -> Agreement:
    """Return how well the masks of one file agree with those of another.

    Raises
    ------
    MasksUnreadable
        If one cannot be read, or they have different shapes.
    """
    found, known = read_masks(predicted).labels, read_masks(true).labels
    if found.shape != known.shape:
        raise MasksUnreadable(
            f"{predicted.name} has the shape {found.shape}, but {true.name} has "
            f"{known.shape}."
        )
    return agreement(found, known)


def _by_image(folder: Path) -> dict[str, Path]:
    """Return the masks of ``folder`` by the name of their image; TIFFs win."""
    order = {".png": 0, ".npy": 1}
    files = [path for path in folder.iterdir() if is_masks_path(path)]
    files.sort(key=lambda p: (order.get(p.suffix.lower(), 2), p.name))
    return dict(sorted((image_stem(path), path) for path in files))
