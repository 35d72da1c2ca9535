"""What a run of a large image will take, said before it starts."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtWidgets import QWidget

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.wording import image_count
from cellpose_studio.io.storage import room_text
from cellpose_studio.ui.widgets.question import ask
from cellpose_studio.workflows.blocks.forecast import Forecast

Confirm = Callable[[ImageSource, Forecast, QWidget], bool]
ConfirmSeveral = Callable[[int, list[Forecast], QWidget], bool]


def confirm_blocks(image: ImageSource, needed: Forecast, parent: QWidget) -> bool:
    """Ask whether an image is to be run that is too large to be run as a whole."""
    return ask(
        parent,
        "Run a large image",
        f"Run {image.name} in blocks?",
        blocks_text(image, needed),
        "Run",
    )


def confirm_several(count: int, large: list[Forecast], parent: QWidget) -> bool:
    """Ask once whether to queue ``count`` images, the ``large`` ones in blocks."""
    return ask(
        parent,
        "Run large images",
        f"Queue {image_count(count)}, {len(large)} of them in blocks?",
        several_text(large),
        "Run",
    )


def several_text(large: list[Forecast]) -> str:
    """Return what runs in blocks take, one after another, and what they leave."""
    seconds = sum(needed.seconds for needed in large)
    memory = max(needed.memory for needed in large)
    disk = max(needed.disk for needed in large)
    which = "One does" if len(large) == 1 else f"{len(large)} do"
    return (
        f"{which} not fit into the free memory as a whole. In blocks, this takes "
        f"{duration_text(seconds)} on this computer's processor, less with a graphics "
        f"card, {room_text(memory)} of memory, and up to {room_text(disk)} on the disk "
        f"at a time.{_guess_text(large)} You can cancel it: started again, it goes on "
        "with the next block. For other thresholds these images have to be run again."
    )


def blocks_text(image: ImageSource, needed: Forecast) -> str:
    """Return what a run in blocks takes, and what it leaves."""
    height, width = image.shape[3:]
    if needed.scheduler:
        return (
            f"{height:,} × {width:,} pixels do not fit into the free memory as a "
            f"whole. The workers of {needed.scheduler} run the image in blocks: each "
            f"of them needs {room_text(needed.memory)} of memory, and the shared "
            f"folder up to {room_text(needed.disk)} until the run ends."
            f"{_guess_text([needed])} You can cancel it: started again, it goes on "
            "with the next block. For other thresholds the image has to be run again."
        )
    return (
        f"{height:,} × {width:,} pixels do not fit into the free memory as a whole. In "
        f"blocks, the run takes {duration_text(needed.seconds)} on this computer's "
        f"processor, less with a graphics card, {room_text(needed.memory)} of memory, "
        f"and up to {room_text(needed.disk)} on the disk until it ends."
        f"{_guess_text([needed])} You can cancel it: started again, it goes on with "
        "the next block. For other thresholds the image has to be run again."
    )


def _guess_text(needed: list[Forecast]) -> str:
    """Return a sentence on the diameter, where runs measure it; with a space before."""
    guessed = [one.guessed for one in needed if one.guessed]
    if not guessed:
        return ""
    return (
        f" That is so for cells of {guessed[0]:.0f} px: the run measures them, and "
        "smaller ones take more."
    )


def duration_text(seconds: float) -> str:
    """Return a duration for the user, as exact as a forecast is: "about 5 min"."""
    if seconds < 90:
        return "about a minute"
    if seconds < 5400:
        return f"about {seconds / 60:.0f} min"
    return f"about {seconds / 3600:.0f} h"
