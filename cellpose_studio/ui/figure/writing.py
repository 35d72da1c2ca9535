"""Writes a figure in the format of the file name; for any thread."""

from __future__ import annotations

from pathlib import Path

from cellpose_studio.core.display.figure import Figure
from cellpose_studio.core.errors import CannotSave
from cellpose_studio.io.atomic import replacing
from cellpose_studio.io.figure_svg import write_svg
from cellpose_studio.ui.figure.painting import as_image, write_pdf

ENDINGS = (".png", ".svg", ".pdf")


def write_figure(figure: Figure, path: Path) -> None:
    """Write ``figure`` to ``path``; an existing file is kept if that fails.

    Raises
    ------
    CannotSave
        If the folder is not writable, the disk is full, or the figure is too large.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise CannotSave(
            f"{path.name} could not be saved: figures are PNG, SVG or PDF files.",
            "Choose a file name that ends in .png, .svg or .pdf.",
        )
    with replacing(path) as part:
        # Qt reports no reason for a failure; `touch` raises the error of the system.
        part.touch()
        if ending == ".svg":
            write_svg(figure, part)
            return
        done = (
            as_image(figure).save(str(part), "PNG")
            if ending == ".png"
            else write_pdf(figure, part)
        )
        if not done:
            raise CannotSave(
                f"{path.name} could not be saved: the disk may be full.",
                "Free some space, or choose another folder.",
            )
