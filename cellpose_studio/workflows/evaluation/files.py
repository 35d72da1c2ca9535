"""Compares files or folders of masks with true masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from natsort import os_sorted

from cellpose_studio.core.errors import MasksUnreadable, StudioError
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.io.images.reader import is_image_path, open_images
from cellpose_studio.io.masks.exchange.extent import ImageExtent
from cellpose_studio.io.masks.exchange.region_files import SUFFIXES as REGIONS
from cellpose_studio.io.masks.exchange.region_files import has_overlay, read_overlay
from cellpose_studio.io.masks.folders import (
    EXPORTED,
    bare_stem,
    exported_masks_in,
    image_of_masks,
    image_of_regions,
    is_masks_path,
    is_prediction_path,
    masks_in,
    scan_folder,
)
from cellpose_studio.io.masks.imported import FOREGROUND_HINT, ImportedMasks
from cellpose_studio.io.masks.other_masks import note_on_others
from cellpose_studio.io.masks.reader import read_masks
from cellpose_studio.workflows.evaluation.items import ItemToEvaluate, MasksToCompare


@dataclass(frozen=True)
class MasksPairs:
    """Files of masks to compare.

    Attributes
    ----------
    pairs
        Files of predicted and of true masks of the same image.
    alone
        Files without a partner.
    others
        Of a file in a pair, those of the same image that were passed over for it.
    """

    pairs: tuple[tuple[Path, Path], ...]
    alone: tuple[Path, ...] = ()
    others: Mapping[Path, tuple[Path, ...]] = field(default_factory=dict)


def masks_pairs(predicted: Path, true: Path) -> MasksPairs:
    """Return the files to compare, given two files or two folders.

    Files in folders are paired by the name of their image: ``a_cp_masks.tif`` and
    ``a_masks.tif``. If an image has several files, Cellpose's ``_cp_masks`` are the
    predicted ones and ``_masks`` the true ones, so that both may be in one folder. An
    image without such files has those that were exported for other programs, in the
    order of `EXPORTED`. In a folder without such names, every image counts as masks.

    Raises
    ------
    MasksUnreadable
        If there is nothing to compare.
    ImageUnreadable
        If a folder cannot be read.
    """
    # An OME-Zarr is a folder, too, but a single file to the user.
    folders = [p.is_dir() and not is_image_path(p) for p in (predicted, true)]
    if not any(folders):
        return MasksPairs(((predicted, true),))
    if not all(folders):
        raise MasksUnreadable(
            f"{predicted.name} and {true.name} are not two files or two folders.",
            "Check that both exist, and choose two files or two folders.",
        )
    of_runs, of_truth = _by_image(predicted), _by_image(true)
    found = {stem: _found_of(masks) for stem, masks in of_runs.items()}
    known = {stem: masks[0] for stem, masks in of_truth.items()}
    both = os_sorted(s for s in found.keys() & known.keys() if found[s] != known[s])
    if not both:
        raise MasksUnreadable(
            f"No masks in {predicted.name} and {true.name} belong together.",
            "They need the same names up to _masks, _cp_masks or _seg.",
        )
    alone = [masks[s] for masks in (found, known) for s in masks if s not in both]
    others: dict[Path, tuple[Path, ...]] = {}
    for stem in both:
        pair, runs, truth = {found[stem], known[stem]}, of_runs[stem], of_truth[stem]
        # True masks are no results, nor the other way round.
        others[found[stem]] = tuple(
            p for p in runs if p not in pair and not _is_true(p)
        )
        others[known[stem]] = tuple(
            p for p in truth if p not in (*pair, *runs) and not is_prediction_path(p)
        )
    return MasksPairs(
        tuple((found[stem], known[stem]) for stem in both),
        tuple(dict.fromkeys(alone)),
        others,
    )


def read_pair(
    predicted: Path,
    true: Path,
    axes: str | None = None,
    others: Mapping[Path, Sequence[Path]] | None = None,
) -> MasksToCompare:
    """Read the masks of two files.

    Which axes they have, ``axes`` says (TYX, ZYX, TZYX), or else the files or the
    images beside them. ``others`` are as in `MasksPairs`: the note names those with
    other cells. Pixels that the true masks do not know are ignored.

    Raises
    ------
    MasksUnreadable
        If one cannot be read, or they have different shapes.
    """
    found, known = _read_both(predicted, true)
    if found.labels.shape != known.labels.shape:
        raise MasksUnreadable(
            f"The found masks, {predicted.name}, have the shape {found.labels.shape}, "
            f"but the true ones, {true.name}, have {known.labels.shape}."
        )
    letters, note = _axes_of(found, known, axes)
    for masks in (found, known):
        if masks.foreground_only:
            raise MasksUnreadable(masks.foreground_reason, FOREGROUND_HINT)
    notes = [note]
    for taken in (found, known):
        more = (others or {}).get(taken.path, ())
        notes.append(
            note_on_others(
                taken.path, taken.labels, more, lambda p: _read_one(p, known).labels
            )
        )
    return MasksToCompare(
        found=found.labels,
        true=known.labels,
        in_frames=letters[:1] == "T",
        ignore=known.unlabelled,
        note="; ".join(filter(None, notes)),
    )


def _read_both(predicted: Path, true: Path) -> tuple[ImportedMasks, ImportedMasks]:
    """Read both files; regions in the size of their image, or of the other masks."""
    read: dict[Path, ImportedMasks] = {}
    # Regions come last, so that what they are compared with is known.
    for path in sorted({predicted, true}, key=_is_regions):
        read[path] = _read_one(path, next(iter(read.values()), None))
    return read[predicted], read[true]


def _read_one(path: Path, other: ImportedMasks | None) -> ImportedMasks:
    """Read masks; regions in the size of their image, or else of ``other`` masks."""
    if (image := _image_of_regions(path)) is not None:
        inside = image.path == path
        read_one = read_overlay if inside else read_masks
        return read_one(path, ImageExtent.of(image))
    return read_masks(path, None if other is None else _extent_of(other))


def _extent_of(masks: ImportedMasks) -> ImageExtent:
    shape = masks.labels.shape
    return ImageExtent.of_labels(shape, masks.axes or "TZYX"[-len(shape) :])


def _image_of_regions(path: Path) -> ImageSource | None:
    """Return the image of a file of regions, or a TIFF with an overlay itself.

    None for other files, and where there is no such image.
    """
    if _is_regions(path):
        image = image_of_masks(path) if is_masks_path(path) else image_of_regions(path)
    else:
        image = path if has_overlay(path) and not is_masks_path(path) else None
    try:
        sources = open_images(image) if image is not None else []
    except StudioError:
        return None
    return sources[0] if len(sources) == 1 else None


def _is_regions(path: Path) -> bool:
    return path.suffix.lower() in REGIONS


def _axes_of(
    found: ImportedMasks, known: ImportedMasks, axes: str | None
) -> tuple[str, str]:
    """Return the axes of two masks, and what to say where nobody says them."""
    count = known.labels.ndim
    if axes is not None:
        letters = axes.strip().upper()
        if len(letters) != count or letters not in ("YX", "ZYX", "TYX", "TZYX"):
            raise MasksUnreadable(
                f"The axes of {known.path.name} cannot be {axes}: it has {count} axes.",
                "Give YX, ZYX, TYX or TZYX.",
            )
        return letters, ""
    # Only three axes are ambiguous: they may be a stack or a time series.
    if count != 3:
        return "TZYX"[-count:], ""
    said = {masks.axes or _axes_beside(masks) for masks in (known, found)} - {""}
    if len(said) == 1:
        return said.pop(), ""
    why = "their files disagree" if said else "their files do not say"
    return "ZYX", (
        f"the {len(known.labels)} planes are taken for a stack, because {why}. "
        "If they are time points, add --axes TYX."
    )


def _axes_beside(masks: ImportedMasks) -> str:
    """Return what the image beside masks says of its axes without channels, or ""."""
    image = image_of_masks(masks.path)
    if image is None:
        return ""
    try:
        sources = open_images(image)
    except StudioError:
        return ""
    source = sources[0]
    if len(sources) > 1 or source.label_shape != masks.labels.shape:
        return ""
    return ("T" if source.frames > 1 else "Z") + "YX"


def _by_image(folder: Path) -> dict[str, tuple[Path, ...]]:
    """Return the masks of ``folder`` by the name of their image, true ones first."""
    named, exported = masks_in(folder), exported_masks_in(folder)
    if named or exported:
        stems = dict.fromkeys((*named, *exported))
        return {s: (*named.get(s, ()), *exported.get(s, ())) for s in stems}
    return {
        bare_stem(entry.image.stem): (entry.image,) for entry in scan_folder(folder)
    }


def _found_of(masks: Sequence[Path]) -> Path:
    """Return the masks that a model found: those of Cellpose before exported ones."""
    exported = [path for path in masks if path.name.endswith(EXPORTED)]
    results = [p for p in masks if p not in exported and not _is_true(p)]
    return [*exported[:1], *results][-1] if exported or results else masks[-1]


def _is_true(path: Path) -> bool:
    return (
        is_masks_path(path)
        and bare_stem(path.stem).endswith("_masks")
        and not (is_prediction_path(path))
    )


def items_of_files(
    found: MasksPairs, axes: str | None = None, ignore: Path | None = None
) -> list[ItemToEvaluate]:
    """Return the pairs of files as items to evaluate.

    Parameters
    ----------
    axes
        Of masks that do not say.
    ignore
        Masks whose cells cover what is not known: a file, or a folder of files that
        have the name of the image, with or without ``_ignore`` or ``_masks``. Images
        without such a file are known everywhere.
    """
    return [
        ItemToEvaluate(
            name=predicted.name,
            read=partial(_read_item, predicted, true, axes, found.others, ignore),
        )
        for predicted, true in found.pairs
    ]


def _read_item(
    predicted: Path,
    true: Path,
    axes: str | None,
    others: Mapping[Path, Sequence[Path]],
    ignore: Path | None,
) -> MasksToCompare:
    pair = read_pair(predicted, true, axes, others)
    hidden = _ignored(true, ignore) if ignore is not None else None
    if hidden is None:
        return pair
    # One of another size is refused by who evaluates them.
    if pair.ignore is not None and hidden.shape == pair.true.shape[-hidden.ndim :]:
        hidden = pair.ignore | hidden
    return replace(pair, ignore=hidden)


def _ignored(true: Path, ignore: Path) -> npt.NDArray[np.bool_] | None:
    """Return the pixels to ignore of an image, by the name of its true masks."""
    file: Path | None = ignore
    if ignore.is_dir() and not is_image_path(ignore):
        stem = _stem_of(true)
        there = os_sorted(path for path in ignore.iterdir() if path.is_file())
        named = [path for path in there if _stem_of(path) == stem]
        # The image itself may lie beside it.
        named.sort(key=lambda path: not bare_stem(path.stem).endswith("_ignore"))
        file = named[0] if named else None
    return None if file is None else read_masks(file).labels > 0


def _stem_of(path: Path) -> str:
    """Return the name of the image that masks are of."""
    stem = bare_stem(path.stem)
    for ending in ("_ignore", "_cp_masks", "_masks", "_seg"):
        stem = stem.removesuffix(ending)
    return stem
