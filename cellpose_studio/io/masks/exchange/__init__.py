"""Masks in the formats of other programs: writers and readers."""
