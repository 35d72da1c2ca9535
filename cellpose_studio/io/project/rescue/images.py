"""Rescue of images, runs and label sets."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np

from cellpose_studio.core.errors import ProjectDamaged
from cellpose_studio.core.images.image import ImageSource, Shape
from cellpose_studio.core.provenance.record import ImageRecord, RunRecord
from cellpose_studio.io.images.referenced import ReferencedPixels
from cellpose_studio.io.project.rescue.label_sets import SavedLabelSet, saved_label_set
from cellpose_studio.io.project.rescue.masks import Masks
from cellpose_studio.io.project.rescue.salvage import Salvage
from cellpose_studio.io.project.rescue.source import Values
from cellpose_studio.io.project.tables.images import (
    StoredImage,
    image_of_row,
    write_image,
)
from cellpose_studio.io.project.tables.runs import run_of_row


class Images:
    """Intact images and runs; lost images are reconstructed from run records.

    Attributes
    ----------
    images, runs
        By id.
    lost
        Sentences about what is lost.
    """

    def __init__(self, salvage: Salvage, folder: Path) -> None:
        self._salvage = salvage
        self._folder = folder
        self.images: dict[int, StoredImage] = {}
        self.runs: dict[int, tuple[int, RunRecord]] = {}
        self.lost: list[str] = []
        self._names: set[tuple[int, str]] = set()
        salvage.rows("image", self._take_image)
        self._run_rows = salvage.rows("run", self._take_run)
        for image, record in self.runs.values():
            if image not in self.images:
                self._remake(image, record.image)

    def label_sets(self, masks: Masks) -> list[SavedLabelSet]:
        """Return all label sets, including those of which only masks are left."""
        rows = self._salvage.rows("label_set")
        saved = (saved_label_set(row) for row in rows)
        found = {label_set.id: label_set for label_set in saved}
        for number in masks.label_sets() - found.keys():
            unknown = max(self.images, default=0) + 1
            found[number] = SavedLabelSet(
                id=number, image=unknown, name=f"masks {number}", head=None
            )
        return [self._placed(found[number], masks) for number in sorted(found)]

    def save(self, db: sqlite3.Connection, folder: Path) -> None:
        """Write images and runs into a project in ``folder``."""
        for stored in self.images.values():
            write_image(db, stored, folder)
        db.executemany("INSERT INTO run VALUES (?, ?, ?, ?, ?, ?)", self._run_rows)

    def _take_image(self, row: Values) -> bool:
        try:
            stored = image_of_row(row, self._folder)
        except ProjectDamaged:
            return False
        self.images[stored.id] = stored
        return True

    def _take_run(self, row: Values) -> bool:
        number, image, _, _, text, sha256 = row
        try:
            record = run_of_row(str(text), bytes(sha256))  # type: ignore[arg-type]
        except ProjectDamaged:
            return False
        self.runs[int(number)] = (int(image), record)  # type: ignore[arg-type]
        return True

    def _placed(self, stored: SavedLabelSet, masks: Masks) -> SavedLabelSet:
        """Assign a label set to its image, by its runs if any, under a unique name."""
        runs = masks.runs_of(stored.id) & self.runs.keys()
        image = self.runs[min(runs)][0] if runs else stored.image
        if image not in self.images:
            self._make_up(image, masks.shape_of(stored.id))
        new = (image, stored.name) not in self._names
        name = stored.name if new else f"{stored.name} {stored.id}"
        self._names.add((image, name))
        return replace(stored, image=image, name=name)

    def _remake(self, number: int, record: ImageRecord) -> None:
        """Reconstruct an image from the record of a run."""
        names = tuple(f"Channel {n + 1}" for n in range(record.shape[1]))
        path = Path(record.path)
        self.images[number] = StoredImage(
            id=number,
            image=ImageSource(
                path=path,
                scene=record.scene,
                shape=record.shape,
                dtype=np.dtype(record.dtype),
                file_axes=record.axes,
                pixel_size_um=record.pixel_size_um,
                channel_names=names,
                rgb=False,
                fingerprint=record.fingerprint,
                reader=_reader(path, record.scene, record.shape, record.fingerprint),
            ),
        )
        self.lost.append(
            f"The entry of {record.name} was lost; a run record replaces it."
        )

    def _make_up(self, number: int, masks: tuple[int, ...]) -> None:
        """Create a placeholder image for the masks of a lost one."""
        t, z, y, x = (1, 1, *masks)[-4:]
        shape: Shape = (t, 1, z, y, x)
        path = self._folder / f"lost image {number}"
        self.images[number] = StoredImage(
            id=number,
            image=ImageSource(
                path=path,
                scene="",
                shape=shape,
                dtype=np.dtype(np.uint8),
                file_axes="TZYX"[-len(masks) :],
                pixel_size_um=(None, None, None),
                channel_names=("Channel 1",),
                rgb=False,
                fingerprint="",
                reader=_reader(path, "", shape, ""),
            ),
        )
        self.lost.append(f"The image of the masks of image {number} was lost.")


def _reader(path: Path, scene: str, shape: Shape, fingerprint: str) -> ReferencedPixels:
    return ReferencedPixels(path, scene, None, shape, fingerprint)
