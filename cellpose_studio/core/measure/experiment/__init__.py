"""Columns of the experiment."""
