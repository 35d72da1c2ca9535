"""What the image list says of an image in words."""

from __future__ import annotations

from html import escape

from cellpose_studio.app.images.image_status import ImageStatus
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.io.project.tables.training import TrainingRole

STATUS_WORDS: dict[ImageStatus, str] = {
    "untouched": "Untouched",
    "segmented": "Segmented",
    "edited": "Edited",
    "reviewed": "Reviewed",
    "missing": "Missing",
}

_STATUS_SENTENCES: dict[ImageStatus, str] = {
    "untouched": "Untouched: it has no masks yet.",
    "segmented": "Segmented: its masks are as the model or the file gave them.",
    "edited": "Edited: its masks were changed by hand.",
    "reviewed": "Reviewed: you are done with it.",
    "missing": "Missing: its file is not there. File > Relink images finds it again.",
}

_USES: dict[TrainingRole, str] = {"train": "for training", "test": "for testing"}


def about(
    image: ProjectImage,
    status: ImageStatus,
    use: TrainingRole | None,
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
        lines.append(f"Its masks are used {_USES[use]}.")
    if unreadable and status != "missing":
        lines.append(escape(unreadable))
    if badge:
        lines.append(escape(badge))
    return f"<qt>{'<br>'.join(lines)}</qt>"


def spoken(
    image: ProjectImage, status: ImageStatus, use: TrainingRole | None, badge: str
) -> str:
    """Return an image in few words, as a screen reader says them."""
    cells = _cells(image.masks.cells) if image.masks else ""
    words = [image.source.name, STATUS_WORDS[status].lower(), cells]
    words += [_USES[use] if use else "", badge]
    return ", ".join(word for word in words if word)


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
    return lines
