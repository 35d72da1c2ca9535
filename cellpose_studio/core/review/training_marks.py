"""What a user says of an image in training: crops, slices, what is not annotated."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cellpose_studio.core.models.training_set import Role
from cellpose_studio.core.runs.region import Region

Mask = npt.NDArray[np.bool_]
PlaneAxes = Literal["YX", "ZY", "ZX"]
CropRole = Literal["train", "validation", "out"]

OPTIONS_STATE = "training"
"""Name under which the project keeps `LeaveOut`."""
_ONE_IN = 5
"""One of this many images is proposed for validation."""
_MOST_PIXELS = 2**36


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TrainingCrop(_Value):
    """A rectangle in one plane that is used in place of the whole image.

    Attributes
    ----------
    role
        None for that of its image.
    """

    name: str = Field(min_length=1, max_length=200)
    region: Region
    role: CropRole | None = None


class Slices(_Value):
    """Which slices of a stack or a time series are used."""

    axes: tuple[PlaneAxes, ...] = Field(
        ("YX",), min_length=1, description="planes that the slices lie in"
    )
    every: int = Field(1, ge=1, le=10_000, description="one of this many slices")
    annotated: bool = Field(True, description="only slices with cells")


class TrainingMarks(_Value):
    """Everything that is said of the masks of an image, beside their role.

    Attributes
    ----------
    partly
        Only some of the cells have masks: what lies between them is not background.
    unannotated
        Regions in which cells may lie that have no masks.
    unlabelled
        The same as pixels of the masks, by `pack_mask`, where an imported file says
        so; empty without any.
    """

    partly: bool = False
    slices: Slices = Slices()
    crops: tuple[TrainingCrop, ...] = ()
    unannotated: tuple[Region, ...] = ()
    unlabelled: str = ""

    def free_name(self) -> str:
        """Return a name that no crop has: "crop 1", "crop 2"."""
        taken = {crop.name for crop in self.crops}
        numbers = range(1, len(taken) + 2)
        return next(n for k in numbers if (n := f"crop {k}") not in taken)


NO_MARKS = TrainingMarks()


class LeaveOut(_Value):
    """What is left out of all pairs of a project.

    Attributes
    ----------
    border
        Cells that the edge of the image or crop may cut.
    rejected
        Cells that were rejected, and those to be fixed later.
    uncertain
        Cells whose uncertainty is 0.5 or more.
    unreviewed
        Cells that nobody accepted, drew or edited.
    fewest_cells
        Images and crops with fewer are not trained on.
    """

    border: bool = False
    rejected: bool = True
    uncertain: bool = False
    unreviewed: bool = False
    fewest_cells: int = Field(5, ge=1, le=1000)


def leave_out_from(state: dict[str, object]) -> LeaveOut:
    """Return what a project says is left out; the default where it says nothing."""
    try:
        return LeaveOut.model_validate(state)
    except ValidationError:
        return LeaveOut()


def pack_mask(mask: Mask) -> str:
    """Return pixels of masks of any shape as text; empty if none is set."""
    if not mask.any():
        return ""
    data = zlib.compress(np.packbits(mask, axis=None).tobytes(), 6)
    return base64.b64encode(data).decode("ascii")


def unpack_mask(text: str, shape: tuple[int, ...]) -> Mask:
    """Return the pixels of `pack_mask`.

    Raises
    ------
    ValueError
        If the text is no mask of that shape.
    """
    size = int(np.prod(shape))
    if not text:
        return np.zeros(shape, bool)
    expected = -(-size // 8)
    try:
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(base64.b64decode(text, validate=True), expected + 1)
    except zlib.error as error:
        raise ValueError("no packed mask") from error
    if len(data) != expected or size > _MOST_PIXELS:
        raise ValueError(f"a mask of another shape than {shape}")
    bits = np.unpackbits(np.frombuffer(data, np.uint8), count=size)
    return bits.astype(bool).reshape(shape)


def proposed_validation(
    train: Iterable[str], validation: Sequence[str], one_in: int = _ONE_IN
) -> list[str]:
    """Return which images to validate on: one in five, of two images at least one.

    The same images give the same proposal whatever their order, and an image that is
    for validation stays so.

    Parameters
    ----------
    train, validation
        Fingerprints of the images that have these roles.
    """
    # By hash, so that neither names nor order matter, and new images change nothing
    # about those before as long as they suffice.
    ranked = sorted(train, key=lambda name: hashlib.sha256(name.encode()).digest())
    total = len(ranked) + len(validation)
    wanted = max(round(total / one_in), 1) if total > 1 else 0
    return ranked[: max(wanted - len(validation), 0)]


def role_of_crop(crop: TrainingCrop, image: Role | None) -> Role | None:
    """Return what a crop of an image with that role is for; None if it is left out."""
    if crop.role is None:
        return image
    return None if crop.role == "out" else crop.role
