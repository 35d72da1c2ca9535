"""What a session tells its listeners of images and masks."""

from __future__ import annotations

from psygnal import Signal


class Events:
    """The signals of a session, which its parts emit.

    They outlive the project that is open, and with it the parts.
    """

    images_changed = Signal()
    image_changed = Signal(object)  # ProjectImage: its status
    shown_changing = Signal()  # other masks, or another image, are about to be shown
    shown_left = Signal(object)  # ProjectImage that was on the canvas until now
    shown_changed = Signal(object)  # ProjectImage, or None
    labels_changed = Signal(object, str)  # ProjectImage, name of the label set
    labels_edited = Signal(object, str, object)  # ProjectImage, name, LabelEdit
    labels_drafted = Signal(object, str, object)  # the same, of an unfinished stroke
    statuses_changed = Signal(object, str, tuple)  # ProjectImage, label set, cells
    recorded = Signal(object, object)  # ProjectImage, LabelSet: a new revision
    undone = Signal(object, object)  # ProjectImage, LabelEdit undone or redone
    failed = Signal(Exception)  # something could not be done; the rest went on
