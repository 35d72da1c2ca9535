"""What a session tells its listeners of images and masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from psygnal import Signal

from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.core.masks.edit import LabelEdit

ChangeKind = Literal[
    "replaced", "previewed", "loaded", "activated", "edited", "drafted"
]


@dataclass(frozen=True, eq=False, kw_only=True)
class MasksChange:
    """A change of the masks of an image.

    Attributes
    ----------
    name
        Of the label set.
    kind
        "replaced" by others as a whole, or by none; "previewed": by others that are
        not kept yet; "loaded": the same masks, of which more is known; "activated":
        the same masks, which are now the active ones; "edited": pixels were changed
        by a step; "drafted": by a stroke that has not ended.
    edit
        What was edited or drafted; None for the other kinds.
    before
        The masks that others took the place of; None if there were none.
    was_drafted
        The pixels of an edit had been drafted before, all of them.
    """

    image: ProjectImage
    name: str
    kind: ChangeKind
    edit: LabelEdit | None = None
    before: LabelSet | None = None
    was_drafted: bool = False


class Events:
    """The signals of a session, which its parts emit.

    They outlive the project that is open, and with it the parts.
    """

    images_changed = Signal()
    image_changed = Signal(object)  # ProjectImage: its status
    shown_changing = Signal()  # other masks, or another image, are about to be shown
    shown_left = Signal(object)  # ProjectImage that was on the canvas until now
    shown_changed = Signal(object)  # ProjectImage, or None
    masks_changed = Signal(MasksChange)
    masks_renamed = Signal(object, str, str)  # ProjectImage, name before and after
    statuses_changed = Signal(object, str, tuple)  # ProjectImage, label set, cells
    divisions_changed = Signal(object, str, tuple)  # ProjectImage, label set, daughters
    classes_changed = Signal(object, str, tuple)  # ProjectImage, label set, cells
    class_list_changed = Signal()  # names, colours and keys of classes; the classifier
    recorded = Signal(object, object)  # ProjectImage, LabelSet: a new revision
    undone = Signal(object, object)  # ProjectImage, LabelEdit undone or redone
    failed = Signal(Exception)  # something could not be done; the rest went on
