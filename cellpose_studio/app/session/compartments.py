"""Which masks are nuclei, and what is measured of them and their cells together."""

from __future__ import annotations

from dataclasses import replace

from psygnal import Signal

from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.measure.compartments.choice import (
    COMPARTMENTS_STATE,
    CompartmentChoice,
    choice_from,
)


class Compartments:
    """The choice of the open project, which is written to it at once."""

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._choice = choice_from(session.project.state(COMPARTMENTS_STATE))
        session.project_changed.connect(self._on_project)
        session.masks_renamed.connect(self._on_renamed)

    @property
    def choice(self) -> CompartmentChoice | None:
        """The choice now; None where only cells are measured."""
        return self._choice

    def set(self, choice: CompartmentChoice | None) -> None:
        """Measure other compartments, or none."""
        if choice == self._choice:
            return
        self._choice = choice
        state = choice.as_json() if choice is not None else {}
        self._session.project.set_state(COMPARTMENTS_STATE, state)
        self.changed.emit()

    def cells_of(self, image: ProjectImage) -> LabelSet | None:
        """Return the masks of the cells of an image: those shown, unless nuclei are."""
        choice, name = self._choice, image.active
        if choice is not None and name == choice.nuclei:
            known = choice.cells in image.label_sets
            name = choice.cells if known else image.others(name)
        return image.label_sets.get(name)

    def nuclei_of(self, image: ProjectImage, cells: str) -> LabelSet | None:
        """Return the nuclei that go with masks of that name; None if there are none."""
        choice = self._choice
        if choice is None or choice.nuclei == cells:
            return None
        return image.label_sets.get(choice.nuclei)

    def _on_renamed(self, _: ProjectImage, old: str, new: str) -> None:
        """Follow the masks to their new name, unless other images have the old one."""
        choice = self._choice
        if choice is None or any(old in one.label_sets for one in self._session.images):
            return
        names = {old: new}
        self.set(
            replace(
                choice,
                cells=names.get(choice.cells, choice.cells),
                nuclei=names.get(choice.nuclei, choice.nuclei),
            )
        )

    def _on_project(self) -> None:
        self._choice = choice_from(self._session.project.state(COMPARTMENTS_STATE))
        self.changed.emit()
