"""What belongs to cells goes with them to their new ids."""

from __future__ import annotations

import numpy as np
import pytest

from cellpose_studio.core.masks.cell_table import CellTable
from cellpose_studio.core.matching.compare import same_cells
from cellpose_studio.core.matching.hand_changes import hand_changes
from cellpose_studio.core.matching.renaming import Renaming, RenamingAhead
from cellpose_studio.core.provenance.hand_edits import HandEdits
from cellpose_studio.core.provenance.revision import CellKnowledge
from cellpose_studio.core.runs.confidence import Confidence

CONFIDENCE = Confidence(
    ids=np.array([2, 5, 9], np.uint32),
    pixels=np.array([10, 30, 60]),
    flow_errors=np.array([0.1, 0.5, 0.9]),
    probabilities=np.array([0.9, 0.5, 0.1]),
    candidates=7,
    misfits=4,
)


def test_flow_errors_and_probabilities_go_with_their_cells():
    # Ids are exchanged, so that each is also the former id of another cell.
    found = Renaming.of({2: 5, 5: 9, 9: 2}).confidence(CONFIDENCE)
    assert found.ids.tolist() == [2, 5, 9]
    assert found.flow_errors.tolist() == [0.9, 0.1, 0.5]
    assert found.probabilities.tolist() == [0.1, 0.9, 0.5]
    assert found.pixels.tolist() == [60, 10, 30]
    assert (found.candidates, found.misfits) == (7, 4)


def test_a_track_has_the_mean_of_its_cells_and_unknown_cells_have_nothing():
    found = Renaming({1: frozenset([2, 5]), 3: frozenset([8])}).confidence(CONFIDENCE)
    assert found.ids.tolist() == [1]
    assert found.flow_errors == pytest.approx([0.4])
    assert found.pixels.tolist() == [20]
    assert Renaming({}).confidence(None) is None


def test_cells_made_by_hand_are_so_under_their_new_ids():
    known = HandEdits(drawn=frozenset([2]), edited=frozenset([5]), deleted={3: (4, 6)})
    found = Renaming.of({2: 1, 5: 2, 9: 3}).hand_edits(known)
    assert (found.drawn, found.edited) == ({1}, {2})
    # Places of deleted cells belong to a revision, whose ids stay.
    assert found.deleted == {3: (4, 6)}
    assert HandEdits.of_details(found.details()) == found


def test_what_was_changed_by_hand_is_told_from_the_pixels():
    before = np.zeros((6, 60), np.uint32)
    for n in range(6):
        before[1:5, 10 * n : 10 * n + 6] = n + 1
    after = before.copy()
    after[before == 1] = 0  # deleted
    after[1:5, 10:14] = 0  # erased for the most part
    after[before == 3] = 4  # merged
    after[1, 50:56] = 0  # edited a little
    after[0, 45:49] = 9  # drawn
    changes = hand_changes(before, after, CellTable.of(after))
    assert changes.drawn == {9}
    assert changes.edited == {2, 4, 6}
    assert changes.deleted == {1, 2}
    assert same_cells(before, after) == {5: 5}


def test_changes_made_ahead_count_until_something_else_is_known():
    renaming = Renaming.of({2: 5, 5: 2, 9: 3})
    statuses = {2: "accepted", 9: "later"}
    ahead = RenamingAhead(renaming, CellKnowledge(statuses=statuses))
    same = CellKnowledge(statuses=dict(statuses))
    assert ahead.changes(same) is ahead.changes(same)
    assert ahead.changes(same) == renaming.changes(same)
    assert ahead.statuses == {5: "accepted", 3: "later"}
    other = CellKnowledge(statuses={5: "rejected"}, mothers={9: 2})
    assert ahead.changes(other) == renaming.changes(other)
    assert ahead.changes(other).mothers == {3: (None, 5), 9: (2, None)}
