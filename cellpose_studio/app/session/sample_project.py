"""The sample project: drawn nuclei with mistakes, some of which are corrected."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from cellpose_studio.app.masks.events import Events
from cellpose_studio.app.masks.image_collection import ImageCollection
from cellpose_studio.app.masks.label_set import RUN_RESULT, LabelImage, LabelSet
from cellpose_studio.app.masks.revision_writer import RevisionWriter
from cellpose_studio.app.project.known_projects import summary_of
from cellpose_studio.app.project.project import Project
from cellpose_studio.core.edits.paint import draw_cell
from cellpose_studio.core.edits.shapes import Patch
from cellpose_studio.core.edits.split import split_by_seeds
from cellpose_studio.core.edits.whole import delete_cells, merge_cells
from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.core.provenance.revision import CellChanges, CellStatus
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.images.sample import draw_nuclei, sample_path
from cellpose_studio.io.project.file import SUFFIX

_NAME = "Sample project"
_ORIGIN = "drawn with the image, with mistakes"
_FIRST_LOOK = (
    "First look: debris deleted, a missed nucleus drawn, a nucleus in two pieces "
    "merged, one pair split."
)
_SECOND_LOOK = (
    "Second look: another pair split. One is left for you, marked “fix later”."
)
_ACCEPTED = 12
_DEBRIS = 4  # px, radius


def sample_project() -> tuple[Path, bool]:
    """Return the newest sample project, made if there is none, and whether it was made.

    For a worker.

    Raises
    ------
    CannotSave
    """
    there = _existing()
    # One that is damaged, or was not finished, is left alone.
    with suppress(StudioError, OSError):
        if there and summary_of(there[-1]).images:
            return there[-1], False
    return make_sample_project(), True


def make_sample_project() -> Path:
    """Make another sample project in the user's data folder, and return where it is.

    Its masks have mistakes such as a network makes. Two revisions with notes correct
    them; statuses say what was accepted, and what is left to do. For a worker.

    Raises
    ------
    CannotSave
    """
    folder = sample_path().parent
    number = _number(there[-1]) + 1 if (there := _existing()) else 1
    name = _NAME if number == 1 else f"{_NAME} {number}"
    project = Project.create(folder / f"{name}{SUFFIX}")
    try:
        _Sample(project).fill()
    finally:
        project.close()
    return project.path


def _existing() -> list[Path]:
    """Return the sample projects, the newest last."""
    return sorted(sample_path().parent.glob(f"{_NAME}*{SUFFIX}"), key=_number)


def _number(path: Path) -> int:
    text = path.stem.removeprefix(_NAME).strip()
    return int(text) if text.isdecimal() else 1


class _Sample:
    """Fills a project that nobody has open."""

    def __init__(self, project: Project) -> None:
        _, true = draw_nuclei()
        self._project = project
        self._writer = RevisionWriter(project)
        self._true: Labels = true.astype(np.uint32)
        self._pairs = _touching(self._true)[:3]
        paired = {cell for pair in self._pairs for cell in pair}
        table = CellTable.of(self._true)
        inside = set(table.ids().tolist()) - set(table.at_border().tolist()) - paired
        # The large ones can be told from debris, and cut in two.
        self._cut, self._missed = sorted(inside, key=table.size_of, reverse=True)[:2]

    def fill(self) -> None:
        """Write the image, its masks and what was done to them."""
        images = ImageCollection(self._project, Events())
        [image] = images.add(open_images(sample_path()))
        self._label_set = self._writer.add_label_set(image.id, RUN_RESULT)
        pixels = LabelImage(self._with_mistakes())
        masks = LabelSet(
            name=RUN_RESULT,
            pixels=pixels,
            origin=_ORIGIN,
            cells=len(pixels.cell_table()),
        )
        self._masks, _ = self._writer.record(
            self._label_set, image.id, masks, "import", "Import masks", None
        )
        labels, table = pixels.array(), pixels.cell_table()
        self._edit(delete_cells(labels, table, [self._debris]))
        self._edit(draw_cell(labels, table, self._patch(self._missed)))
        self._edit(merge_cells(labels, table, [self._cut, self._piece]))
        self._split(self._pairs[0])
        self._seal(_FIRST_LOOK)
        self._split(self._pairs[1])
        self._seal(_SECOND_LOOK)
        accepted = [*self._pairs[0], *self._pairs[1], self._cut]
        others = (cell for cell in table.ids().tolist() if cell not in accepted)
        left = self._pairs[2][0]
        accepted += [cell for cell in others if cell != left][:_ACCEPTED]
        present = [cell for cell in accepted if table.size_of(cell)]
        self._set_status("accepted", present, f"Accept {len(present)} cells")
        self._set_status("later", [left], "Fix cell later")

    def _with_mistakes(self) -> Labels:
        """Return masks in which nuclei are joined, cut, missed and invented."""
        from scipy.ndimage import distance_transform_edt

        labels = self._true.copy()
        for cell, other in self._pairs:
            labels[labels == other] = cell
        labels[labels == self._missed] = 0
        self._piece = int(labels.max()) + 1
        self._debris = self._piece + 1
        rows, _ = np.nonzero(labels == self._cut)
        below = np.arange(labels.shape[0])[:, None] > np.median(rows)
        labels[(labels == self._cut) & below] = self._piece
        # Far from everything else, with the border of the image as something else.
        far = distance_transform_edt(np.pad(self._true == 0, 1))[1:-1, 1:-1]
        y, x = np.indices(labels.shape)
        middle = np.unravel_index(int(np.argmax(far)), labels.shape)
        labels[np.hypot(y - middle[0], x - middle[1]) < _DEBRIS] = self._debris
        return labels

    def _patch(self, cell: int) -> Patch:
        box = CellTable.of(self._true).box(cell)
        return Patch(box, self._true[box] == cell)

    def _split(self, pair: tuple[int, int]) -> None:
        """Split a pair where the user would click: in the middle of each nucleus."""
        pixels = self._masks.pixels
        seeds = [np.argwhere(self._true == cell).mean(axis=0) for cell in pair]
        labels, table = pixels.array(), pixels.cell_table()
        self._edit(split_by_seeds(labels, table, pair[0], np.array(seeds)))

    def _edit(self, edit: LabelEdit) -> None:
        pixels, revision = self._masks.pixels, self._masks.revision
        assert revision is not None
        pixels.apply(edit)
        cells, highest = len(pixels.cell_table()), pixels.highest
        self._writer.edit(self._label_set, revision, edit, cells, None, highest)

    def _seal(self, note: str) -> None:
        self._masks = self._writer.seal(
            self._label_set,
            replace(self._masks, cells=len(self._masks.pixels.cell_table())),
            note,
        )

    def _set_status(self, status: CellStatus, cells: Sequence[int], text: str) -> None:
        changes = CellChanges(statuses=dict.fromkeys(cells, (None, status)))
        self._writer.change_cells(
            self._label_set, self._masks.revision, text, changes, None
        )


def _touching(labels: Labels) -> list[tuple[int, int]]:
    """Return pairs of cells that touch, no cell in two of them, the closest first."""
    beside = [
        np.stack([labels[:, :-1].ravel(), labels[:, 1:].ravel()], 1),
        np.stack([labels[:-1].ravel(), labels[1:].ravel()], 1),
    ]
    pixels = np.sort(np.concatenate(beside), axis=1)
    pixels = pixels[(pixels[:, 0] > 0) & (pixels[:, 0] != pixels[:, 1])]
    pairs, lengths = np.unique(pixels, axis=0, return_counts=True)
    found: list[tuple[int, int]] = []
    taken: set[int] = set()
    for at in np.argsort(-lengths, kind="stable"):
        one, other = map(int, pairs[at])
        if not taken & {one, other}:
            found.append((one, other))
            taken |= {one, other}
    return found
