"""Finds the images in a folder, and the masks that belong to them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from cellpose_studio.core.errors import ImageUnreadable
from cellpose_studio.io.images.reader import (
    IMAGE_SUFFIXES,
    has_image_suffix,
    is_image_path,
)
from cellpose_studio.io.masks.exchange.imagej.beside import rois_beside
from cellpose_studio.io.masks.exchange.ome.zarr_reader import label_folders
from cellpose_studio.io.masks.exchange.tracks.challenge_reader import tracks_beside
from cellpose_studio.io.masks.reader import SUFFIXES, ZARR
from cellpose_studio.io.natural_order import natural_key, sorted_files
from cellpose_studio.paths import split_name

# Endings of masks; an ending that contains another one must come first.
_CELLPOSE, _TRUE, _SESSION = "_cp_masks", "_masks", "_seg"
_ACDC, _ILASTIK = "_segm", "_Object Identities"
_ENDINGS = (_CELLPOSE, _TRUE, _SESSION, _ACDC, _ILASTIK)

_ONLY = {".npy": _SESSION, ".npz": _ACDC, ".h5": _ILASTIK}
"""The ending of masks in files of other kinds than images."""

_OME = ".ome"

_VERSION = ".v04"
"""Before ``.ome`` in the names of masks that are exported in two versions."""

# Pictures that Cellpose writes beside an image; "_outlines_cp_masks.png" among them.
_DERIVED = (
    *("_flows", "_flows_0", "_flows_1", "_flows_2", "_dP", "_cellprob", "_cp_cellprob"),
    *("_outlines", "_cp_outlines", "_cp_output"),
)

_IN_MASKS = (_TRUE, _SESSION, _ILASTIK)
"""One of them is in each name of masks."""

EXPORTED = (
    *("_cellprofiler_masks.tif", "_rois.zip", "_cells.geojson", "_qupath.geojson"),
    *("_coco.json", "_coco_polygons.json"),
)
"""Endings of masks for other programs, the preferred one first.

Commands find them beside an image, after the masks of `ImageFiles`. Opening an image
does not: they are most often the masks that it has in a project.
"""

_FOR_OTHERS = ("_cellprofiler", "_trackmate")
"""Before "_masks" in what this program exports: masks once more, images with masks."""


@dataclass(frozen=True)
class ImageFiles:
    """An image of a folder, and the files of masks that belong to it.

    True masks come first, then a ``_seg.npy``, Cellpose's ``_cp_masks``, and those of
    Cell-ACDC and ilastik, or without any of them a ``_rois.zip`` of ImageJ; labels
    inside of an OME-Zarr come before all of them, folders of the Cell Tracking
    Challenge after them.
    """

    image: Path
    masks: tuple[Path, ...]


def scan_folder(folder: Path) -> list[ImageFiles]:
    """Return the images of ``folder``, as a file manager sorts them.

    Masks, flows, outlines and hidden files are excluded.

    Raises
    ------
    ImageUnreadable
        If the folder cannot be read.
    """
    # Names, because paths are slow to make and to take apart for thousands of files.
    files = _files(folder)
    masks = _by_image(folder, files)
    names = sorted(
        (n for n, is_file in files.items() if _may_be_image(folder, n, is_file)),
        key=natural_key,
    )
    images = [folder / name for name in names]
    stems = {image.stem for image in images} if masks else set()
    return [
        ImageFiles(
            image,
            (
                *_inner_labels(image),
                *(_masks_of(image, masks, stems) or rois_beside(image, files)),
                *tracks_beside(image, files),
            ),
        )
        for image in images
    ]


def masks_in(folder: Path) -> dict[str, tuple[Path, ...]]:
    """Return the masks in ``folder`` by the name of the image they are named after.

    Those of one image stand in the order of `ImageFiles`. Of the image a.ome.tif the
    name is a, whether its masks are named after a or a.ome.

    Raises
    ------
    ImageUnreadable
        If the folder cannot be read.
    """
    named: dict[str, list[Path]] = {}
    for stem, masks in _by_image(folder, _files(folder)).items():
        named.setdefault(bare_stem(stem), []).extend(masks)
    return {stem: _ordered(masks) for stem, masks in named.items()}


def exported_masks_in(folder: Path) -> dict[str, tuple[Path, ...]]:
    """Return the masks for other programs by the name of their image, as `masks_in`.

    Raises
    ------
    ImageUnreadable
        If the folder cannot be read.
    """
    names = sorted(_files(folder), key=natural_key)
    named: dict[str, list[Path]] = {}
    for end in EXPORTED:
        for name in names:
            if name.endswith(end):
                stem = bare_stem(name.removesuffix(end))
                named.setdefault(stem, []).append(folder / name)
    return {stem: tuple(paths) for stem, paths in named.items()}


def bare_stem(stem: str) -> str:
    """Return the stem of a name without the ``.ome`` of OME-TIFF and OME-Zarr."""
    return stem[: -len(_OME)].removesuffix(_VERSION) if _ends_ome(stem) else stem


def _ends_ome(stem: str) -> bool:
    return stem.lower().endswith(_OME)


def is_masks_path(path: Path) -> bool:
    """Return whether the name of a file is that of masks."""
    return _is_masks_name(path.name)


def _is_masks_name(name: str) -> bool:
    # Of the thousands of names in a folder, most end here.
    if "_" not in name or not any(part in name for part in _IN_MASKS):
        return False
    stem, suffix = split_name(name)
    if (only := _ONLY.get(suffix.lower())) is not None:
        return stem.endswith(only)
    named = suffix.lower() in SUFFIXES
    if not named or not bare_stem(stem).endswith((_TRUE, _ILASTIK)):
        return False
    return not _image_stem(stem).endswith((*_DERIVED, *_FOR_OTHERS))


def is_derived_path(path: Path) -> bool:
    """Return whether the name of a file is that of a picture that Cellpose writes."""
    return bare_stem(path.stem).endswith(_DERIVED)


def is_prediction_path(masks: Path) -> bool:
    """Return whether the name of a file of masks is that of a model's result."""
    return bare_stem(masks.stem).endswith(_CELLPOSE)


def image_stem(masks: Path) -> str:
    """Return the name, without suffix, of the image that ``masks`` are named after."""
    return _image_stem(masks.stem)


def _image_stem(of_masks: str) -> str:
    stem = bare_stem(of_masks)
    for ending in _ENDINGS:
        if stem.endswith(ending):
            return stem.removesuffix(ending)
    return of_masks


def masks_of_image(image: Path) -> tuple[Path, ...]:
    """Return the files of masks in the folder of ``image`` that belong to it."""
    starts = (image.with_name(start + _ACDC + ".npz") for start in _starts(image.stem))
    acdc = islice((path for path in starts if path.is_file()), 1)
    beside = _ordered([*_named_after(image), *acdc])
    found = beside or rois_beside(image)
    return (*_inner_labels(image), *found, *tracks_beside(image))


def masks_named(image: Path, name: str) -> Path | None:
    """Return masks of an image that have one more name: ``a_nuclei_masks.tif``.

    Parameters
    ----------
    name
        "nuclei", or with the ending: "_nuclei_masks".
    """
    stems = dict.fromkeys((image.stem, bare_stem(image.stem)))
    named = (
        image.with_name(f"{stem}_{name.strip('_')}{ending}{suffix}")
        for stem in stems
        for ending in ("", *_ENDINGS)
        for suffix in SUFFIXES
    )
    return next((path for path in named if is_masks_path(path) and path.exists()), None)


def more_names(image: Path) -> list[str]:
    """Return the names by which `masks_named` finds masks of an image."""
    starts = [f"{stem}_" for stem in dict.fromkeys((image.stem, bare_stem(image.stem)))]
    named = (
        image_stem(path).removeprefix(start)
        for path in sorted_files(image.parent.iterdir())
        if is_masks_path(path)
        for start in starts
        if image_stem(path).startswith(start)
    )
    return [*dict.fromkeys(named)]


def more_masks(image: Path) -> tuple[Path, ...]:
    """Return the files of masks of ``image`` that `masks_of_image` passes over.

    Those of a kind of which there is another file come first, then those for other
    programs in the order of `EXPORTED`.
    """
    named = (
        image.with_name(stem + end) for end in EXPORTED for stem in _stems_of(image)
    )
    every = [*_named_after(image), *filter(Path.is_file, named)]
    first = masks_of_image(image)
    return tuple(dict.fromkeys(path for path in every if path not in first))


def _named_after(image: Path) -> list[Path]:
    named = (
        image.with_name(stem + ending + ome + suffix)
        for stem in _stems_of(image)
        for ending in _ENDINGS
        for ome in ("", _OME, _VERSION + _OME)
        for suffix in SUFFIXES
    )
    return [path for path in named if is_masks_path(path) and path.exists()]


def _stems_of(image: Path) -> list[str]:
    """Return the names after which the masks of an image may be named."""
    stems = [image.stem]
    # Masks in OME-TIFF are named so, unless they are those of an image of that name.
    if not _is_image_of(image.parent, image.stem + _OME):
        stems.append(image.stem + _OME)
    bare = bare_stem(image.stem)
    # Beside an image a.tif, the masks named after a belong to that one, not to
    # a.ome.tif.
    if bare != image.stem and not _is_image_of(image.parent, bare):
        stems.append(bare)
    return stems


def belong_together(masks: Path, stem: str) -> bool:
    """Return whether the name of masks says that they are of an image of that stem.

    Cell-ACDC names masks after a position, ``a_segm.npz``, and the images of its
    channels ``a_phase.tif``, ``a_gfp.tif``.
    """
    of = image_stem(masks)
    if bare_stem(stem) in map(bare_stem, (of, *map(of.removesuffix, _FOR_OTHERS))):
        return True
    return masks.suffix.lower() == ".npz" and stem.startswith(f"{bare_stem(of)}_")


def image_of_regions(regions: Path) -> Path | None:
    """Return the image in the same folder after which ``regions`` are named.

    Their name begins like that of the image. Of several, the longest name counts.
    """
    try:
        files = sorted_files(regions.parent.iterdir())
    except OSError:
        return None
    folder = regions.parent
    images = [p for p in files if p != regions and _may_be_image(folder, p.name)]
    begun = [path for path in images if begins_like(regions.name, bare_stem(path.stem))]
    return max(begun, key=lambda path: len(bare_stem(path.stem)), default=None)


def begins_like(name: str, stem: str) -> bool:
    """Return whether a name is a stem and something more: not a1 for a."""
    rest = name.removeprefix(stem)
    return rest != name and not rest[:1].isalnum()


def image_of_masks(masks: Path) -> Path | None:
    """Return the image in the same folder that ``masks`` are named after, if any."""
    stem = image_stem(masks)
    try:
        files = sorted_files(masks.parent.iterdir())
    except OSError:
        return None
    exact = [p for p in files if p.stem == stem]
    alike = [
        p for p in files if belong_together(masks, p.stem) or p.stem + _OME == stem
    ]
    named = (p for p in (*exact, *alike) if _may_be_image(masks.parent, p.name))
    return next(named, None)


def _files(folder: Path) -> dict[str, bool]:
    """Return the names in ``folder``, and whether each is known to be a plain file."""
    try:
        # The listing tells the kind, so that no file of thousands is asked for it.
        with os.scandir(folder) as entries:
            # Hidden files include unfinished ones, and those named ._a.tif that macOS
            # leaves on drives of other systems.
            return {
                entry.name: entry.is_file(follow_symlinks=False)
                for entry in entries
                if not entry.name.startswith(".")
            }
    except OSError as error:
        raise ImageUnreadable(
            f"The folder {folder.name} cannot be read: {error.strerror}."
        ) from error


def _is_image_of(folder: Path, stem: str) -> bool:
    """Return whether there is an image of exactly that name, whatever its suffix."""
    names = (folder / f"{stem}{suffix}" for suffix in IMAGE_SUFFIXES)
    return any(path.exists() for path in names)


def _masks_of(
    image: Path, masks: dict[str, tuple[Path, ...]], stems: Collection[str]
) -> tuple[Path, ...]:
    """Return masks beside an image; those of a are not of a.ome.tif beside a.tif."""
    if not masks:
        return ()
    stem = image.stem
    bare = bare_stem(stem)
    found = list(masks.get(stem, ()))
    # Masks in OME-TIFF are named so, and so are those of an image in OME-TIFF.
    if stem + _OME not in stems:
        found += masks.get(stem + _OME, ())
    if bare not in stems:
        found += masks.get(bare, ())
    positions = (masks.get(start, ()) for start in _starts(stem))
    acdc = (p for of in positions for p in of if p.suffix.lower() == ".npz")
    found += islice(acdc, 1)
    # Most images of a large folder have none yet.
    return _ordered(found) if found else ()


def _starts(stem: str) -> Iterator[str]:
    """Yield what a name begins with, up to each underscore, the longest first."""
    while "_" in stem:
        stem = stem.rpartition("_")[0]
        yield stem


def _inner_labels(image: Path) -> tuple[Path, ...]:
    return tuple(label_folders(image)) if image.name.lower().endswith(ZARR) else ()


def _by_image(folder: Path, files: Iterable[str]) -> dict[str, tuple[Path, ...]]:
    masks: dict[str, list[Path]] = {}
    for path in sorted_files(folder / name for name in files if _is_masks_name(name)):
        masks.setdefault(image_stem(path), []).append(path)
    return {stem: _ordered(paths) for stem, paths in masks.items()}


def _may_be_image(folder: Path, name: str, is_file: bool = False) -> bool:
    # Names of masks and of what Cellpose writes have an underscore.
    if "_" in name:
        if _is_masks_name(name):
            return False
        if bare_stem(split_name(name)[0]).endswith((*_DERIVED, _TRUE)):
            return False
    if is_file:
        return has_image_suffix(name)
    return is_image_path(folder / name)


def _ordered(masks: Iterable[Path]) -> tuple[Path, ...]:
    """Return one file of each kind; TIFF has priority over PNG, which limits ids."""
    by_kind: dict[str, Path] = {}
    for path in sorted(masks, key=lambda p: (SUFFIXES.index(p.suffix.lower()), p.name)):
        by_kind.setdefault(bare_stem(path.stem).removeprefix(image_stem(path)), path)
    order = (_TRUE, _SESSION, _CELLPOSE, _ACDC, _ILASTIK)
    return tuple(by_kind[kind] for kind in order if kind in by_kind)
