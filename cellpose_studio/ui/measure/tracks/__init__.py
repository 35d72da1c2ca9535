"""The table of tracks in the Measure tab."""
