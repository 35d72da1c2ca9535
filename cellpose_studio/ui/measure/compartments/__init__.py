"""The part of the Measure tab for nuclei and cells together."""
