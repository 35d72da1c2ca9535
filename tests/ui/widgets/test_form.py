"""The form of a model: what it offers, what it says, and when it tells of a change."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QDoubleSpinBox,
    QFormLayout,
    QSpinBox,
)

from cellpose_studio.core.runs.parameters import Normalization, SegmentationParameters
from cellpose_studio.ui.widgets.form import Form, extra, fields_of, limits, number_box

ROLE = QFormLayout.ItemRole


def shown(group="main", **more):
    return {"group": group, **more}


class Inner(BaseModel):
    """A model within a model."""


class Model(BaseModel):
    """One field of each kind."""

    on: bool = Field(True, title="Switch", description="Tip of the switch.")
    count: int = Field(3, ge=1, le=9, title="Count", json_schema_extra=shown())
    share: float = Field(
        0.5,
        gt=0,
        lt=1,
        title="Share",
        description="Tip of the share.",
        json_schema_extra=shown(unit="µm", step=0.1),
    )
    size: float | None = Field(
        None, gt=0, le=500, title="Size", json_schema_extra=shown(automatic=30.0)
    )
    planes: int | None = Field(4, ge=1, title="Planes")
    range: tuple[float, float] = Field(
        (1.0, 99.0), title="Range", json_schema_extra=shown(limits=(0.0, 100.0))
    )
    free: float = Field(0.0, json_schema_extra=shown("other"))
    inner: Inner = Field(Inner(), json_schema_extra=shown())


FIELDS = ("on", "count", "share", "size", "planes", "range", "free")
NUMBERS = [
    pytest.param(model, name, id=name)
    for model in (SegmentationParameters, Normalization)
    for name, field in model.model_fields.items()
    if field.annotation in (int, float, int | None, float | None)
]


@pytest.fixture
def form(qtbot):
    form = Form(Model, FIELDS)
    qtbot.addWidget(form)
    return form


@pytest.fixture
def told(form):
    """Return the values at each signal that something has changed."""
    told = []
    form.changed.connect(lambda: told.append(form.values()))
    return told


def box_of(form, name) -> QAbstractSpinBox:
    widget = form.widget_of(name)
    return widget if isinstance(widget, QAbstractSpinBox) else boxes(form, name)[0]


def boxes(form, name):
    return form.widget_of(name).findChildren(QAbstractSpinBox)


def automatic(form, name) -> QCheckBox:
    return form.widget_of(name).findChild(QCheckBox)


def typed(qtbot, box, text):
    box.selectAll()
    qtbot.keyClicks(box, text)


# What it offers


def test_it_begins_with_the_defaults_of_the_model(form):
    assert Model(**form.values()) == Model()


def test_each_field_has_a_row_with_its_title_in_the_order_asked_for(form):
    rows = form.layout()
    labels = [rows.itemAt(n, ROLE.LabelRole) for n in range(rows.rowCount())]
    titles = [label.widget().text() if label else "" for label in labels]
    # A switch says what it is itself; a field without a title has its name.
    assert titles == ["", "Count", "Share", "Size", "Planes", "Range", "free"]
    assert form.widget_of("on").text() == "Switch"
    assert [form.widget_of(name).objectName() for name in FIELDS] == [*FIELDS]


def test_only_fields_that_are_asked_for_are_shown(qtbot):
    form = Form(Model, ["share", "count"])
    qtbot.addWidget(form)
    assert [*form.values()] == ["share", "count"]


def test_fields_are_found_by_their_group_and_models_within_left_out():
    assert fields_of(Model, "main") == ["count", "share", "size", "range"]
    assert fields_of(Model, "other") == ["free"]
    assert extra(Model.model_fields["on"]) == {}


def test_tips_are_at_the_widget_its_parts_and_its_label(form):
    share, label = form.widget_of("share"), form.layout().labelForField
    assert share.toolTip() == "<qt>Tip of the share.</qt>"
    assert label(share).toolTip() == share.toolTip()
    assert form.widget_of("on").toolTip() == "<qt>Tip of the switch.</qt>"
    assert form.widget_of("count").toolTip() == ""
    main = Form(SegmentationParameters, ["diameter"])
    assert "Width of a typical cell" in box_of(main, "diameter").toolTip()


@pytest.mark.parametrize(("model", "name"), NUMBERS)
def test_both_ends_of_a_box_are_valid_and_beyond_is_not(qtbot, model, name):
    field = model.model_fields[name]
    box = number_box(field, int if "int" in str(field.annotation) else float)
    qtbot.addWidget(box)
    low, high = limits(field, 1)
    for value in (box.minimum(), box.maximum()):
        model(**{name: value})
    for value in (low - 1, high + 1):
        if abs(value) < 1e5:
            with pytest.raises(ValidationError):
                model(**{name: value})
            box.setValue(type(box.value())(value))
            model(**{name: box.value()})


def test_numbers_have_their_kind_step_unit_and_decimals(form):
    count, share, free = (form.widget_of(n) for n in ("count", "share", "free"))
    assert isinstance(count, QSpinBox)
    assert isinstance(share, QDoubleSpinBox)
    assert (count.minimum(), count.maximum(), count.suffix()) == (1, 9, "")
    assert (share.minimum(), share.maximum()) == (0.01, 0.99)
    assert (share.singleStep(), share.decimals(), share.suffix()) == (0.1, 2, " µm")
    assert (free.singleStep(), free.decimals()) == (1, 1)
    assert [(b.minimum(), b.maximum()) for b in boxes(form, "range")] == [(0, 100)] * 2


# What it is given


def test_values_that_are_set_are_shown_and_told_of_once(form, told):
    new = {"on": False, "count": 7, "size": 12.0, "range": (2.0, 80.0)}
    form.set_values({**new, "unknown": 1})
    assert told == [{**Model().model_dump(exclude={"inner"}), **new}]
    assert not form.widget_of("on").isChecked()
    assert [b.value() for b in boxes(form, "range")] == [2, 80]


def test_a_value_with_more_decimals_than_usual_is_kept_as_it_is(form):
    form.set_values({"share": 0.123456, "size": 17.25, "range": (0.005, 99.875)})
    assert form.widget_of("share").text() == "0.123456 µm"
    values = form.values()
    assert (values["share"], values["size"]) == (0.123456, 17.25)
    assert values["range"] == (0.005, 99.875)
    form.set_values({"share": 0.5})
    assert form.values()["share"] == 0.5


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    st.fixed_dictionaries(
        {
            "on": st.booleans(),
            "count": st.integers(1, 9),
            "share": st.integers(1, 99).map(lambda n: n / 100),
            "size": st.none() | st.integers(1, 5000).map(lambda n: n / 10),
            "planes": st.none() | st.integers(1, 1000),
            "range": st.tuples(*[st.integers(0, 10_000).map(lambda n: n / 100)] * 2),
            "free": st.integers(-(10**9), 10**9).map(lambda n: n / 1000),
        }
    )
)
def test_whatever_is_set_is_what_it_says(form, values):
    form.set_values(values)
    assert form.values() == values


# What the user does


def test_typing_is_told_of_once_when_it_has_ended(form, told, qtbot):
    box = box_of(form, "free")
    typed(qtbot, box, "125")
    assert told == []
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert [values["free"] for values in told] == [125]


def test_each_part_tells_of_a_change(form, told):
    form.widget_of("on").click()
    for box in (box_of(form, "count"), *boxes(form, "range")[:1]):
        box.stepUp()
    automatic(form, "planes").click()
    changes = [
        {name for name in before if before[name] != after[name]}
        for before, after in pairwise(told)
    ]
    assert told[0]["on"] is False
    assert changes == [{"count"}, {"range"}, {"planes"}]


def test_automatic_turns_the_number_off_and_on_again(form, told):
    box, check = box_of(form, "size"), automatic(form, "size")
    assert check.isChecked()
    assert not box.isEnabled()
    assert form.values()["size"] is None
    check.click()
    assert box.isEnabled()
    # What the field says is a good start.
    assert form.values()["size"] == 30
    assert told[-1]["size"] == 30
    check.click()
    assert told[-1]["size"] is None
    assert (form.values()["planes"], automatic(form, "planes").isChecked()) == (
        4,
        False,
    )


def test_a_suggestion_is_shown_while_a_field_is_automatic(form):
    form.suggest("size", 42.5)
    assert box_of(form, "size").value() == 42.5
    assert form.values()["size"] is None
    automatic(form, "size").click()
    form.suggest("size", 12.0)
    assert form.values()["size"] == 42.5
    form.suggest("count", 9)
    assert form.values()["count"] == 3
