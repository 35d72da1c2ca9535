"""The first half of a run: pixels to flows."""
