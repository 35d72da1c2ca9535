"""Names of the files of a table of measurements."""

from __future__ import annotations

CELLS_CSV = "measurements.csv"
CELLS_PARQUET = "measurements.parquet"
IMAGES_CSV = "measurements_images.csv"
COLUMNS_CSV = "measurements_columns.csv"
TRACKS_CSV = "tracks.csv"
TRACKS_PARQUET = "tracks.parquet"
TRACK_COLUMNS_CSV = "tracks_columns.csv"

TABLE_FILES = (CELLS_CSV, CELLS_PARQUET, IMAGES_CSV, COLUMNS_CSV)
"""All of them: the cells, the images, and what the columns are."""

TRACK_FILES = (TRACKS_CSV, TRACKS_PARQUET, TRACK_COLUMNS_CSV)
"""Those of a table of tracks."""
