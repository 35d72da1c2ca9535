"""Images of a project are measured with what it knows of their cells."""

from __future__ import annotations

from contextlib import closing

import pytest

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.io.project.file import open_project, read_project
from cellpose_studio.workflows.measure.columns import WhatToMeasure
from cellpose_studio.workflows.measure.items import names_of
from cellpose_studio.workflows.measure.measure import measure_image
from cellpose_studio.workflows.measure.project import items_of_project


@pytest.fixture
def project(earlier_project):
    """A project with images of 11, 5 and 2 cells, some of them edited and drawn."""
    open_project(earlier_project).close()
    return earlier_project


def test_the_cells_of_a_project(project):
    with closing(read_project(project)) as file:
        items = items_of_project(file)
        # The fourth image was removed from the project.
        assert names_of(items) == ["a.tif", "b.tif", "c.tif"]
        assert [item.masks for item in items] == ["cells", "cells", "cp_masks"]
        tables = [
            measure_image(item, WhatToMeasure(), Checkpoint())[0] for item in items
        ]
    assert [len(found) for found in tables] == [11, 5, 2]
    a, b, c = (found.values for found in tables)
    assert sorted({*a["origin"]}) == ["edited", "run"]
    assert {*b["origin"]} == {"run"}
    assert sorted({*c["origin"]}) == ["drawn", "imported"]
    assert sorted(status for status in a["status"] if status) == [
        "accepted", "accepted", "later", "rejected",
    ]  # fmt: skip
    by_network = a["origin"] == "run"
    assert (a["probability"][by_network] > 0.5).all()
    # The shape of an edited cell is the user's.
    assert (a["uncertainty"][~by_network] == 0).all()
    assert "volume_voxels" in c
    assert c["probability"].tolist() != c["probability"].tolist()


def test_masks_are_chosen_by_name(project):
    with closing(read_project(project)) as file:
        items = items_of_project(file, "cp_masks")
        assert [item.image.name for item in items] == ["c.tif"]


def test_a_project_of_an_earlier_version_is_measured_as_it_is(earlier_project):
    before = earlier_project.read_bytes()
    with closing(read_project(earlier_project)) as file:
        items = items_of_project(file)
        found, _ = measure_image(items[0], WhatToMeasure(), Checkpoint())
    assert names_of(items) == ["a.tif", "b.tif", "c.tif"]
    assert sorted(status for status in found.values["status"] if status) == [
        "accepted", "accepted", "later", "rejected",
    ]  # fmt: skip
    assert earlier_project.read_bytes() == before
