"""One image of the open project, with its masks."""

from __future__ import annotations

from dataclasses import dataclass, field

from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.provenance.classes.assigned import Assigned
from cellpose_studio.core.provenance.revision import (
    CellChanges,
    CellKnowledge,
    CellStatus,
)
from cellpose_studio.core.wording import numbered


@dataclass(eq=False, kw_only=True)
class ProjectImage:
    """An image of the project with its label sets by name.

    Attributes
    ----------
    id
        In the project.
    active
        Name of the label set that is shown and worked on.
    reviewed
        The user is done with it.
    asked_axes
        What the user said the axes are; None where the file says it.
    preview_of
        The masks that those shown are a preview for; None without a preview.
    label_set_ids
        Ids in the project by name, also of sets without masks.
    highest
        The highest id that cells of a label set have ever had, by its name.
    statuses, classes
        Of the cells that have one, by label set and id.
    mothers
        The mother of each cell that came from a division, by label set and id.
    """

    id: int
    source: ImageSource
    label_sets: dict[str, LabelSet] = field(default_factory=dict)
    active: str = "cells"
    reviewed: bool = False
    asked_axes: str | None = None
    preview_of: LabelSet | None = None
    label_set_ids: dict[str, int] = field(default_factory=dict)
    highest: dict[str, int] = field(default_factory=dict)
    statuses: dict[str, dict[int, CellStatus]] = field(default_factory=dict)
    mothers: dict[str, dict[int, int]] = field(default_factory=dict)
    classes: dict[str, dict[int, Assigned]] = field(default_factory=dict)

    @property
    def masks(self) -> LabelSet | None:
        """The active label set, if it has masks."""
        return self.label_sets.get(self.active)

    @property
    def edited(self) -> bool:
        """Of the active masks something was made by hand, and was not undone."""
        labels = self.kept_masks(self.active)
        return labels is not None and labels.by_hand

    def decided(self, name: str) -> frozenset[int]:
        """Return the cells of a label set that a person drew, edited or accepted."""
        labels = self.label_sets.get(name)
        made = labels.hand_edits.shaped if labels is not None else frozenset()
        statuses = self.statuses.get(name, {}).items()
        return made | {cell for cell, status in statuses if status == "accepted"}

    def cell_knowledge(self, name: str) -> CellKnowledge:
        """Return a copy of what is known of the cells of a label set, for a job."""
        return CellKnowledge(
            statuses=dict(self.statuses.get(name, {})),
            mothers=dict(self.mothers.get(name, {})),
            classes=dict(self.classes.get(name, {})),
        )

    def known_of_cells(self, name: str) -> CellChanges:
        """Return what is known of the cells of a label set, as changes from nothing."""
        return CellChanges(
            statuses={c: (None, one) for c, one in self.statuses.get(name, {}).items()},
            mothers={c: (None, one) for c, one in self.mothers.get(name, {}).items()},
            classes={c: (None, one) for c, one in self.classes.get(name, {}).items()},
        )

    def free_name(self, name: str) -> str:
        """Return a name that no masks of it have, or had: "cells", "cells 2"."""
        return numbered(name, self.label_set_ids.__contains__)

    def others(self, name: str) -> str:
        """Return the name of other masks than those; the same if there are none."""
        return next((one for one in self.label_sets if one != name), name)

    @property
    def corrected(self) -> bool:
        """Any of its masks are corrected."""
        return any(map(self.is_corrected, {*self.label_sets, *self.statuses}))

    def is_corrected(self, name: str) -> bool:
        """Return whether masks were changed by hand, or cells of them decided on.

        Of a project that is not open, `workflows.evaluation.corrected` tells that.
        """
        labels = self.kept_masks(name)
        by_hand = labels is not None and labels.by_hand
        return by_hand or bool(self.statuses.get(name))

    def kept_masks(self, name: str) -> LabelSet | None:
        """Return masks of that name; while others are previewed, those before."""
        preview_of = self.preview_of
        if preview_of is not None and preview_of.name == name:
            return preview_of
        return self.label_sets.get(name)
