from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellpose_studio.core.measure.experiment.values import (
    ExperimentUnfit,
    NamePattern,
    columns_in,
    pasted,
)


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("{drug}_{well}", "DMSO_B03", {"drug": "DMSO", "well": "B03"}),
        ("{drug}_{well}_*", "DMSO_B03_x_1", {"drug": "DMSO", "well": "B03"}),
        ("*_{day}", "a_b_7", {"day": "7"}),
        ("plate*_{well}_*", "plate1_A1_x_y", {"well": "A1"}),
        ("{drug}_well{well}", "a b_wellwell", {"drug": "a b", "well": "well"}),
        ("plate?-{well}", "plate2-A1", {"well": "A1"}),
        ("plate?-{well}", "plate12-A1", None),
        ("({well})+", "(A1)+", {"well": "A1"}),
        ("{drug}_{well}", "DMSO", None),
        ("{drug}_{well}", "_B03", None),
    ],
)
def test_values_from_names(pattern, name, expected):
    assert NamePattern(pattern).values(name) == expected


@given(st.lists(st.text("abc.( +", min_size=1), min_size=2, max_size=4))
def test_values_without_the_separator_come_back(values):
    pattern = NamePattern("_".join(f"{{c{n}}}" for n in range(len(values))))
    found = pattern.values("_".join(values))
    assert [found[f"c{n}"] for n in range(len(values))] == values


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "abc",
        "{a",
        "a}",
        "{}",
        "{1a}",
        "{a b}",
        "{a}{a}",
        "{cell}",
        "{a}{b}",
        # Tables of measurements have these, in some letters.
        "{cells}",
        "{touching_cells}_{b}",
        "{Calibration}",
        "{area_um2}",
        "{origin}",
    ],
)
def test_patterns_that_cannot_be_used(pattern):
    with pytest.raises(ExperimentUnfit):
        NamePattern(pattern)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_tables_as_spreadsheets_copy_them(separator):
    lines = ["Image|drug|day", "a.tif|DMSO|1", "", 'b.tif|"x, y; z"', "c|q|2|3"]
    text = "\ufeff" + "\r\n".join(lines).replace("|", separator)
    assert pasted(text) == {
        "a.tif": {"drug": "DMSO", "day": "1"},
        "b.tif": {"drug": "x, y; z", "day": ""},
        "c": {"drug": "q", "day": "2"},
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "image\na.tif",
        "file,drug\na,b",
        "image,drug\na,1\na,2",
        "image,a b",
        f"image,drug\na,{'x' * 140_000}",
    ],
)
def test_tables_that_cannot_be_used(text):
    with pytest.raises(ExperimentUnfit):
        pasted(text)


def test_a_cell_in_quotes_has_several_lines():
    assert pasted('image,drug\na,"x\ny"\n') == {"a": {"drug": "x\ny"}}


def test_a_name_that_is_taken_is_called_so():
    with pytest.raises(ExperimentUnfit, match="name time is taken"):
        NamePattern("{time}")


def test_columns_in_the_order_in_which_they_come():
    assert columns_in([{}, {"b": "1"}, {"a": "2", "b": "3"}]) == ("b", "a")
