"""Exporting masks with their provenance as an RO-Crate."""
