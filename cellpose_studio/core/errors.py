"""Errors with a message and a hint for the user."""

from __future__ import annotations

from cellpose_studio.core.images.axes import AxesQuestion


class StudioError(Exception):
    """Base class of the errors that are shown to the user as they are.

    Attributes
    ----------
    message
        What failed, on which thing, as one sentence.
    hint
        What the user can do about it; empty when there is nothing to do.
    command_hint
        The same for users of a command; they do not see the hint where it is set.
    """

    def __init__(self, message: str, hint: str = "", command_hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.command_hint = command_hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def in_command_line(self) -> str:
        """Return what a command says of it."""
        return f"{self.message} {self.command_hint or self.hint}".strip()


class ImageUnreadable(StudioError):
    """A file is damaged, or is not an image in a supported format."""


class IdsUsedUp(StudioError):
    """No id is left for a new cell."""


class AxesAmbiguous(StudioError):
    """The metadata of a file do not define its axes; the user has to choose.

    Attributes
    ----------
    question
        The question to ask, with the best guess.
    """

    def __init__(self, question: AxesQuestion) -> None:
        super().__init__(
            f"{question.path.name} has the shape {question.shape}, and its metadata do "
            "not define the axes.",
            "Choose its axes.",
        )
        self.question = question


class MasksUnreadable(StudioError):
    """A file contains no masks that can be used."""


class NoSuchMasks(MasksUnreadable):
    """An image of a project has no masks of the kind that is asked for."""


class ModelUnusable(StudioError):
    """A weight file is missing, damaged, or of an unsupported kind."""


class ParametersUnfit(StudioError):
    """The parameters do not fit the image or the model."""


class NotEnoughMemory(StudioError):
    """Neither the device nor the computer has enough memory for the work."""


class DeviceFull(NotEnoughMemory):
    """A graphics card has too little memory; the computer may have enough."""


class ClusterUnusable(StudioError):
    """A scheduler cannot be reached, or its workers cannot do a run."""


class CannotSave(StudioError):
    """A file could not be written; a previous version of it is unchanged."""


class TrainingSetUnfit(StudioError):
    """The folders do not contain enough suitable images to train a model."""


class ProjectUnusable(StudioError):
    """A project file cannot be opened: it is damaged, too new, or not a project."""


class ProjectDamaged(ProjectUnusable):
    """A part of a project file cannot be read; the rest can be rescued."""
