"""Runs on other computers, by a scheduler of Dask."""
