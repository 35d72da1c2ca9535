"""Heading and file names of the scripts."""

from __future__ import annotations

from cellpose_studio.core.provenance.record import RunRecord

_LISTED = ("cellpose-studio", "cellpose", "torch", "numpy", "python")


def heading(record: RunRecord) -> str:
    """Return the docstring of a script: what it reproduces, and the versions used."""
    # The name stands in a docstring, which quotation marks or backslashes might break.
    name = record.image.name.replace("\\", "/").replace('"', "'")
    known = [p for p in _LISTED if p in record.versions]
    versions = "".join(f"    {name} {record.versions[name]}\n" for name in known)
    when = f"{record.started:%Y-%m-%d, %H:%M} UTC"
    return f"Make the masks of {name} as on {when}.\n\nMade then with\n\n{versions}"


def masks_name(record: RunRecord) -> str:
    """Return the name of the file of masks, as the command line chooses it."""
    image = record.image
    stem = image.path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    stem = stem.rsplit(".", 1)[0] if "." in stem[1:] else stem
    scene = "".join(c if c.isalnum() else "-" for c in image.scene)
    return f"{stem}_{scene}_cp_masks.tif" if scene else f"{stem}_cp_masks.tif"
