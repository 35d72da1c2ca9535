"""Tables that are written can be read again."""

from __future__ import annotations

import csv
import json

import fastparquet
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellpose_studio.io.tables import parquet_table
from cellpose_studio.io.tables.csv_table import CsvTable
from cellpose_studio.io.tables.dictionary import write_dictionary
from cellpose_studio.io.tables.parquet_table import DICTIONARY_KEY, ParquetTable
from cellpose_studio.io.tables.table import TableColumn

COLUMNS = (
    TableColumn(name="image", kind="text"),
    TableColumn(name="n", kind="whole"),
    TableColumn(name="v_um", kind="number", unit="µm", text="A length, ½."),
)
ROWS = st.tuples(
    st.text(st.characters(exclude_categories=["Cs", "Cc"])),
    st.one_of(st.just(np.nan), st.integers(-(2**53), 2**53)),
    st.one_of(st.just(np.nan), st.floats(allow_infinity=False, allow_nan=False)),
)


def parts_of(rows, count):
    for some in np.array_split(np.arange(len(rows)), count):
        columns = zip(*(rows[n] for n in some), strict=True) if len(some) else ((),) * 3
        names, whole, numbers = (list(column) for column in columns)
        yield (
            len(some),
            {
                "image": np.array(names, str),
                "n": np.array(whole, np.float64),
                "v_um": np.array(numbers, np.float64),
            },
        )


def written(make, path, rows, parts=3):
    table = make(path, COLUMNS)
    for count, part in parts_of(rows, parts):
        table.add(part, count)
    table.close()
    return path


@given(st.lists(ROWS, min_size=1, max_size=12))
def test_csv_gives_every_value_back(tmp_path_factory, rows):
    path = written(CsvTable, tmp_path_factory.mktemp("csv") / "a.csv", rows)
    with path.open(encoding="utf-8", newline="") as file:
        head, *lines = csv.reader(file)
    assert head == ["image", "n", "v_um"]
    for line, (name, whole, number) in zip(lines, rows, strict=True):
        # NumPy's texts end before a null, which no name of a file has.
        assert line[0] == name
        assert line[1] == ("" if np.isnan(whole) else str(int(whole)))
        assert (float(line[2]) if line[2] else np.nan) == pytest.approx(
            number, rel=0, nan_ok=True
        )


def test_parquet_gives_every_value_back(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_table, "_GROUP", 3)
    rows = [("ß", 1, 0.1), ("", np.nan, np.nan), ("a,b", -3, 1e300), ("x", 2**53, 0)]
    path = written(ParquetTable, tmp_path / "a.parquet", rows * 2)
    file = fastparquet.ParquetFile(str(path))
    found = file.to_pandas()
    assert len(file.row_groups) > 1
    assert found["image"].tolist() == [name for name, _, _ in rows * 2]
    assert str(found["n"].dtype).lower() == "int64"
    expected = pd.array([1, None, -3, 2**53] * 2, "Int64")
    pd.testing.assert_extension_array_equal(pd.array(found["n"], "Int64"), expected)
    np.testing.assert_array_equal(found["v_um"], [number for *_, number in rows * 2])
    facts = json.loads(file.key_value_metadata[DICTIONARY_KEY])
    assert facts["v_um"] == {"unit": "µm", "definition": "A length, ½."}


def test_columns_that_a_part_lacks_are_empty(tmp_path):
    for make in (CsvTable, ParquetTable):
        path = tmp_path / make.__name__
        table = make(path, COLUMNS)
        table.add({"n": np.array([4])}, 1)
        table.close()
    assert (tmp_path / "CsvTable").read_text("utf-8") == "image,n,v_um\n,4,\n"
    found = fastparquet.ParquetFile(str(tmp_path / "ParquetTable")).to_pandas()
    assert found["image"].tolist() == [""]
    assert found["v_um"].isna().all()


def test_a_table_without_rows(tmp_path):
    for make in (CsvTable, ParquetTable):
        make(tmp_path / make.__name__, COLUMNS).close()
    assert (tmp_path / "CsvTable").read_text("utf-8") == "image,n,v_um\n"
    found = fastparquet.ParquetFile(str(tmp_path / "ParquetTable")).to_pandas()
    assert (len(found), list(found)) == (0, ["image", "n", "v_um"])


def test_the_dictionary_has_a_row_for_each_column(tmp_path):
    path = tmp_path / "columns.csv"
    write_dictionary(path, COLUMNS, "Studio 1 (numpy 2)")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["column"] for row in rows] == ["image", "n", "v_um"]
    assert rows[2] == {
        "column": "v_um",
        "unit": "µm",
        "definition": "A length, ½.",
        "computed_by": "Studio 1 (numpy 2)",
    }


def test_a_csv_file_for_spreadsheets_with_decimal_commas(tmp_path):
    table = CsvTable(tmp_path / "a.csv", COLUMNS, "semicolon")
    values = {"image": ["a;1.5.tif"], "n": [4], "v_um": [0.25]}
    table.add({name: np.array(value) for name, value in values.items()}, 1)
    table.close()
    text = (tmp_path / "a.csv").read_text("utf-8")
    assert text == 'image;n;v_um\n"a;1.5.tif";4;0,25\n'
    write_dictionary(tmp_path / "columns.csv", COLUMNS, "this", "semicolon")
    first = (tmp_path / "columns.csv").read_text("utf-8").splitlines()[0]
    assert first == "column;unit;definition;computed_by"
