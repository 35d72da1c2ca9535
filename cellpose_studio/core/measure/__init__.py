"""Measurements of cells: shape, place, intensity and neighbours, as named columns."""
