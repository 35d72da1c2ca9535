"""Names of the files of a table of measurements."""

from __future__ import annotations

CELLS_CSV = "measurements.csv"
CELLS_PARQUET = "measurements.parquet"
IMAGES_CSV = "measurements_images.csv"
COLUMNS_CSV = "measurements_columns.csv"

TABLE_FILES = (CELLS_CSV, CELLS_PARQUET, IMAGES_CSV, COLUMNS_CSV)
"""All of them: the cells, the images, and what the columns are."""
