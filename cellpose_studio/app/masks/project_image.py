"""One image of the open project, with its masks."""

from __future__ import annotations

from dataclasses import dataclass, field

from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.provenance.revision import CellStatus


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
    statuses
        Of the cells that have one, by label set and id.
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

    @property
    def masks(self) -> LabelSet | None:
        """The active label set, if it has masks."""
        return self.label_sets.get(self.active)

    @property
    def edited(self) -> bool:
        """The active masks were changed by hand since they were made."""
        labels = self.masks
        if labels is None or labels.revision is None:
            return False
        return labels.edited or labels.revision.kind == "edit"

    def free_name(self, name: str) -> str:
        """Return a name that no masks of it have, or had: "cells", "cells 2"."""
        number, free = 1, name
        while free in self.label_set_ids:
            number += 1
            free = f"{name} {number}"
        return free

    def others(self, name: str) -> str:
        """Return the name of other masks than those; the same if there are none."""
        return next((one for one in self.label_sets if one != name), name)

    @property
    def corrected(self) -> bool:
        """Any of its masks were changed by hand, or cells of them decided on."""
        return any(self.statuses.values()) or any(
            labels.edited
            or (labels.revision is not None and labels.revision.kind == "edit")
            for labels in self.label_sets.values()
        )

    def kept_masks(self, name: str) -> LabelSet | None:
        """Return masks of that name; while others are previewed, those before."""
        preview_of = self.preview_of
        if preview_of is not None and preview_of.name == name:
            return preview_of
        return self.label_sets.get(name)
