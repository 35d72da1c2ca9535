"""Settings of the Segment panel that follow the image that is shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.project.project import now
from cellpose_studio.app.session.session import Session
from cellpose_studio.ui.segment.panel import PanelSettings, SegmentPanel

_NAME = "segment"


@dataclass(frozen=True)
class _Changed:
    """What the user set by hand for an image, and when."""

    settings: PanelSettings
    time: datetime


class FollowedImage:
    """Shows in the Segment panel what the masks of the image were made with.

    The panel shows the model, the 3D mode and the parameters of the run of the active
    masks, until the user changes something; the image keeps that up to its next run.
    For an image without a run, the panel shows what the user has set last, which the
    project remembers.
    """

    def __init__(self, session: Session, panel: SegmentPanel) -> None:
        self._session = session
        self._panel = panel
        self._changed: dict[int, _Changed] = {}
        self._last: PanelSettings | None = None
        self._shown: tuple[int, int | None] | None = None
        panel.edited.connect(self._on_edited)
        panel.model.listed.connect(self._on_model)
        # The window has shown the image and the masks in the panel before.
        session.shown_changed.connect(self._on_shown, priority=-1)
        session.masks_changed.connect(self._on_masks, priority=-1)
        # The project is read before its first image is shown.
        session.project_changed.connect(self._on_project, priority=1)

    def _on_edited(self) -> None:
        image, settings = self._session.shown, self._panel.settings()
        if image is None or settings is None:
            return
        self._last = settings
        self._changed[image.id] = _Changed(settings, now())
        state = settings.model_dump(mode="json")
        self._session.project.set_state(_NAME, state)

    def _on_project(self) -> None:
        self._changed, self._shown = {}, None
        self._last = _parsed(self._session.project.state(_NAME)) or self._last

    def _on_shown(self, image: ProjectImage | None) -> None:
        self._shown = None
        if image is not None:
            self._follow(image)

    def _on_masks(self, change: MasksChange) -> None:
        if change.kind != "drafted" and change.image is self._session.shown:
            self._follow(change.image)

    def _on_model(self) -> None:
        # Models of the user are read while the project is open already.
        image = self._session.shown
        if image is not None and self._panel.model_missing:
            self._shown = None
            self._follow(image)

    def _follow(self, image: ProjectImage) -> None:
        """Show the settings that belong to an image, once for each of its runs."""
        masks = image.masks
        if masks is not None and masks.run is not None and masks.record is None:
            # The record is read with the pixels, which tells of itself.
            return
        before, self._shown = self._shown, (image.id, masks.run if masks else None)
        if before == self._shown:
            return
        is_other = before is None or before[0] != image.id
        changed = self._changed.get(image.id)
        if changed is not None and not _began_after(masks, changed.time):
            # A run that began before the change may have ended now.
            if is_other:
                self._panel.show_settings(changed.settings)
        elif masks is not None and masks.record is not None:
            self._changed.pop(image.id, None)
            self._last = self._last or self._panel.settings()
            self._panel.show_masks(masks)
        elif is_other and self._last is not None:
            self._panel.show_settings(self._last)


def _began_after(masks: LabelSet | None, time: datetime) -> bool:
    """Return whether the run of masks began after a time."""
    record = masks.record if masks is not None else None
    return record is not None and record.started > time


def _parsed(state: dict[str, Any]) -> PanelSettings | None:
    """Return the settings of a project; None if it has none that are valid."""
    try:
        return PanelSettings.model_validate(state)
    except ValidationError:
        return None
