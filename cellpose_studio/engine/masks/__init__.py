"""The second half of a run: flows to masks."""
