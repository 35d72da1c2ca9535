"""Cellpose Studio: segment, curate and train, with every mask accounted for."""

__version__ = "0.1.0"
