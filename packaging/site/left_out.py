"""Leaves out of the guide what the theme brings for others than its readers."""

from __future__ import annotations

from typing import Any

_UNUSED = ("assets/javascripts/lunr/",)
"""The search in other languages than English."""

_FOR_DEVELOPERS = ".map"


def on_files(files: Any, **_: Any) -> Any:
    """Return the files of the site without those; MkDocs calls it before it writes."""
    for file in list(files):
        if file.src_uri.startswith(_UNUSED) or file.src_uri.endswith(_FOR_DEVELOPERS):
            files.remove(file)
    return files
