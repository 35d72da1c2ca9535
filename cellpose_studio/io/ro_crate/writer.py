"""Writes masks with their provenance as an RO-Crate.

The metadata follow RO-Crate 1.1 and the Process Run Crate profile 0.5: the run is a
CreateAction, whose instrument is the software, whose objects are the image, the model
and the parameters, and whose results are the masks.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cellpose_studio.core.errors import CannotSave
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.labels import cell_count
from cellpose_studio.core.models.card import ModelCard
from cellpose_studio.core.provenance.classes.class_work import ClassWork
from cellpose_studio.core.provenance.hand_work import NO_HAND_WORK, HandWork
from cellpose_studio.core.provenance.record import RunRecord
from cellpose_studio.core.recipes import as_json, as_methods
from cellpose_studio.io.atomic import replacing
from cellpose_studio.io.masks.export import save_all
from cellpose_studio.io.ro_crate.class_files import write_classes
from cellpose_studio.io.ro_crate.metadata import Content, metadata
from cellpose_studio.io.temporary import remove_leftovers_sometimes, temporary_name
from cellpose_studio.paths import real_path

METADATA = "ro-crate-metadata.json"
RECORD = "run-record.json"
METHODS = "methods.txt"

_ZIP = ".zip"


def write_ro_crate(
    path: Path,
    record: RunRecord,
    labels: Labels,
    image: ImageSource,
    hand: HandWork = NO_HAND_WORK,
    author: str = "",
    licence: str = "",
    card: ModelCard | None = None,
    with_image: bool = False,
    classes: ClassWork | None = None,
) -> None:
    """Write an RO-Crate: a zip file if ``path`` ends in .zip, else a folder.

    Parameters
    ----------
    labels
        The masks, of the ``label_shape`` of ``image``.
    hand
        What was done by hand before and after the run.
    author
        Author of the masks.
    licence
        Licence of the masks: a URL, or a name; empty if unknown.
    card
        Card of the model, if it has one.
    with_image
        Include a copy of the image's file; otherwise the crate refers to it.
    classes
        The classes of cells: a table and the records of classifiers come with them.

    Raises
    ------
    CannotSave
        Also if a folder of that name is not empty.
    """
    with _crate(path) as folder:
        save_all(folder / image.path.stem, labels, None, ["tif"], image=image)
        cells = cell_count(labels)
        _write(folder / RECORD, as_json(record, hand))
        _write(folder / METHODS, as_methods(record, hand, card, cells, classes))
        if classes is not None:
            write_classes(folder, classes, labels)
        if with_image:
            _copy(image.path, folder)
        # The list is made before the metadata are written, which do not describe
        # themselves.
        names = sorted(file.name for file in folder.iterdir())
        content = Content(
            record=record,
            image=image.path.name if with_image else real_path(image.path).as_uri(),
            files={name: (folder / name).stat().st_size for name in names},
            hand=hand,
            author=author,
            licence=licence,
            classes=classes.text if classes is not None else "",
        )
        text = json.dumps(metadata(content), indent=2, ensure_ascii=False)
        _write(folder / METADATA, f"{text}\n")


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


def _copy(file: Path, folder: Path) -> None:
    if file.is_dir():
        raise CannotSave(
            f"{file.name} is a folder, which is not copied into an RO-Crate.",
            "Leave the image out: the crate contains its location.",
        )
    shutil.copyfile(file, folder / file.name)


@contextmanager
def _crate(path: Path) -> Iterator[Path]:
    """Yield a folder to write to, and turn it into the crate at ``path`` afterwards."""
    if path.suffix.lower() == _ZIP:
        with replacing(path) as part, tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
            _pack(Path(folder), part)
        return
    try:
        # A file dialog may have created an empty folder for the crate.
        if path.exists() and any(path.iterdir()):
            raise CannotSave(f"{path.name} is not empty.", "Choose another name.")
        remove_leftovers_sometimes(path.parent)
        # Within one file system, a rename shows the finished crate as a whole or not at
        # all.
        with tempfile.TemporaryDirectory(
            prefix=temporary_name("saving"), dir=path.parent
        ) as temporary:
            # The inner folder becomes the crate, and the outer one is removed
            # afterwards.
            made = Path(temporary) / path.name
            made.mkdir()
            yield made
            # Windows cannot rename a folder to the name of another one, even of an
            # empty one.
            if path.exists():
                path.rmdir()
            made.rename(path)
    except OSError as error:
        raise CannotSave(
            f"{path.name} could not be saved: {error.strerror or error}.",
            "Choose another folder.",
        ) from error


def _pack(folder: Path, part: Path) -> None:
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
