"""The Measure tab."""
