"""The sample project: what can be learnt from it, and that nothing of it gets lost."""

from __future__ import annotations

import numpy as np
import pytest

from cellpose_studio.app.project.project import Project
from cellpose_studio.app.session import sample_project as module
from cellpose_studio.app.session.sample_project import (
    make_sample_project,
    sample_project,
)
from cellpose_studio.app.session.session import Session
from cellpose_studio.io.images.sample import draw_nuclei, sample_path
from cellpose_studio.io.project.tables.revisions import read_revisions


@pytest.mark.slow
def test_the_sample_project_has_corrections_a_history_and_something_to_do(
    qapp, monkeypatch
):
    sample_path()
    drawn, network = [], "cellpose_studio.workflows.segment.segment"
    monkeypatch.setattr(
        module, "draw_nuclei", lambda: drawn.append(True) or draw_nuclei()
    )
    monkeypatch.setattr(network, lambda *_, **__: pytest.fail("a network runs"))
    path = make_sample_project()
    # Nothing else takes long, and a user waits for it.
    assert len(drawn) == 1
    project = Project.open(path)
    session = Session(project)
    [image] = session.images
    label_set = image.label_set_ids["cells"]
    revisions = project.read(lambda db: read_revisions(db, label_set))
    assert [one.kind for one in revisions] == ["import", "edit", "edit"]
    assert all(one.note for one in revisions[1:])
    session.show(image.source.key)
    image.masks.pixels.load()
    _, true = draw_nuclei()
    # The last pair is left to the user.
    assert image.masks.cells == len(np.unique(true)) - 2
    statuses = image.statuses["cells"]
    assert list(statuses.values()).count("later") == 1
    assert list(statuses.values()).count("accepted") > 10
    table = image.masks.pixels.cell_table()
    assert all(table.size_of(cell) for cell in statuses)
    # Every correction can be taken back.
    edits = 0
    while session.can_undo:
        session.undo()
        edits += 1
    assert edits >= 7
    first = project.labels(revisions[0])
    np.testing.assert_array_equal(image.masks.array, first)
    assert project.close() is None


@pytest.mark.slow
def test_the_sample_project_opens_as_it_was_left_and_another_does_not_touch_it(qapp):
    path = make_sample_project()
    assert sample_project() == (path, False)
    before = path.read_bytes()
    other = make_sample_project()
    assert other != path
    assert path.read_bytes() == before
    assert sample_project() == (other, False)
    # One that was not finished is left alone.
    other.write_bytes(b"")
    again, is_new = sample_project()
    assert is_new
    assert again not in (path, other)
