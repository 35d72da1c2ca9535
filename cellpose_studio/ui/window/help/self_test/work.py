"""Checks of a user's work: run, correct, undo, export, save, open, repeat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.masks.labels import cell_count
from cellpose_studio.io.images.sample import draw_nuclei
from cellpose_studio.io.masks.export_formats import FORMATS, OUTLINES
from cellpose_studio.io.project.file import SUFFIX
from cellpose_studio.ui.window.help.self_test.stage import Stage
from cellpose_studio.workflows.self_test.check import CheckFailed, Found, Place

_LEAST_PRECISION = 0.7
"""Of the cells at IoU 0.5; the shipped model reaches 0.9 on the sample."""

_BRUSH = 9
_STROKE = 6
_ROOM = _BRUSH + _STROKE

Labels = npt.NDArray[np.uint32]


def check_segmentation(stage: Stage, _: Place) -> Found:
    """Run the first model, and compare the cells with the true ones."""
    from cellpose_studio.engine.evaluation import agreement

    window = stage.window
    # The devices are known once torch is loaded, which the warm-up does.
    if window.run() is None:
        raise CheckFailed("The run did not start.")
    stage.wait_idle("The run")
    labels = stage.labels
    same = agreement(labels, draw_nuclei()[1]).precision[0]
    if not same >= _LEAST_PRECISION:
        raise CheckFailed(
            f"The masks are wrong: {cell_count(labels)} cells, precision {same:.2f}."
        )
    return Found(f"{cell_count(labels)} cells, precision {same:.2f}")


def check_edits(stage: Stage, _: Place) -> Found:
    """Draw a cell with the brush, by the mouse; delete another one."""
    before, tools = stage.labels, stage.window.tools
    y, x = _free_place(before)
    tools.take("brush")
    tools.set_size(_BRUSH)
    stage.drag((y, x + step) for step in range(-_STROKE, _STROKE + 1, 2))
    stage.wait_idle("The stroke")
    drawn = stage.labels
    new = int(drawn[y, x])
    if not new or cell_count(drawn) != cell_count(before) + 1:
        raise CheckFailed("The brush has drawn no cell.")
    tools.take("select")
    other = int(before.max())
    tools.context.choose(other)
    tools.delete()
    stage.wait_idle("The edit")
    stage.wait(lambda: not (stage.labels == other).any(), "The edit")
    size = int((drawn == new).sum())
    return Found(f"A cell of {size} pixels was drawn, and another one deleted")


def check_undo(stage: Stage, _: Place) -> Found:
    """Undo both edits, and redo them."""
    session, edited = stage.window.session, stage.labels
    counts = [cell_count(edited)]
    for act in (session.undo, session.undo, session.redo, session.redo):
        act()
        stage.wait_idle("Undo")
        counts.append(cell_count(stage.labels))
    n = counts[0]
    if counts != [n, n + 1, n, n + 1, n] or not np.array_equal(stage.labels, edited):
        raise CheckFailed(f"The masks are not the same again: {counts} cells.")
    return Found("Two edits were undone, and done again")


def check_export(stage: Stage, place: Place) -> Found:
    """Export in all formats for single planes, and read the files."""
    folder, labels = place.folder / "export", stage.labels
    axes = stage.image.source.label_axes
    forms = [form for form in FORMATS.values() if not form.reason_unfit(axes)]
    stage.window.saver.save([stage.image], [form.name for form in forms], folder)
    stage.wait_idle("The export")
    base = folder / stage.image.source.path.stem
    wrong = [
        f"{form.path(base).name}: {reason}"
        for form in forms
        if (reason := difference(form.path(base), labels))
    ]
    if wrong:
        raise CheckFailed(f"Exported, but not the same: {'; '.join(wrong)}.")
    names = ", ".join(form.name for form in forms)
    return Found(f"{names} were written and read")


def check_project(stage: Stage, place: Place) -> Found:
    """Save the project, close it, open it, and compare the masks."""
    window, labels = stage.window, stage.labels
    path = project_path(place)
    window.projects.save_as(path)
    stage.wait_idle("The project")
    window.projects.close()
    stage.wait_idle("The project")
    if window.session.shown is not None:
        raise CheckFailed("The project was not closed.")
    window.open([path])
    stage.wait(lambda: window.session.shown is not None, "The project")
    stage.wait_idle("The masks")
    if not np.array_equal(stage.labels, labels):
        raise CheckFailed("The masks are not those that were saved.")
    size = path.stat().st_size
    return Found(f"{cell_count(labels)} cells are the same, {size / 1000:,.0f} kB")


def check_replay(stage: Stage, place: Place) -> Found:
    """Repeat the run of the project."""
    from cellpose_studio.workflows.provenance.replay import ReplayResult, replay

    masks = stage.image.masks
    if masks is None or masks.revision is None:
        raise CheckFailed("The image has no masks of a run.")
    revision, path = masks.revision.id, project_path(place)
    results: list[ReplayResult] = []

    def work(checkpoint: Checkpoint) -> ReplayResult:
        return replay(path, revision, checkpoint)

    stage.window.services.run("Repeating the run", work, results.append)
    stage.wait_idle("The replay")
    if not results:
        raise CheckFailed("The run was not repeated.")
    text = " ".join(results[0].sentences)
    if not results[0].identical:
        raise CheckFailed(text)
    return Found(text)


def project_path(place: Place) -> Path:
    """Return the file that the project is saved as."""
    return place.folder / f"check{SUFFIX}"


def _free_place(labels: Labels) -> tuple[int, int]:
    """Return a pixel with room for a stroke around it, near the middle."""
    from scipy.ndimage import maximum_filter

    taken = maximum_filter(labels, 2 * _ROOM + 1)
    taken[:_ROOM] = taken[-_ROOM:] = 1
    taken[:, :_ROOM] = taken[:, -_ROOM:] = 1
    places = np.argwhere(taken == 0)
    if not len(places):
        raise CheckFailed("The masks leave no room to draw a cell.")
    middle = np.array(labels.shape) / 2
    y, x = places[np.argmin(((places - middle) ** 2).sum(1))]
    return int(y), int(x)


def difference(path: Path, labels: Labels) -> str:
    """Return in what an exported file differs from the masks; empty if it does not."""
    from cellpose_studio.io.masks.exchange.extent import ImageExtent
    from cellpose_studio.io.masks.reader import read_masks

    if not path.exists():
        return "it is missing"
    count = cell_count(labels)
    if path.name.endswith(OUTLINES.ending):
        found = len(path.read_text(encoding="ascii").splitlines())
    else:
        extent = ImageExtent.of_labels(labels.shape, "TZYX"[-labels.ndim :])
        read = read_masks(path, extent).labels
        if not np.array_equal(read > 0, labels > 0):
            return "other pixels belong to cells"
        found = cell_count(read)
    return "" if found == count else f"{found} cells instead of {count}"
