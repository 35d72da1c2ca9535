"""Measure the project file beside Cellpose's _seg.npy; see docs/benchmarks.md.

python tests/bench/project.py [--sizes 1024 4096 8192] [--folder FOLDER]

Everything happens in one thread, as the application's writer does it.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import numpy.typing as npt
import tifffile

from cellpose_studio.core.masks.chunks import chunk
from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.core.masks.snapshot import Snapshot
from cellpose_studio.core.provenance.revision import JournalEntry, LabelRevision
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.masks.seg_npy import write_seg
from cellpose_studio.io.project.file import ProjectFile, create_project, open_project
from cellpose_studio.io.project.save_as import save_as
from cellpose_studio.io.project.tables import journal, label_chunks, revisions
from cellpose_studio.io.project.tables.images import (
    StoredImage,
    read_image_table,
    write_image,
)

Labels = npt.NDArray[np.uint32]

STEP = 36
"""Pixels from cell to cell: 8192² has 51,529 cells."""
EDITS, SEALS, OTHERS = 60, 10, 5
NOW = datetime.now(UTC)


@dataclass
class Times:
    """Seconds of an action, and bytes that the file grew by each time."""

    action: str
    seconds: list[float] = field(default_factory=list)
    grown: list[int] = field(default_factory=list)

    @contextmanager
    def once(self, size: Callable[[], int] = lambda: 0) -> Iterator[None]:
        before, start = size(), perf_counter()
        yield
        self.seconds.append(perf_counter() - start)
        self.grown.append(size() - before)

    def row(self, shape: int) -> str:
        p50, p95 = (1000 * n for n in np.percentile(self.seconds, (50, 95)))
        grown = float(np.mean(self.grown))
        size = f"{grown / 1e6:,.3f}" if grown else ""
        return f"| {shape:,}² | {self.action} | {p50:,.1f} | {p95:,.1f} | {size} |"


def cells(side: int) -> Labels:
    """Return round cells on a grid."""
    count = side // STEP
    y, x = np.indices((STEP, STEP)) - STEP / 2
    disc = (np.hypot(y, x) < STEP / 2 - 2).astype(np.uint32)
    ids = np.arange(1, count * count + 1, dtype=np.uint32).reshape(count, count)
    found = np.zeros((side, side), np.uint32)
    found[: count * STEP, : count * STEP] = np.kron(ids, disc)
    return found


def measured(side: int, folder: Path) -> list[Times]:
    """Do everything with an image of ``side``² pixels."""
    pixels = cells(side)
    tifffile.imwrite(folder / "a.tif", (pixels % 251).astype(np.uint8))
    image = open_images(folder / "a.tif")[0]
    path = folder / "a.cpstudio"
    file = create_project(path)
    write_image(file.db, StoredImage(id=1, image=image), folder)
    revisions.write_label_set(file.db, 1, 1, "cells")
    times = [
        first_masks(file, pixels),
        *edits(file, pixels),
        switched(file),
    ]
    file.close()
    times += [opened(path), read(path, pixels), saved_as(path)]
    times.append(seg_npy(folder, image.path, cells(side)))
    return times


def transaction(file: ProjectFile, *changes: Callable[[], None]) -> None:
    file.db.execute("BEGIN IMMEDIATE")
    for change in changes:
        change()
    file.db.execute("COMMIT")


def first_masks(file: ProjectFile, pixels: Labels) -> Times:
    times = Times("the masks of a run: all chunks")
    revision = LabelRevision(
        id=1,
        label_set=1,
        parent=None,
        kind="run",
        created=NOW,
        origin="nuclei-small",
        shape=pixels.shape,
        cells=9,
    )
    with times.once(lambda: size_of(file)):
        transaction(
            file,
            lambda: revisions.write_revision(file.db, revision),
            lambda: label_chunks.write_labels(file.db, 1, Snapshot(pixels)),
            lambda: revisions.set_head(file.db, 1, 1, 9),
        )
    return times


def edits(file: ProjectFile, pixels: Labels) -> tuple[Times, Times]:
    """Delete and draw cells; make a revision of every few edits."""
    commits, seals = Times("an edit: one cell"), Times("a revision of 6 edits")
    random = np.random.default_rng(0)
    places = set()
    for n in range(1, EDITS + 1):
        y, x = (int(random.integers(length - STEP)) for length in pixels.shape)
        region = (slice(y, y + STEP), slice(x, x + STEP))
        after = np.full((STEP, STEP), 10**6 + n, np.uint32)
        edit = edit_between("Draw cell", [n], pixels, region, after)
        edit.apply(pixels)
        places |= edit.chunk_indices
        base = 1 + (n - 1) // (EDITS // SEALS)
        entry = JournalEntry(
            id=n,
            label_set=1,
            base=base,
            operation=edit.operation,
            cells=edit.cells,
            time=NOW,
        )
        with commits.once(lambda: size_of(file)):
            transaction(
                file,
                lambda: journal.write_entry(file.db, entry, edit.parts),  # noqa: B023
                lambda: revisions.set_cells(file.db, 1, 9),
            )
        if n % (EDITS // SEALS) == 0:
            with seals.once(lambda: size_of(file)):
                transaction(file, lambda: seal(file, base, pixels, sorted(places)))  # noqa: B023
            places = set()
    return commits, seals


def seal(file: ProjectFile, base: int, pixels: Labels, places: list) -> None:
    revision = LabelRevision(
        id=base + 1,
        label_set=1,
        parent=base,
        kind="edit",
        created=NOW,
        origin="nuclei-small",
        shape=pixels.shape,
        cells=9,
    )
    revisions.write_revision(file.db, revision)
    label_chunks.copy_chunks(file.db, revision.id, base, places)
    parts = (label_chunks.pack_chunk(place, chunk(pixels, place)) for place in places)
    label_chunks.write_chunks(file.db, revision.id, parts)
    journal.seal(file.db, 1, base, revision.id)
    revisions.set_head(file.db, 1, revision.id, 9)


def switched(file: ProjectFile) -> Times:
    times = Times("an earlier revision made the head")
    for n in range(OTHERS):
        with times.once():
            transaction(file, lambda n=n: revisions.set_head(file.db, 1, n + 1, 9))
    transaction(file, lambda: revisions.set_head(file.db, 1, SEALS + 1, 9))
    return times


def opened(path: Path) -> Times:
    times = Times("opening the project")
    for _ in range(OTHERS):
        with times.once():
            file = open_project(path)
            read_image_table(file.db, path.parent)
            revisions.read_label_sets(file.db)
        file.close()
    return times


def read(path: Path, pixels: Labels) -> Times:
    times = Times("reading the masks, checked")
    with closing(open_project(path)) as file:
        for _ in range(OTHERS):
            with times.once():
                found = label_chunks.read_labels(file.db, SEALS + 1, pixels.shape)
        assert np.array_equal(found, pixels)
    return times


def saved_as(path: Path) -> Times:
    times = Times("saving the project under another name")
    copy = path.with_stem("copy")
    with closing(open_project(path)) as file:
        for _ in range(OTHERS):
            with times.once():
                new = save_as(file, copy)
            new.close()
            times.grown[-1] = copy.stat().st_size
            copy.unlink()
    return times


def seg_npy(folder: Path, image: Path, pixels: Labels) -> Times:
    """Write what Cellpose's GUI writes after every single edit."""
    times = Times("_seg.npy: after each edit")
    path = folder / "a_seg.npy"
    for _ in range(OTHERS):
        with times.once():
            write_seg(path, pixels, None, image, {})
            with path.open("rb+") as file:
                os.fsync(file.fileno())
        times.grown[-1] = path.stat().st_size
    return times


def size_of(file: ProjectFile) -> int:
    """Return the bytes of the database, those that are still in the log included."""
    pages = file.db.execute("PRAGMA page_count").fetchone()[0]
    return pages * file.db.execute("PRAGMA page_size").fetchone()[0]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1024, 4096, 8192])
    parser.add_argument("--folder", type=Path, help="where to write")
    options = parser.parse_args(arguments)
    print("| image | action | p50, ms | p95, ms | MB added or written |")
    print("|---|---|---|---|---|")
    for side in options.sizes:
        with TemporaryDirectory(dir=options.folder) as folder:
            for times in measured(side, Path(folder)):
                print(times.row(side), flush=True)


if __name__ == "__main__":
    main()
