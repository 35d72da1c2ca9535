"""Errors whose text a biologist can act on."""

from __future__ import annotations

from cellpose_studio.core.images.axes import AxesQuestion


class StudioError(Exception):
    """Something failed in a way that we can explain.

    Attributes
    ----------
    message
        What failed, on which thing, as one sentence.
    hint
        What the user can do about it; empty when there is nothing to do.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class ImageUnreadable(StudioError):
    """A file is not an image that we can open, or is damaged."""


class IdsUsedUp(StudioError):
    """Cells have ids as high as a pixel can hold."""


class AxesAmbiguous(StudioError):
    """The file does not say which axis is which; the user has to.

    Attributes
    ----------
    question
        What to ask, with the best guess.
    """

    def __init__(self, question: AxesQuestion) -> None:
        super().__init__(
            f"{question.path.name} has the shape {question.shape}, and does not say "
            "which axis is which.",
            "Say what its axes are.",
        )
        self.question = question


class MasksUnreadable(StudioError):
    """A file holds no masks that we can use."""


class ModelUnusable(StudioError):
    """A weight file is missing, damaged, or of a kind that we cannot run."""


class ParametersUnfit(StudioError):
    """The parameters do not fit the image or the model."""


class NotEnoughMemory(StudioError):
    """The work does not fit into the memory of the device, nor of the computer."""


class DeviceFull(NotEnoughMemory):
    """The memory of a graphics card is too small; that of the computer may do."""


class CannotSave(StudioError):
    """A file could not be written; whatever was there before is untouched."""


class TrainingSetUnfit(StudioError):
    """The folders hold too little, or the wrong things, to train a model on."""


class ProjectUnusable(StudioError):
    """A project file cannot be opened: it is damaged, too new, or no project."""


class ProjectDamaged(ProjectUnusable):
    """A part of a project file cannot be read; the rest can be rescued."""
