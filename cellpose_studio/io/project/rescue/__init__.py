"""Recovering what can be read from a damaged project."""
