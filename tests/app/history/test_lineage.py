"""The history of masks: what follows from what, and what is told of each step."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cellpose_studio.app.history.comparison import KEPT, Side, compared
from cellpose_studio.app.history.lineage import Present, lineage
from cellpose_studio.app.history.lineage_reader import LineageReader, when_local
from cellpose_studio.app.history.parameter_changes import changes_between
from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.core.display.label_picture import OUTLINE
from cellpose_studio.core.edits.whole import delete_cells
from cellpose_studio.core.matching.compare import ADDED, REMOVED, UNCHANGED
from cellpose_studio.core.provenance.revision import JournalEntry, LabelRevision
from cellpose_studio.core.runs.parameters import Normalization, SegmentationParameters
from cellpose_studio.io.images.reader import open_images
from tests.records import UNET, run_record

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
PARAMETERS = SegmentationParameters(diameter=30.0)


def at(number):
    return START + timedelta(minutes=number)


def revision(number, parent=None, kind="run", parameters=PARAMETERS, run=1):
    return LabelRevision(
        id=number,
        label_set=1,
        parent=parent,
        kind=kind,
        created=at(number),
        origin="from a_masks.tif" if kind == "import" else "",
        shape=(8, 8),
        cells=number,
        run=run,
        parameters=parameters,
    )


def entry(
    number, base, undoes=None, head=None, sealed=None, what="Delete cell", pixels=True
):
    return JournalEntry(
        id=number,
        label_set=1,
        base=base,
        operation=what,
        cells=(7,),
        time=at(number),
        undoes=undoes,
        head=head,
        sealed=sealed,
        pixels=pixels and head is None,
    )


def record(model="cyto lite", outcome="finished", started=START, message=""):
    return run_record(
        model=UNET.model_copy(update={"name": model, "title": model, "sha256": model}),
        parameters=PARAMETERS,
        started=started,
        outcome=outcome,
        message=message,
    )


def tree(head, revisions, journal=(), records=None, failed=()):
    records = {1: record()} if records is None else records
    return lineage(Present("cells", 1, head), revisions, journal, records, failed)


def ids(steps):
    """Return the ids of steps, with those below in a list behind; None for a run."""
    found = []
    for step in steps:
        found.append(step.revision.id if step.revision else None)
        if step.below:
            found.append(ids(step.below))
    return found


def test_what_follows_one_from_another_is_one_line_with_the_newest_first():
    revisions = [revision(n, n - 1 or None) for n in range(1, 201)]
    found = tree(200, revisions)
    assert ids(found.line) == list(range(200, 0, -1))
    assert found.step_of(77).revision is revisions[76]


def test_undoing_moves_the_head_and_leaves_the_line_as_it_is():
    revisions = [revision(1), revision(2, 1), revision(3, 2)]
    assert ids(tree(1, revisions).line) == [3, 2, 1]
    assert tree(1, revisions).head == 1


def test_what_was_left_behind_goes_in_where_it_left():
    revisions = [
        revision(1),
        revision(2, 1),
        revision(3, 2),
        revision(4, 1),
        revision(5, 1),
        revision(6, 5),
    ]
    assert ids(tree(6, revisions).line) == [6, 5, 1, [4, 3, 2]]
    assert ids(tree(3, revisions).line) == [3, 2, 1, [6, 5, 4]]
    assert [s.revision.id for s in tree(6, revisions).steps()] == [6, 5, 1, 4, 3, 2]


def test_masks_that_were_undone_at_the_start_are_lines_of_their_own():
    found = tree(3, [revision(1), revision(2, 1), revision(3)])
    assert ids(found.line) == [3]
    assert ids(found.others) == [2, 1]


def test_without_masks_the_newest_line_is_told():
    found = tree(None, [revision(1), revision(2)])
    assert ids(found.line) == [2]
    assert found.head is None
    assert tree(None, []).line == ()


def test_a_damaged_file_does_not_lead_in_circles():
    assert ids(tree(2, [revision(1, 2), revision(2, 1)]).line) == [2, 1]


def test_runs_without_masks_are_leaves_where_they_happened():
    failed = [
        record(outcome="failed", started=at(2.5), message="no memory"),
        record(outcome="cancelled", started=at(0)),
    ]
    found = tree(3, [revision(1), revision(2, 1), revision(3, 2)], failed=failed)
    assert ids(found.line) == [3, 2, [None], 1, None]
    assert found.line[1].below[0].record.message == "no memory"


def test_a_step_tells_what_is_other_than_before():
    other = PARAMETERS.model_copy(update={"flow_threshold": 0.6})
    larger = other.model_copy(update={"diameter": 45.0})
    journal = [entry(1, 4, head=5, what="Restore revision 1")]
    revisions = [
        revision(1),
        revision(2, 1, "threshold", other),
        revision(3, 2, "run", larger, 2),
        revision(4, 3, "run", larger, 3),
        revision(5, 4, "restore", PARAMETERS),
    ]
    records = {1: record(), 2: record(), 3: record("nuclei")}
    found = tree(5, revisions, journal, records)
    assert [step.changes for step in reversed(found.line)] == [
        ("cyto lite", "Diameter 30 px"),
        ("Flow threshold 0.4 → 0.6",),
        ("Diameter 30 → 45 px",),
        ("nuclei",),
        ("from revision 1",),
    ]


def test_the_first_run_after_an_import_is_told_in_full():
    revisions = [revision(1, kind="import", run=None), revision(2, 1)]
    found = tree(2, revisions)
    assert found.line[0].changes == ("cyto lite", "Diameter 30 px")
    assert found.line[1].changes == ("from a_masks.tif",)


def test_changes_are_told_in_the_words_of_the_panel():
    after = PARAMETERS.model_copy(
        update={
            "diameter": None,
            "do_3D": True,
            "batch_size": 1,
            "normalization": Normalization(percentile=(2, 98)),
        }
    )
    assert changes_between(PARAMETERS, after) == (
        "Diameter 30 → automatic px",
        "Run as 3D off → on",
        "Percentiles 1, 99 → 2, 98",
    )
    assert changes_between(PARAMETERS, None) == ()
    other = PARAMETERS.model_copy(update={"channels": (2, None)})
    both = other.model_copy(update={"channels": (0, 3)})
    assert changes_between(PARAMETERS, other, ("DAPI", "GFP")) == (
        "Channels automatic → GFP",
    )
    assert changes_between(other, both) == ("Channels 2 → grey, 3",)


def test_edits_that_were_taken_back_do_not_count():
    journal = [
        entry(1, 1, sealed=2),
        entry(2, 1, sealed=2),
        entry(3, 1, undoes=2, sealed=2),
        entry(4, 2),
        entry(5, 2),
        entry(6, 2, undoes=5),
    ]
    found = tree(2, [revision(1), revision(2, 1, "edit")], journal)
    assert [e.id for e in found.line[0].edits] == [1]
    assert [e.id for e in found.open_edits] == [4]


def test_taking_the_first_masks_away_is_no_edit():
    journal = [
        entry(1, None, head=1),
        entry(2, 1, undoes=1, pixels=False),
        entry(3, None, undoes=2, head=1),
    ]
    assert tree(1, [revision(1)], journal).open_edits == ()


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (datetime(2026, 3, 4, 14, 2), "14:02"),
        (datetime(2026, 2, 4, 14, 2), "4 Feb 14:02"),
        (datetime(2025, 12, 31, 14, 2), "31 Dec 2025"),
    ],
)
def test_a_time_is_as_short_as_it_can_be(time, words):
    now = datetime(2026, 3, 4, 18).astimezone()
    assert when_local(time.astimezone(UTC), now) == words


# From the project


@pytest.fixture
def told(session, queue):
    """Return what a reader that is looked at has told."""
    reader = LineageReader(session, queue)
    found = []
    reader.changed.connect(found.append)
    reader.look(True)
    found.append(None)
    yield found
    reader.look(False)


def masks(*cells, name="cells"):
    pixels = np.zeros((32, 32), np.uint32)
    for cell in cells:
        pixels[4 * cell : 4 * cell + 3, 4:12] = cell
    return LabelSet(name=name, pixels=LabelImage(pixels), origin="", cells=len(cells))


@pytest.fixture
def image(session, cells):
    [image] = session.add(open_images(cells("a.tif", (32, 32))))
    session.show(image.source.key)
    return image


def test_the_history_follows_the_work(session, told, image, qtbot):
    session.replace_masks(image, masks(1, 2), "Run")
    qtbot.waitUntil(lambda: told[-1] is not None and bool(told[-1].lineages))
    assert ids(told[-1].lineages[0].line) == [1]
    assert told[-1].thumbnails[1].shape == (32, 32, 3)
    pixels = image.masks.pixels
    session.edit(image, delete_cells(pixels.array(), pixels.cell_table(), [1]))
    qtbot.waitUntil(lambda: bool(told[-1].lineages[0].open_edits))
    [edit] = told[-1].lineages[0].open_edits
    assert (edit.operation, edit.cells) == ("Delete cell", (1,))
    # It was told before.
    assert told[-1].thumbnails == {}
    session.replace_masks(image, masks(3), "Run")
    qtbot.waitUntil(lambda: ids(told[-1].lineages[0].line) == [3, 2, 1])
    assert told[-1].lineages[0].head == 3
    session.undo()
    qtbot.waitUntil(lambda: told[-1].lineages[0].head == 2)


def test_another_image_never_has_the_history_of_the_one_before(
    session, told, image, cells, qtbot
):
    [other] = session.add(open_images(cells("b.tif", (32, 32))))
    session.replace_masks(image, masks(1), "Run")
    session.replace_masks(other, masks(1, 2), "Run")
    for _ in range(5):
        session.show(other.source.key)
        assert told[-1] is None
        qtbot.wait(7)
        session.show(image.source.key)
        assert told[-1] is None
    seen = len(told)
    qtbot.waitUntil(lambda: told[-1] is not None)
    assert {t.image for t in told[seen:] if t} == {image}


def test_the_label_set_that_is_shown_comes_first(session, told, image, qtbot):
    session.replace_masks(image, masks(1, name="nuclei"), "Run")
    session.replace_masks(image, masks(1), "Run")
    qtbot.waitUntil(lambda: told[-1] is not None and len(told[-1].lineages) == 2)
    assert [one.name for one in told[-1].lineages] == ["cells", "nuclei"]
    session.choose_label_set(image, "nuclei")
    qtbot.waitUntil(lambda: told[-1].lineages[0].name == "nuclei")


def test_a_run_that_failed_is_told_before_there_are_masks(session, told, image, qtbot):
    session.record_run(image, record(outcome="failed"))
    qtbot.waitUntil(lambda: told[-1] is not None and bool(told[-1].lineages))
    [one] = told[-1].lineages
    assert (one.name, one.label_set, one.head) == ("cells", None, None)
    assert ids(one.line) == [None]


# Comparing


def test_a_comparison_has_the_edits_that_are_in_no_revision(session, image):
    session.replace_masks(image, masks(1, 2, 3), "Run")
    first = image.masks.revision
    pixels = image.masks.pixels
    session.edit(image, delete_cells(pixels.array(), pixels.cell_table(), [2]))
    project = session.project
    found = compared(project, Side(first), Side(first, with_edits=True))
    assert found.comparison.removed.tolist() == [2]
    assert found.picture[9, 6] == REMOVED
    assert found.picture[8, 6] == REMOVED | OUTLINE
    assert found.picture[5, 6] == UNCHANGED
    assert found.before.words == "revision 1"
    assert found.after.words == "now"


def test_of_a_cell_that_changed_the_picture_tells_which_pixels(session, image):
    old, new = masks(1), masks(5)
    session.replace_masks(image, old, "Run")
    before = image.masks.revision
    new.array[...] = 0
    new.array[4:7, 4:16] = 9
    new.array[20:24, 20:24] = 5
    session.replace_masks(image, new, "Run")
    found = compared(session.project, Side(before), Side(image.masks.revision))
    assert found.comparison.changed.tolist() == [[1, 9]]
    assert found.picture[5, 6] == KEPT
    assert found.picture[5, 13] == 4
    assert found.picture[21, 21] == ADDED


# What was undone


def sealed(number, parent):
    return revision(number, parent, kind="edit")


def test_after_an_undo_the_masks_before_are_those_shown():
    revisions = [revision(1), sealed(2, 1)]
    journal = [entry(1, 1, sealed=2), entry(2, 2, undoes=1)]
    found = tree(2, revisions, journal)
    assert (found.head, found.open_edits) == (1, ())
    assert ids(found.line) == [2, 1]
    redone = tree(2, revisions, [*journal, entry(3, 2, undoes=2)])
    assert (redone.head, redone.open_edits) == (2, ())


def test_a_revision_without_edits_is_not_listed():
    revisions = [revision(1), sealed(2, 1), sealed(3, 2), sealed(4, 3)]
    journal = [
        entry(1, 1, sealed=2),
        entry(2, 2, undoes=1, sealed=3),
        entry(3, 3, sealed=4),
    ]
    assert ids(tree(3, revisions[:3], journal[:2]).line) == [2, 1]
    assert tree(3, revisions[:3], journal[:2]).head == 1
    found = tree(4, revisions, journal)
    assert ids(found.line) == [4, 1, [2]]
    assert [[e.id for e in step.edits] for step in found.line] == [[3], []]


def test_a_revision_with_a_note_is_listed_whatever_it_has():
    noted = replace(sealed(3, 2), note="Checked")
    journal = [entry(1, 1, sealed=2), entry(2, 2, undoes=1, sealed=3)]
    assert ids(tree(3, [revision(1), sealed(2, 1), noted], journal).line) == [3, 2, 1]


def test_what_was_undone_of_several_edits_is_told():
    revisions = [revision(1), sealed(2, 1)]
    journal = [entry(1, 1, sealed=2), entry(2, 1, sealed=2), entry(3, 2, undoes=2)]
    found = tree(2, revisions, journal)
    assert found.head == 2
    assert [e.id for e in found.open_edits] == [3]
