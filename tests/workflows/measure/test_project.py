"""Images of a project are measured with what it knows of their cells."""

from __future__ import annotations

from contextlib import closing

import pytest

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import MasksUnreadable
from cellpose_studio.core.measure.compartments.choice import CompartmentChoice
from cellpose_studio.core.measure.summary import summary_of
from cellpose_studio.core.provenance.classes.assigned import Assigned
from cellpose_studio.core.provenance.classes.cell_class import CellClass
from cellpose_studio.io.project.file import open_project, read_project
from cellpose_studio.io.project.tables.cells.cell_classes import (
    write_assigned,
    write_class,
    write_classifier,
)
from cellpose_studio.io.project.tables.revisions import read_label_sets
from cellpose_studio.workflows.measure.columns import WhatToMeasure, table_columns
from cellpose_studio.workflows.measure.items import names_of
from cellpose_studio.workflows.measure.measure import measure_image
from cellpose_studio.workflows.measure.project import items_of_project
from tests.io.project.conftest import CLASSIFIER


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


def test_images_without_nuclei_say_so(project):
    choice = CompartmentChoice(nuclei="cp_masks")
    with closing(read_project(project)) as file:
        a, *_, c = items_of_project(file, compartments=choice)
        with pytest.raises(MasksUnreadable, match=r"a\.tif has no masks called cp_m"):
            measure_image(a, WhatToMeasure(), Checkpoint())
        with pytest.raises(MasksUnreadable, match=r"c\.tif has no masks but those of"):
            measure_image(c, WhatToMeasure(), Checkpoint())


def test_a_project_of_an_earlier_version_is_measured_as_it_is(earlier_project):
    before = earlier_project.read_bytes()
    with closing(read_project(earlier_project)) as file:
        items = items_of_project(file)
        found, *_ = measure_image(items[0], WhatToMeasure(), Checkpoint())
    assert names_of(items) == ["a.tif", "b.tif", "c.tif"]
    assert sorted(status for status in found.values["status"] if status) == [
        "accepted", "accepted", "later", "rejected",
    ]  # fmt: skip
    assert earlier_project.read_bytes() == before


def test_classes_of_cells_and_how_they_came_about(project):
    with closing(open_project(project)) as file:
        sets = [one.id for one in read_label_sets(file.db)]
        with closing(read_project(project)) as view:
            first = items_of_project(view)[0]
            assert first.classes is None
        file.db.execute("BEGIN")
        write_class(file.db, CellClass(id=1, name="round cell", colour="#e69f00"))
        write_class(file.db, CellClass(id=2, name="odd", colour="#e69f00", key=1))
        write_classifier(file.db, 1, CLASSIFIER)
        by_classifier = Assigned(number=2, probability=0.75, classifier=1)
        for number in sets:
            write_assigned(file.db, number, {1: Assigned(number=1), 2: by_classifier})
        file.db.execute("COMMIT")
    with closing(read_project(project)) as file:
        items = items_of_project(file)
        columns = table_columns(items, WhatToMeasure(), [{} for _ in items])
        found, *_ = measure_image(items[0], WhatToMeasure(), Checkpoint())
        summary = summary_of(found).values
    rows = {cell: n for n, cell in enumerate(found.ids.tolist())}
    assert found.values["class"][rows[1]] == "round cell"
    assert found.values["class_by"][rows[2]] == "classifier"
    assert found.values["class_probability"][rows[2]] == 0.75
    assert (summary["cells_odd"], summary["cells_round_cell"]) == (1, 1)
    texts = {one.name: one.text for one in columns.cells}
    assert CLASSIFIER.accuracy_text in texts["class"]
    assert "Number of cells of the class odd." in [one.text for one in columns.images]
