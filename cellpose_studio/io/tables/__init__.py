"""Tables as CSV and Parquet files, with a dictionary of their columns."""
