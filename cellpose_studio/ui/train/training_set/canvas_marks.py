"""Crops and regions of the training set on the canvas: drawn, and shown as lines."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject, QTimer

from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.core.models.training_set import Role
from cellpose_studio.core.review.training_marks import role_of_crop
from cellpose_studio.core.runs.region import Region
from cellpose_studio.ui.canvas.canvas import Canvas
from cellpose_studio.ui.commands.reasons import NO_MASKS
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.tools.context import ToolContext
from cellpose_studio.workflows.training.project_set import SetPart

LINES: dict[Role | None, tuple[str, str, str]] = {
    "train": ("trainingCrops", "#00d8ff", "Crop for training"),
    "validation": ("validationCrops", "#ff7ad9", "Crop for validation"),
    None: ("cropsLeftOut", "#9a9a9a", "Crop that is left out"),
}
"""Line of the crops of each role, its colour and its meaning."""
UNANNOTATED = "unannotated"
_RED = "#ff5c5c"

Points = tuple[tuple[float, float], ...]
Path = npt.NDArray[np.float64]


class CanvasMarks(QObject):
    """Takes what the tools draw for training, and shows it on the plane."""

    def __init__(
        self, services: Services, canvas: Canvas, context: ToolContext
    ) -> None:
        super().__init__()
        self._session = services.session
        self._training = services.training
        self._messages = services.messages
        self._canvas = canvas
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self._show)
        context.crop_drawn.connect(self._on_crop)
        context.unannotated_drawn.connect(self._on_unannotated)
        self._training.changed.connect(self._refresh)
        self._training.image_changed.connect(self._refresh)
        self._session.shown_changed.connect(self._refresh)
        self._session.masks_changed.connect(self._on_masks)
        canvas.plane_changed.connect(self._refresh)

    def go_to(self, part: SetPart) -> None:
        """Show the plane of a part of the image that is shown."""
        plane = part.plane
        if plane is not None and plane.slice.axes == "YX":
            self._canvas.set_planes(
                {
                    axis: at
                    for axis, at in (("T", plane.slice.frame), ("Z", plane.slice.at))
                    if axis in self._canvas.planes
                }
            )

    def _on_crop(self, points: Points, plane: tuple[int, ...]) -> None:
        image = self._image_with_masks()
        if image is None:
            return
        crop = self._training.add_crop(image, _region(image, points, plane))
        if crop is None:
            self._messages.note("The rectangle lies outside the image.")
        elif len(self._training.said(image).marks.crops) == 1:
            self._messages.note(
                f"Only the crops of {image.source.name} are used now, not the rest "
                "of it."
            )

    def _on_unannotated(self, points: Points, plane: tuple[int, ...]) -> None:
        image = self._image_with_masks()
        if image is not None:
            self._training.add_unannotated(image, _region(image, points, plane))

    def _image_with_masks(self) -> ProjectImage | None:
        image = self._session.shown
        if image is not None and image.masks is None:
            self._messages.note(NO_MASKS)
            return None
        return image

    def _on_masks(self, change: object) -> None:
        if getattr(change, "kind", "") == "activated":
            self._refresh()

    def _refresh(self, *_: object) -> None:
        # The canvas follows the session only after this.
        self._timer.start()

    def _show(self) -> None:
        image = self._session.shown
        if image is None or self._canvas.image is None:
            return
        said, plane = self._training.said(image), self._canvas.plane
        paths: dict[Role | None, list[Path]] = {role: [] for role in LINES}
        for crop in said.marks.crops:
            if _is_in(crop.region, image, plane):
                role = role_of_crop(crop, said.role)
                paths[role].append(_outline(crop.region))
        for role, (name, colour, meaning) in LINES.items():
            self._canvas.show_line(name, paths[role], colour, meaning)
        regions = [
            _outline(region)
            for region in said.marks.unannotated
            if _is_in(region, image, plane)
        ]
        self._canvas.show_line(UNANNOTATED, regions, _RED, "Not annotated")


def _region(image: ProjectImage, points: Points, plane: tuple[int, ...]) -> Region:
    source = image.source
    return Region(
        points=points,
        frame=plane[0] + 1 if source.frames > 1 else None,
        plane=plane[-1] + 1 if source.planes > 1 else None,
    )


def _is_in(region: Region, image: ProjectImage, plane: tuple[int, ...]) -> bool:
    source = image.source
    frame = plane[0] + 1 if source.frames > 1 else None
    at = plane[-1] + 1 if source.planes > 1 else None
    return region.frame in (None, frame) and region.plane in (None, at)


def _outline(region: Region) -> Path:
    """Return the closed line of a region, Y and X in pixels of the canvas."""
    points = np.array(region.points, float)[:, ::-1]
    if region.is_rectangle:
        (y0, x0), (y1, x1) = points
        # Corners of rectangles lie between pixels, whose centres are whole numbers.
        corners = [(y0, x0), (y0, x1), (y1, x1), (y1, x0)]
        points = np.array(corners, float) - 0.5
    return np.vstack([points, points[:1]])
