"""Nuclei and cells together: matched by overlap, measured as compartments."""
