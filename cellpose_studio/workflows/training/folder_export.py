"""Writes a training set as a folder that Cellpose's command line trains on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cellpose_studio import __version__
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import CannotSave, TrainingSetUnfit
from cellpose_studio.core.models.training import TrainingImage
from cellpose_studio.core.wording import image_count
from cellpose_studio.io.atomic import cannot_save, replacing
from cellpose_studio.paths import sha256_of
from cellpose_studio.workflows.training.folder_manifest import (
    IGNORED_FOLDER,
    MANIFEST,
    ROLE_FOLDERS,
    ExportedImage,
    FolderManifest,
    NotExported,
    read_manifest,
)
from cellpose_studio.workflows.training.project_set import SetPart

_MOST_CHANNELS = 5
"""Cellpose takes the first axis for Z if all axes are longer."""
_LONGEST_NAME = 80
_RESERVED = ("_cp_output", "_flows", "_cellprob", "_masks")
"""Ends of names that Cellpose skips, some with a number after them."""


@dataclass(frozen=True, kw_only=True)
class ExportReport:
    """What was written.

    Attributes
    ----------
    notes
        What the user has to know of it, one sentence each.
    """

    folder: Path
    manifest: FolderManifest
    notes: tuple[str, ...]

    @property
    def text(self) -> str:
        """The report in some sentences."""
        roles = [one.role for one in self.manifest.images]
        numbers = (
            f"{roles.count('train')} for training",
            f"{roles.count('validation')} for validation",
        )
        wrote = f"Wrote {image_count(len(roles))} to {self.folder.name}"
        return " ".join([f"{wrote}: {', '.join(numbers)}.", *self.notes])


def check_folder(folder: Path) -> None:
    """Raise `CannotSave` if a training set cannot be exported to a folder.

    It has to be empty, missing, or an earlier export.
    """
    try:
        is_used = folder.exists() and any(folder.iterdir())
    except OSError as error:
        raise cannot_save(folder, error) from error
    try:
        if not is_used or read_manifest(folder) is not None:
            return
    except TrainingSetUnfit as error:
        raise CannotSave(error.message, "Choose an empty folder.") from error
    raise CannotSave(
        f"The folder {folder.name} has files of its own, which Cellpose would train on "
        "as well.",
        "Choose an empty folder, or an earlier export.",
    )


def export_folder(
    folder: Path, parts: Sequence[SetPart], checkpoint: Checkpoint
) -> ExportReport:
    """Write the images of a training set with their masks, and a manifest.

    The images of an earlier export are replaced, with the flows that Cellpose has
    written beside them: it would use those in place of the new masks.

    Parameters
    ----------
    parts
        As `parts_of_project` returns them.

    Raises
    ------
    CannotSave
    TrainingSetUnfit
        If no part is for training.
    ImageUnreadable, MasksUnreadable, Cancelled
    """
    used = [part for part in parts if part.pair is not None]
    if not any(part.role == "train" for part in used):
        raise TrainingSetUnfit("No image that can be used is for training.")
    check_folder(folder)
    earlier = read_manifest(folder) if folder.exists() else None
    try:
        if earlier is not None:
            _refuse_own_files(folder, earlier, parts)
            _remove(folder, earlier.images)
        for name in ROLE_FOLDERS.values():
            (folder / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_save(folder, error) from error
    images: list[ExportedImage] = []
    notes: dict[str, None] = {}
    try:
        for n, part in enumerate(used):
            checkpoint.reached(n, len(used), "writing images")
            written, note = _write(folder, n, part)
            images.append(written)
            notes |= {note: None} if note else {}
    except BaseException:
        # Without a list of them, the folder would be refused the next time.
        with suppress(OSError):
            _discard(folder, used[: len(images) + 1])
        raise
    manifest = FolderManifest(
        created=datetime.now(UTC),
        program=f"Cellpose Studio {__version__}",
        commands=_commands(images),
        notes=(_NOTE_IGNORED, *notes),
        images=tuple(images),
        not_exported=tuple(
            NotExported(name=part.name, reason=part.reason)
            for part in parts
            if part.pair is None
        ),
    )
    with replacing(folder / MANIFEST) as file:
        file.write_text(manifest.model_dump_json(indent=1), "utf-8")
    return ExportReport(folder=folder, manifest=manifest, notes=tuple(notes))


_NOTE_IGNORED = (
    "Cellpose's command line ignores no pixels. Cells that are left out, and what is "
    "not annotated, have grey values of the background here, and no masks."
)


def _commands(images: Sequence[ExportedImage]) -> tuple[str, ...]:
    tests = any(one.role == "validation" for one in images)
    test = f" --test_dir {ROLE_FOLDERS['validation']}" if tests else ""
    several = min(len(one.channels) for one in images) > 1
    chan = "--chan 1 --chan2 2" if several else "--chan 0"
    return (
        f"cellpose --train --dir {ROLE_FOLDERS['train']}{test} "
        f"--mask_filter _masks --pretrained_model cyto3 {chan}",
    )


def _refuse_own_files(
    folder: Path, earlier: FolderManifest, parts: Sequence[SetPart]
) -> None:
    """Raise `CannotSave` if removing an earlier export would lose something.

    Raises
    ------
    OSError
        If a file cannot be read.
    """
    images = {Path(part.file).resolve() for part in parts}
    for one in earlier.images:
        image, masks = folder / one.image, folder / one.masks
        if image.resolve() in images:
            raise CannotSave(
                f"{image.name} in {folder.name} is an image of this project, which an "
                "export to the same folder would remove.",
                "Choose another folder.",
            )
        for path, known in ((image, one.image_sha256), (masks, one.masks_sha256)):
            if path.exists() and sha256_of(path) != known:
                raise CannotSave(
                    f"{path.name} in {folder.name} was changed after it had been "
                    "exported, which another export would undo.",
                    "Choose another folder.",
                )


def _remove(folder: Path, images: Sequence[ExportedImage]) -> None:
    """Remove exported images, with the flows that belong to them; raises `OSError`."""
    for one in images:
        for name in filter(None, (one.image, one.masks, one.ignored)):
            (folder / name).unlink(missing_ok=True)
        _flows_of(folder / one.image).unlink(missing_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)


def _discard(folder: Path, parts: Sequence[SetPart]) -> None:
    """Remove what was written of parts, and empty folders; raises `OSError`."""
    for n, part in enumerate(parts):
        stem = _stem(n, part)
        for name in (f"{stem}.tif", f"{stem}_masks.tif", _ignored_name(stem)):
            (folder / name).unlink(missing_ok=True)
    roles = [*ROLE_FOLDERS.values()]
    ignored = [*(f"{IGNORED_FOLDER}/{role}" for role in roles), IGNORED_FOLDER]
    for name in (*ignored, *roles):
        # One that has files of the user stays.
        with suppress(OSError):
            (folder / name).rmdir()


def _flows_of(image: Path) -> Path:
    return image.with_name(f"{image.stem}_flows.tif")


def _write(folder: Path, n: int, part: SetPart) -> tuple[ExportedImage, str]:
    """Write one image; return its row of the manifest, and a note about it."""
    pair = part.pair
    assert pair is not None
    assert part.plane is not None
    found = pair.read()
    pixels = _with_background(found)[:_MOST_CHANNELS]
    stem = _stem(n, part)
    image, masks = folder / f"{stem}.tif", folder / f"{stem}_masks.tif"
    try:
        # Those of another program would be taken in place of the masks.
        _flows_of(image).unlink(missing_ok=True)
    except OSError as error:
        raise cannot_save(image, error) from error
    _write_tiff(image, _as_stored(pixels))
    labels = found.labels
    _write_tiff(masks, labels.astype(np.uint16 if labels.max() < 2**16 else np.uint32))
    ignored = ""
    if found.ignore is not None:
        ignored = _ignored_name(stem)
        _write_png(folder / ignored, found.ignore.astype(np.uint8) * 255)
    crop = part.plane.crop
    place = [part.plane.slice.text(2, 2), str(crop) if crop is not None else ""]
    row = ExportedImage(
        image=f"{stem}.tif",
        masks=f"{stem}_masks.tif",
        ignored=ignored,
        image_sha256=sha256_of(image),
        masks_sha256=sha256_of(masks),
        role=pair.role,
        name=pair.name,
        source=pair.source,
        file=part.file,
        revision=part.revision,
        place=", ".join(filter(None, place)),
        identity=pair.identity,
        cells=pair.cells,
        left_out=part.left_out,
        ignored_share=round(part.ignored, 4),
        channels=part.channels[:_MOST_CHANNELS],
    )
    more = len(found.pixels) - _MOST_CHANNELS
    note = f"Only the first {_MOST_CHANNELS} channels are there." if more > 0 else ""
    return row, note


def _stem(n: int, part: SetPart) -> str:
    """Return the path of the image of a part in the folder, without its ending."""
    assert part.pair is not None
    return f"{ROLE_FOLDERS[part.pair.role]}/{n + 1:04}_{safe_stem(part.name)}"


def _ignored_name(stem: str) -> str:
    return f"{IGNORED_FOLDER}/{stem}.png"


def safe_stem(name: str) -> str:
    """Return a name for a file that every system and Cellpose take as an image."""
    stem = re.sub(r"\.(ome\.)?(tiff?|png|jpe?g|zarr)\b", "", name, flags=re.I)
    stem = re.sub(r"[^A-Za-z0-9.-]+", "_", stem).strip("._")[:_LONGEST_NAME]
    bare = re.sub(r"_\d$", "", stem)
    return f"{stem}_image" if not stem or bare.endswith(_RESERVED) else stem


def _with_background(image: TrainingImage) -> npt.NDArray[np.float32]:
    """Return the pixels, ignored ones with the median of the background."""
    if image.ignore is None:
        return image.pixels
    pixels = image.pixels.copy()
    background = (image.labels == 0) & ~image.ignore
    for channel in pixels:
        known = channel[background] if background.any() else channel[~image.ignore]
        # A value that there is: the mean of two whole numbers may be none.
        middle = np.percentile(known, 50, method="lower") if known.size else 0
        channel[image.ignore] = middle
    return pixels


def _as_stored(pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.generic]:
    """Return (Y, X) of one channel, else (C, Y, X); whole numbers in 16 bits."""
    stored = pixels[0] if len(pixels) == 1 else pixels
    whole = np.array_equal(stored, np.round(stored))
    fits = whole and stored.min() >= 0 and stored.max() < 2**16
    return stored.astype(np.uint16) if fits else stored


def _write_tiff(path: Path, pixels: npt.NDArray[np.generic]) -> None:
    import tifffile

    axes = "CYX" if pixels.ndim == 3 else "YX"
    with replacing(path) as file:
        tifffile.imwrite(
            file,
            pixels,
            compression="zlib",
            photometric="minisblack",
            metadata={"axes": axes},
        )


def _write_png(path: Path, pixels: npt.NDArray[np.uint8]) -> None:
    import cv2

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_save(path, error) from error
    _, data = cv2.imencode(".png", pixels)
    with replacing(path) as file:
        file.write_bytes(data.tobytes())
