"""Texts of the image list: names of statuses, tooltips, accessible texts."""

from __future__ import annotations

from html import escape

from cellpose_studio.app.images.image_status import ImageStatus
from cellpose_studio.app.images.training_set import ROLE_WORDS
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.models.training_set import Role
from cellpose_studio.core.wording import time_text

STATUS_WORDS: dict[ImageStatus, str] = {
    "untouched": "Untouched",
    "segmented": "Segmented",
    "edited": "Edited",
    "reviewed": "Reviewed",
    "missing": "Missing",
}

_STATUS_SENTENCES: dict[ImageStatus, str] = {
    "untouched": "Untouched: no masks yet.",
    "segmented": "Segmented: masks of a model or a file, not edited.",
    "edited": "Edited: masks changed by hand.",
    "reviewed": "Reviewed: marked as done.",
    "missing": "Missing: file not found. Use File > Relink images to locate it.",
}

ROLE_LETTERS: dict[Role, str] = {"train": "T", "validation": "V"}
"""What rows of lists show of a role."""


def tooltip_html(
    image: ProjectImage,
    status: ImageStatus,
    use: Role | None,
    badge: str = "",
    unreadable: str = "",
) -> str:
    """Return the tooltip of an image, as rich text."""
    source = image.source
    lines = [f"<b>{escape(source.name)}</b>", escape(str(source.path)), *_size(source)]
    if labels := image.masks:
        lines.append(f"{_cells(labels.cells)}, {escape(labels.origin)}")
    lines.append(escape(_STATUS_SENTENCES[status]))
    if use is not None:
        lines.append(f"Masks used for {ROLE_WORDS[use]}.")
    if unreadable and status != "missing":
        lines.append(escape(unreadable))
    if badge:
        lines.append(escape(badge))
    return f"<qt>{'<br>'.join(lines)}</qt>"


def accessible_text(
    name: str,
    image: ProjectImage,
    status: ImageStatus,
    use: Role | None,
    badge: str,
) -> str:
    """Return a short description of an image for screen readers."""
    cells = _cells(image.masks.cells) if image.masks else ""
    parts = [name, STATUS_WORDS[status].lower(), cells]
    parts += [f"for {ROLE_WORDS[use]}" if use else "", badge]
    return ", ".join(part for part in parts if part)


def _cells(number: int) -> str:
    return "1 cell" if number == 1 else f"{number} cells"


def _size(image: ImageSource) -> list[str]:
    sizes = dict(zip("TCZYX", image.shape, strict=True))
    shown = [f"{a} {n}" for a, n in sizes.items() if n > 1 or a in "YX"]
    lines = [" × ".join(shown) + f", {image.dtype}"]
    z, y, _ = image.pixel_size_um
    if y:
        planes = f", planes {z:.3g} µm apart" if z and image.planes > 1 else ""
        lines.append(f"pixels of {y:.3g} µm{planes}")
    if image.interval_s:
        lines.append(f"{time_text(image.interval_s)} between time points")
    return lines
