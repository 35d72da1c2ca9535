"""Cellpose Studio: segment, curate and train, with every mask accounted for."""

from __future__ import annotations

from importlib import metadata

try:
    __version__ = metadata.version("cellpose-studio")
except metadata.PackageNotFoundError:
    # Sources that are used without having been installed do not know theirs.
    __version__ = "0+unknown"
