"""Accuracy of masks of files and projects, and parameters that make it best."""
