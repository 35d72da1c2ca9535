"""Accuracy of masks against true ones: scores, boundaries, classes, wrong cells."""
