"""The rows of the table of measurements, without a window."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from cellpose_studio.core.measure.inputs import CellFacts, Channel
from cellpose_studio.core.measure.measure import measure_cells
from cellpose_studio.core.measure.scale import Scale
from cellpose_studio.ui.measure.table.buttons import TableButtons
from cellpose_studio.ui.measure.table.clipboard import table_text
from cellpose_studio.ui.measure.table.model import MeasurementModel
from cellpose_studio.ui.measure.table.rows import Rows, joined, rows_of, with_texts

FALLING, RISING = Qt.SortOrder.DescendingOrder, Qt.SortOrder.AscendingOrder
KEYS = ("area", "mean", "status", "flow_error")


def labels(*sizes: int) -> np.ndarray:
    """Return squares of some sizes in a row, 1, 2, 3, …"""
    found = np.zeros((12, 12 * len(sizes)), np.uint32)
    for n, size in enumerate(sizes):
        found[1 : 1 + size, 12 * n + 1 : 12 * n + 1 + size] = n + 1
    return found


def measured(*sizes: int, um: float | None = None, image: int = 1) -> Rows:
    masks = labels(*sizes)
    facts = CellFacts(statuses={2: "accepted"}, flow_errors={1: 0.3, 3: 0.1})
    channel = Channel(pixels=masks.astype(np.float32), name="DAPI")
    found = measure_cells(masks, [channel], scale=Scale(um=um), facts=facts)
    return rows_of(found, image)


@pytest.fixture
def model():
    model = MeasurementModel()
    model.show(measured(5, 2, 8), KEYS)
    return model


def column(model, name: str) -> list[str]:
    at = [one.name for one in model.fields].index(name)
    return [model.index(row, at).data() for row in range(model.rowCount())]


def test_chosen_columns_are_listed_in_um_where_that_is_known(model):
    names = [one.name for one in model.fields]
    assert names == ["cell", "area_px", "mean_DAPI", "status", "flow_error"]
    assert column(model, "area_px") == ["25", "4", "64"]
    model.show(measured(5, 2, 8, um=0.5), KEYS)
    assert model.fields[1].heading == "Area, µm²"
    assert column(model, "area_um2") == ["6.250", "1.000", "16.000"]
    tip = model.headerData(1, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
    assert "area_um2" in tip


@pytest.mark.parametrize(
    ("name", "order", "cells"),
    [
        ("area_px", RISING, ["2", "1", "3"]),
        ("area_px", FALLING, ["3", "1", "2"]),
        # What is not known is last in both orders.
        ("flow_error", RISING, ["3", "1", "2"]),
        ("flow_error", FALLING, ["1", "3", "2"]),
        ("status", FALLING, ["2", "1", "3"]),
    ],
)
def test_rows_are_sorted(model, name, order, cells):
    at = [one.name for one in model.fields].index(name)
    model.sort(at, order)
    assert column(model, "cell") == cells
    assert model.sorted_by == (at, order)
    assert [model.position(row) for row in model.listed] == [0, 1, 2]


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("area>4", ["1", "3"]),
        ("area_px>4 mean dapi<2,5", ["1"]),
        ("mean of DAPI >= 2", ["2", "3"]),
        ("status=accepted", ["2"]),
        ('status="Accepted"', ["2"]),
        ("status", ["2"]),
        ("3", ["3"]),
    ],
)
def test_rows_are_filtered(model, text, cells):
    model.set_filter(text)
    assert column(model, "cell") == cells


@pytest.mark.parametrize("text", ["colour>3", "area=round", "area>1,000"])
def test_what_is_not_understood_leaves_the_rows(model, text):
    model.set_filter("area>4")
    with pytest.raises(ValueError, match='"'):
        model.set_filter(text)
    assert column(model, "cell") == ["1", "3"]


def test_rows_of_several_images_have_the_columns_of_all():
    rows = joined([measured(5, 2), measured(3, um=0.5, image=7)])
    shown = [one.name for one in rows.shown(("area",))]
    assert shown == ["area_px", "area_um2"]
    assert rows.values["area_px"].tolist() == [25, 4, 9]
    np.testing.assert_equal(rows.values["area_um2"], [np.nan, np.nan, 2.25])
    assert (rows.row(1, 7), rows.row(1, 1), rows.row(2, 7)) == (2, 0, -1)


def test_copied_rows_have_all_digits_and_the_decimal_sign_of_a_spreadsheet(model):
    text = table_text(model.rows, model.fields, np.array([2, 1]), ",")
    assert text.splitlines() == [
        "Cell\tArea, px\tMean of DAPI\tStatus\tFlow error",
        "3\t64\t3\t\t0,1",
        "2\t4\t2\taccepted\t",
    ]


def test_a_column_of_the_experiment_replaces_no_measurement():
    rows = with_texts(measured(5), {1: {"area_px": "mine", "mean_DAPI": "own"}})
    assert rows.values["area_px"].tolist() == [25]
    assert rows.values["area_px_experiment"].tolist() == ["mine"]
    again = with_texts(rows, {1: {"area_px": "new"}})
    assert again.values["area_px_experiment"].tolist() == ["new"]
    assert "mean_DAPI_experiment" not in again.by_name


def test_a_long_number_of_cells_leaves_the_panel_as_wide_as_it_is(qtbot):
    buttons = TableButtons()
    qtbot.addWidget(buttons)
    before = buttons.minimumSizeHint().width()
    buttons.number.setText("1,234,567 of 2,345,678 cells · 123,456 chosen")
    buttons.layout().invalidate()
    assert buttons.minimumSizeHint().width() == before
