"""What is said of runs in 3D that are unreliable."""

from __future__ import annotations

import pytest

from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.runs.volumes import flow_smoothing, notes_on_volume


@pytest.mark.parametrize(
    ("diameter", "anisotropy", "agreement", "told"),
    [
        (20.0, 2.0, 0.8, ()),
        (20.0, 2.0, None, ()),
        (20.0, 8.0, 0.8, ("about 2.5 planes", "8 pixels apart")),
        (20.0, 2.0, 0.3, ("(30% in common)",)),
    ],
)
def test_reasons_are_told(diameter, anisotropy, agreement, told):
    given = SegmentationParameters(do_3D=True, diameter=diameter, anisotropy=anisotropy)
    notes = notes_on_volume(given, agreement)
    assert len(notes) == bool(told)
    assert all(part in notes[0] for part in told)
    # They are kept in the record, which the window and commands show.
    assert not any("--" in note for note in notes)
    planes = given.model_copy(update={"do_3D": False})
    assert notes_on_volume(planes, agreement) == ()


def test_flows_are_smoothed_as_wide_in_space_along_each_axis_if_cells_are_cleaned():
    given = SegmentationParameters(do_3D=True, diameter=16.0, anisotropy=4.0)
    clean = given.model_copy(update={"postprocessing": "clean"})
    assert flow_smoothing(given, 0.5) == (0, 0, 0)
    assert flow_smoothing(clean, 0.5) == (0.5, 2, 2)
    set_to = {"flow3D_smooth": 3.0}
    assert flow_smoothing(given.model_copy(update=set_to), 0.5) == (3, 3, 3)
    assert flow_smoothing(clean.model_copy(update=set_to), 0.5) == (0.75, 3, 3)
    # Without full resolution, flows are as far apart along Z as along the others.
    small = clean.model_copy(update={"resample": False})
    assert flow_smoothing(small, 0.5) == (1, 1, 1)
    planes = clean.model_copy(update={"do_3D": False})
    assert flow_smoothing(planes, 0.5) == (0, 0, 0)
