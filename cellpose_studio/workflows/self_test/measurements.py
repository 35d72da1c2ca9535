"""Whether cells can be measured, and the tables of them written and read."""

from __future__ import annotations

import numpy as np

from cellpose_studio.core.measure.inputs import Channel
from cellpose_studio.core.measure.measure import measure_cells
from cellpose_studio.io.tables.csv_table import CsvTable
from cellpose_studio.io.tables.parquet_table import ParquetTable
from cellpose_studio.io.tables.table import TableColumn, TableWriter
from cellpose_studio.workflows.self_test.check import CheckFailed, Found, Place

_RADIUS = 8
_AREA = 197
"""Pixels whose centre lies at most that far from one of them."""


def check_measurements(place: Place) -> Found:
    """Measure a disc, and write what was found in both formats."""
    y, x = np.indices((32, 32)) - 16
    disc = (np.hypot(y, x) <= _RADIUS).astype(np.uint32)
    found = measure_cells(disc, [Channel(pixels=disc * 3.0, name="a")])
    seen = [float(found.values[name][0]) for name in ("area_px", "mean_a", "roundness")]
    if not np.allclose(seen, [_AREA, 3, 1], atol=0.05):
        raise CheckFailed(f"A disc was measured wrongly: {seen}.")
    columns = [TableColumn(name=c.name, kind="number") for c in found.columns]
    tables: list[TableWriter] = [
        CsvTable(place.folder / "table.csv", columns),
        ParquetTable(place.folder / "table.parquet", columns),
    ]
    for table in tables:
        table.add(found.values, len(found))
        table.close()
    import fastparquet

    file = fastparquet.ParquetFile(str(place.folder / "table.parquet"))
    area = file.to_pandas()["area_px"].tolist()
    if area != [_AREA]:
        raise CheckFailed(f"A Parquet file came back wrongly: {area}.")
    return Found(f"{len(columns)} columns measured, CSV and Parquet written")
